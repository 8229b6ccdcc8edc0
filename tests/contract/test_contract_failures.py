"""Whatever failure a provider names arrives at the caller as the same class, with its details."""

from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from common.app import bare, build_app, context
from common.clients.session_state import SessionStateClient
from common.contracts.sessions import ConversationCheck, OpenTurn, Paths
from common.errors import ServiceError, StateUnavailable, registry
from common.settings import ServiceSettings
from common.testing.proxy import proxied

KNOWN = registry()


@asynccontextmanager
async def wire(_chassis):
    yield None


async def refuse(scope, _receive, _send) -> None:
    raise KNOWN[context(scope).headers[b"x-request-id"]](retry_after=3, agent_name="Ann")


@pytest.fixture
async def refusing(make_settings, run_app, clock, client_of):
    """A provider that fails as its caller wishes; the wish comes in the request id."""
    app = build_app(
        name="session-state",
        settings=make_settings(ServiceSettings),
        wire=wire,
        hot=[bare("POST", Paths.OPEN_TURN, refuse)],
        clock=clock,
    )
    async with run_app(app) as running, client_of(running.url, "session-state") as http:
        yield http


@pytest.mark.parametrize("code", sorted(KNOWN))
async def test_a_failure_keeps_its_class_on_the_way(refusing, code: str) -> None:
    with pytest.raises(ServiceError) as met:
        await refusing.call("POST", Paths.OPEN_TURN, headers={"X-Request-ID": code})
    assert type(met.value) is KNOWN[code]
    assert met.value.details == {"retry_after": 3, "agent_name": "Ann"}
    assert met.value.status == KNOWN[code].status


async def test_redis_away_is_state_unavailable_and_passes(
    start_session_state, client_of, redis_url, until
) -> None:
    async with (
        proxied(urlsplit(redis_url).port) as proxy,
        start_session_state(redis_url=redis_url.replace(*ports(redis_url, proxy.port))) as running,
        client_of(running.url, "session-state") as http,
    ):
        sessions = SessionStateClient(http)
        assert (await sessions.check_conversation(ConversationCheck())).session_name
        proxy.silent = True
        proxy.cut()
        with pytest.raises(StateUnavailable):
            await sessions.open_turn(OpenTurn(message="Hello"))
        proxy.silent = False
        proxy.cut()

        async def passes() -> bool:
            with suppress(StateUnavailable):
                return bool((await sessions.open_turn(OpenTurn(message="Hello"))).turn_id)
            return False

        await until(passes)


def ports(url: str, instead: int) -> tuple[str, str]:
    return f":{urlsplit(url).port}", f":{instead}"
