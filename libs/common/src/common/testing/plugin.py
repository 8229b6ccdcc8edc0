"""The pytest plugin: `pytest_plugins = ["common.testing.plugin"]` in the root conftest.

    redis_url      an empty database of a real server, one server a test process
    redis          a RedisClient on it
    keys           key names under the default tag
    clock          a FakeClock
    test_keys      Ed25519 key pairs and signers for both kinds of tokens
    make_settings  a service's settings class filled with what tests need
    run_app        a real server for an app
    until          waits for a condition

TEST_REDIS_URL names a server that runs already (its database is emptied before every test);
TEST_REDIS=container starts one through testcontainers, TEST_REDIS=cluster three masters (R21).
TEST_REDIS_BINARY=redis-server takes the system's server in place of the embedded one.
"""

import importlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import pytest
import pytest_asyncio
import redis as redis_sync

from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.security.internal import InternalSigner
from common.security.tokens import TokenSigner, TokenVerifier, generate_key_pair
from common.settings import ServiceSettings
from common.testing import serving, waiting
from common.testing.clock import FakeClock
from common.testing.server import cluster_url, running_server, three_masters

INTERNAL_SECRET = "internal-for-tests-0123456789abcdef"
S = TypeVar("S", bound=ServiceSettings)
T = TypeVar("T")


class MakeSettings(Protocol):
    def __call__(self, cls: type[S], **values: Any) -> S: ...


class Until(Protocol):
    def __call__(
        self, condition: Callable[[], T | Awaitable[T]], timeout: float = waiting.PATIENCE_SECONDS
    ) -> Awaitable[T]: ...


@dataclass(frozen=True)
class TestKeys:
    """The keys of a test installation; signers and verifier tell time by the test's clock."""

    __test__ = False

    clock: FakeClock
    visitor: tuple[str, str] = field(default_factory=generate_key_pair)
    agent: tuple[str, str] = field(default_factory=generate_key_pair)

    @property
    def visitors(self) -> TokenSigner:
        return TokenSigner(self.visitor[0], clock=self.clock)

    @property
    def agents(self) -> TokenSigner:
        return TokenSigner(self.agent[0], clock=self.clock)

    @property
    def verifier(self) -> TokenVerifier:
        return TokenVerifier(
            visitor_keys=self.visitor[1], agent_keys=self.agent[1], clock=self.clock
        )

    def internal(self, issuer: str) -> InternalSigner:
        return InternalSigner(INTERNAL_SECRET, issuer, self.clock)

    def visitor_token(self, name: str, sid: str = "sid-of-a-test", **more: Any) -> str:
        return self.visitors.sign_visitor(name=name, sid=sid, **more)

    def agent_token(self, agent_id: str = "agent-1", **more: Any) -> str:
        """Role `agent` unless told otherwise."""
        claims: dict[str, Any] = {
            "username": agent_id,
            "name": agent_id.title(),
            "role": "agent",
            "max_sessions": 5,
            "jti": f"jti-of-{agent_id}",
            "family": f"family-of-{agent_id}",
        }
        return self.agents.sign_agent(agent_id=agent_id, **{**claims, **more})

    def agent_header(self, agent_id: str = "agent-1", **more: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.agent_token(agent_id, **more)}"}


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Database 0 of the server all tests of this process share."""
    given = os.environ.get("TEST_REDIS_URL")
    with ExitStack() as stack:
        if given:
            url = given
        elif os.environ.get("TEST_REDIS") == "container":
            # imported here only: it needs a container engine's libraries
            module = importlib.import_module("common.testing.container")
            url = stack.enter_context(module.redis_container())
        elif os.environ.get("TEST_REDIS") == "cluster":
            url = cluster_url(stack.enter_context(three_masters(tmp_path_factory.mktemp("redis"))))
        else:
            options = ("--appendonly", "no", "--maxmemory-policy", "noeviction")
            server = running_server(tmp_path_factory.mktemp("redis"), options=options)
            url = stack.enter_context(server).url()
        yield url if url.startswith("redis+") else _own_database(url)


@pytest.fixture(scope="session")
def _flushers(redis_server_url: str) -> Iterator[Any]:
    scheme, _, nodes = redis_server_url.partition("://")
    urls = [f"redis://{node}" for node in nodes.split(",")] if "+" in scheme else [redis_server_url]
    clients = [redis_sync.Redis.from_url(url) for url in urls]
    yield clients
    for client in clients:
        client.close()


@pytest.fixture
def redis_url(redis_server_url: str, _flushers: Any) -> str:
    for client in _flushers:
        client.flushdb()
        # a script left behind must not hide that a service forgot to load its own
        client.script_flush()
    return redis_server_url


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient.open(redis_url)
    yield client
    await client.close()


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def test_keys(clock: FakeClock) -> TestKeys:
    return TestKeys(clock)


@pytest.fixture
def make_settings(redis_url: str, test_keys: TestKeys) -> MakeSettings:
    """`make_settings(Settings, wait_timeout_seconds=1)`; the environment is not read for these."""

    def make(cls: type[S], **values: Any) -> S:
        common: dict[str, Any] = {
            "app_env": "test",
            "redis_url": redis_url,
            "internal_secret": INTERNAL_SECRET,
            "visitor_token_public_key": test_keys.visitor[1],
            "agent_token_public_key": test_keys.agent[1],
            "drain_seconds": 5.0,
        }
        return cls(**{**common, **values})

    return make


@pytest.fixture
def run_app() -> Callable[[Any], AbstractAsyncContextManager[serving.RunningApp]]:
    return serving.run_app


@pytest.fixture
def until() -> Until:
    return waiting.until


def _own_database(url: str) -> str:
    """Each pytest-xdist worker of a shared server has a database of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    if worker == "0":
        return url
    base, _, database = url.rpartition("/")
    if not database.isdecimal():
        base, database = url.rstrip("/"), "0"
    return f"{base}/{(int(database) + int(worker)) % 16}"
