"""Providers as they really run: their own app, a real Redis, real sockets, typed clients."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from auth.main import create_app as create_auth
from auth.settings import AuthSettings
from common.clients.auth import AuthClient
from common.clients.http import ServiceClient
from common.clients.session_state import SessionStateClient
from common.security.internal import InternalSigner
from session_state.main import create_app as create_session_state
from session_state.settings import Settings as SessionStateSettings

ROUND_THE_CLOCK = {
    "human_shift_start": "00:00",
    "human_shift_end": "00:00",
    "weekends_disabled": False,
    "timezone": "UTC",
    "default_language": "en",
}


@pytest.fixture
def client_of(test_keys):
    """`client_of(base_url, "auth")`: a service's client with the right credential, or another."""

    def make(url: str, audience: str, *, secret: str | None = None) -> ServiceClient:
        signer = test_keys.internal("chat-proxy")
        if secret is not None:
            signer = InternalSigner(secret, "chat-proxy", test_keys.clock)
        return ServiceClient(url, audience=audience, signer=signer, timeout_seconds=20)

    return make


@pytest.fixture
def methods_of():
    """The public coroutines of a client: each must have been tried."""
    return lambda cls: {n for n, f in vars(cls).items() if not n.startswith("_") and callable(f)}


@pytest.fixture
def start_session_state(make_settings, run_app, clock, until):
    @asynccontextmanager
    async def start(**values):
        given = {**ROUND_THE_CLOCK, "timer_seconds": 3600.0, **values}
        app = create_session_state(make_settings(SessionStateSettings, **given), clock=clock)
        async with run_app(app) as running:
            await until(running.chassis.revocations.trusted)
            yield running

    return start


@pytest.fixture
async def session_state(start_session_state):
    async with start_session_state() as running:
        yield running


@pytest.fixture
async def sessions(session_state, client_of) -> AsyncIterator[SessionStateClient]:
    async with client_of(session_state.url, "session-state") as http:
        yield SessionStateClient(http)


@pytest.fixture
async def auth_service(make_settings, run_app, test_keys, clock, until):
    settings = make_settings(
        AuthSettings,
        agent_token_private_key=test_keys.agent[0],
        bcrypt_rounds=4,
        admin_password="correct-zebra-battery-9",
        presence_settle_seconds=0,
    )
    async with run_app(create_auth(settings, clock)) as running:
        await until(running.chassis.revocations.trusted)
        yield running


@pytest.fixture
async def auth(auth_service, client_of, clock) -> AsyncIterator[AuthClient]:
    async with client_of(auth_service.url, "auth") as http:
        yield AuthClient(http, clock)
