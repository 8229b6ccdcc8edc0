"""Gateway and Redis die while an agent writes: nothing is lost, nothing is doubled."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from dev.actors import Agent
from dev.rig import Rig
from dev.rig.rig import eventually

from .desk import Desk, at_desk, is_whole, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("crash"),
    pytest.mark.browser,
]


@pytest_asyncio.fixture(loop_scope="session")
async def cleo(browser: Browser, crash_stack: Rig) -> AsyncIterator[Desk]:
    async with at_desk(browser, crash_stack, "Cleo Marsh") as desk:
        yield desk


@pytest.mark.parametrize("what", ["gateway", "redis"])
async def test_a_restart_loses_and_doubles_nothing(crash_stack: Rig, cleo: Desk, what: str) -> None:
    visitor = await waiting_visitor(crash_stack, "Restart")
    name, agent = str(visitor.name), await crash_stack.agent()
    await cleo.serve(name)
    await cleo.say("before")
    await cleo.sees("before")
    # acknowledged, or it would be a third that waits
    await cleo.has_unsent(0)
    await crash_stack.kill(what)
    try:
        await cleo.say("said while it was down")
        await cleo.say("and one more")
        await cleo.has_unsent(2)
    finally:
        # the stack is shared: whatever happened here, the next test finds it whole
        await crash_stack.restart(what)
    await cleo.is_live()
    await cleo.has_unsent(0)

    async def spoken() -> bool:
        return (await visitor.say("after")).status == 200

    await eventually(spoken)
    await cleo.sees("after")
    assert await said(agent, name) == ["before", "said while it was down", "and one more"]
    await is_whole(cleo, agent, name)


async def test_while_redis_hangs_it_is_shown_what_waits_and_then_it_is_sent_once(
    crash_stack: Rig, cleo: Desk
) -> None:
    visitor = await waiting_visitor(crash_stack, "Hang")
    name, agent = str(visitor.name), await crash_stack.agent()
    await cleo.serve(name)
    refused: list[int] = []
    cleo.page.on(
        "response",
        lambda r: refused.append(r.status) if r.url.endswith("/api/manual/messages") else None,
    )
    with crash_stack.stack.frozen("redis"):
        await cleo.say("caught in the middle")
        waits = cleo.page.locator("[data-phase] .state")
        await expect(waits).to_have_text("Waiting for the line, will be sent by itself")
        await cleo.page.type("#reply", "and the next one beg")

        async def tried_often() -> bool:
            return len(refused) >= 3

        # some ten seconds: each try waits for an answer, and each wait is longer than the last
        await eventually(tried_often)
    assert set(refused) == {503}
    await cleo.has_unsent(0)
    await cleo.is_live()
    await cleo.has_draft("and the next one beg")
    assert await said(agent, name) == ["caught in the middle"]
    await is_whole(cleo, agent, name)


async def said(agent: Agent, session: str) -> list[str]:
    """What agents have said, as the log has it."""
    return [m["content"] for m in await agent.messages(session) if m["role"] == "agent"]
