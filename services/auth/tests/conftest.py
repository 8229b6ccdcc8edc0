"""A running auth, and agents who talk to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from auth.routes import internal, router
from auth.settings import AuthSettings
from auth.wiring import wire
from common.app.build import build_app
from common.contracts.common import Headers
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.testing.serving import RunningApp

ADMIN = "admin"
ADMIN_PASSWORD = "correct-zebra-battery-9"
PASSWORD = "a-quiet-morning-ride-7"


@dataclass
class Auth:
    """One replica and what a test wants to say to it."""

    running: RunningApp
    http: httpx.AsyncClient
    keys: Any

    async def login(
        self,
        username: str = ADMIN,
        password: str = ADMIN_PASSWORD,
        *,
        address: str = "192.0.2.1",
        device_id: str | None = None,
    ) -> httpx.Response:
        body = {"username": username, "password": password}
        if device_id is not None:
            body["device_id"] = device_id
        headers = self.from_gateway(address)
        return await self.http.post("/api/agent/login", json=body, headers=headers)

    async def pair(self, username: str = ADMIN, password: str = ADMIN_PASSWORD) -> dict[str, Any]:
        """A login that must succeed, without the cookie a browser would keep."""
        answer = await self.login(username, password)
        assert answer.status_code == 200, answer.text
        self.http.cookies.clear()
        return answer.json()

    async def refresh(self, token: str) -> httpx.Response:
        answer = await self.http.post("/api/agent/refresh", json={"refresh_token": token})
        self.http.cookies.clear()
        return answer

    async def profile(self, token: str) -> httpx.Response:
        return await self.http.get("/api/agent/profile", headers=bearer(token))

    async def add(self, username: str, **more: Any) -> dict[str, Any]:
        """A new account, made by the admin."""
        admin = await self.pair()
        body = {"username": username, "password": PASSWORD, "name": username.title(), **more}
        answer = await self.http.post("/api/agents", json=body, headers=bearer(admin["token"]))
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    def from_gateway(self, address: str) -> dict[str, str]:
        token = self.keys.internal("gateway").header("auth")
        return {Headers.INTERNAL_TOKEN: token, Headers.CLIENT_ADDRESS: address}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


StartAuth = Callable[..., AbstractAsyncContextManager[Auth]]


@pytest.fixture
def auth_settings(make_settings: Any, test_keys: Any) -> Callable[..., AuthSettings]:
    def make(**values: Any) -> AuthSettings:
        defaults: dict[str, Any] = {
            "agent_token_private_key": test_keys.agent[0],
            "bcrypt_rounds": 4,
            "presence_sweep_seconds": 0.02,
            "presence_settle_seconds": 0,
            "admin_password": ADMIN_PASSWORD,
        }
        return make_settings(AuthSettings, **{**defaults, **values})

    return make


@pytest.fixture
def start_auth(auth_settings: Any, clock: Any, run_app: Any, test_keys: Any) -> StartAuth:
    """`async with start_auth(refresh_grace_seconds=0) as auth`; twice is two replicas."""

    @asynccontextmanager
    async def start(**values: Any) -> AsyncIterator[Auth]:
        settings = auth_settings(**values)
        app = build_app(
            name="auth",
            settings=settings,
            wire=partial(wire, settings),
            routers=[router, internal],
            clock=clock,
        )
        limits = httpx.Limits(max_connections=600)
        async with (
            run_app(app) as running,
            httpx.AsyncClient(base_url=running.url, timeout=60, limits=limits) as http,
        ):
            while not running.chassis.revocations.trusted():
                await running.chassis.check()
            yield Auth(running, http, test_keys)

    return start


@pytest.fixture
async def auth(start_auth: StartAuth) -> AsyncIterator[Auth]:
    async with start_auth() as running:
        yield running


@pytest.fixture
def published(redis: RedisClient, keys: Keys) -> Callable[..., Any]:
    """`await published("agent.status_changed")`: payloads of that type on the bus, oldest first."""

    async def read(kind: str) -> list[bytes]:
        rows = await redis.xrange(keys.bus())
        return [fields[b"data"] for _, fields in rows if fields[b"type"] == kind.encode()]

    return read
