"""Running products for end-to-end tests; each group of tests shares one."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from dev.actors import Agent, Visitor
from dev.rig import Rig, running_rig
from dev.rig.rig import eventually

shared = pytest_asyncio.fixture(scope="session", loop_scope="session")


CORNER_SECRET = "signs for the corner shop"
CORNER = {
    "id": "corner",
    "languages": ["en", "zh"],
    "look": {
        "color": "#ffd84d",
        "position": "left",
        "offset_x": 32,
        "offset_y": 96,
        "z_index": 4321,
        "theme": "light",
    },
    "texts": {"en": {"launcher": "Questions?", "title": "The corner"}, "zh": {"launcher": "咨询"}},
}


@shared
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """With a second shop, `corner`, of which only the configuration knows."""
    env = {
        "SHOPS": json.dumps([CORNER]),
        "SHOP_SECRETS": json.dumps({CORNER["id"]: CORNER_SECRET}),
    }
    async with running_rig(tmp_path_factory.mktemp("e2e"), env=env) as rig:
        yield rig


@pytest.fixture
def corner_secret() -> str:
    """What the corner shop's server signs its customers with."""
    return CORNER_SECRET


@shared
async def crash_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    env = {"UPSTREAM_TIMEOUT_SECONDS": "5"}
    async with running_rig(tmp_path_factory.mktemp("crash"), env=env) as rig:
        yield rig


@shared
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    counts = dict.fromkeys(("gateway", "chat-proxy", "session-state", "auth", "notifier"), 2)
    async with running_rig(tmp_path_factory.mktemp("pair"), counts=counts) as rig:
        yield rig


@shared
async def fault_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Deadlines short enough to be met in a test, and a breaker that opens late."""
    env = {
        "COZE_FIRST_DELTA_SECONDS": "1.5",
        "COZE_GAP_SECONDS": "1",
        "COZE_READ_TIMEOUT_SECONDS": "1",
        "COZE_READ_TIMEOUT": "1",
        "COZE_TURN_TIMEOUT_SECONDS": "6",
        "COZE_TURN_TIMEOUT": "6",
        "COZE_CONNECT_TIMEOUT_SECONDS": "1",
        "COZE_BACKOFF_SECONDS": "0.05",
        "COZE_BACKOFF_MAX_SECONDS": "0.2",
        "COZE_BREAKER_FAILURES": "100000",
        "COZE_PROBE_SECONDS": "1",
    }
    async with running_rig(tmp_path_factory.mktemp("faults"), env=env) as rig:
        yield rig


@shared
async def admin(stack: Rig) -> Agent:
    return await stack.admin()


@pytest_asyncio.fixture(loop_scope="session")
async def agent(stack: Rig) -> Agent:
    return await stack.agent()


@pytest_asyncio.fixture(loop_scope="session")
async def second_agent(stack: Rig) -> Agent:
    return await stack.agent(number=1)


@pytest.fixture
def new_visitor(stack: Rig) -> Callable[[], Visitor]:
    return stack.visitor


@pytest.fixture
def visitor(stack: Rig) -> Visitor:
    return stack.visitor()


@pytest.fixture
def closed_shop(stack: Rig):
    return stack.closed_shop


@dataclass
class Mails:
    rig: Rig

    async def about(self, word: str) -> list[dict]:
        return await self.rig.mails(word)

    async def one_about(self, word: str) -> dict:
        async def there() -> bool:
            return bool(await self.about(word))

        await eventually(there)
        return (await self.about(word))[0]

    async def recorded(self, agent: Agent, session: str) -> dict:
        """The session once its mail's result is on it."""

        async def known() -> bool:
            mail = (await agent.state(session))["mail"]
            return bool(mail["sent"] or mail["error"])

        await eventually(known)
        return await agent.state(session)


@pytest.fixture
def mails(stack: Rig) -> Mails:
    return Mails(stack)


@shared
async def two_agents(stack: Rig) -> tuple[str, dict, dict, str]:
    admin = await stack.admin()
    ann = await stack.new_agent(admin, max_sessions=100, name="Ann")
    bob = await stack.new_agent(admin, max_sessions=100, name="Bob")
    return stack.gateway, ann.headers, bob.headers, bob.id
