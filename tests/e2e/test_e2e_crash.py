"""Whatever is killed, whenever: nothing acknowledged is lost, nothing happens twice."""

import asyncio
import signal
from contextlib import suppress

import aiohttp
import pytest

from dev.actors import Agent, text_of
from dev.rig.rig import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("crash")]

SERVICES = ("gateway", "chat-proxy", "session-state", "auth", "notifier")


async def healthy(agent: Agent) -> None:
    """Until every service answers an agent again, which is when it hears the bus."""

    async def serves() -> bool:
        with suppress(OSError, aiohttp.ClientError):
            paths = ("/api/health", "/api/agent/profile", "/api/sessions?limit=1")
            return {(await agent.get(path)).status for path in paths} == {200}
        return False

    await eventually(serves)


def assert_complete(log: list[dict], said: list[str]) -> None:
    """Every acknowledged message is in the log once, in order, with rising sequence numbers."""
    contents = [m["content"] for m in log]
    assert [c for c in contents if c in said] == said
    seqs = [m["seq"] for m in log]
    assert seqs == sorted(set(seqs))


async def test_all_killed_in_the_middle_of_ten_conversations(crash_stack) -> None:
    agent = await crash_stack.agent()
    visitors = [crash_stack.visitor() for _ in range(10)]
    said: dict[str, list[str]] = {}
    for number, visitor in enumerate(visitors):
        await visitor.chat(f"Hello, I am visitor {number}")
        said[visitor.name] = [f"Hello, I am visitor {number}"]
    for visitor in visitors[:4]:
        await visitor.escalate()
        await agent.takeover(visitor.name)
        await agent.say(visitor.name, "I am here")
        said[visitor.name].append("I am here")
    for visitor in visitors[4:6]:
        await visitor.escalate()
    streaming = [
        asyncio.ensure_future(v.stream("[[sim:slow_drip]] how far does it go?"))
        for v in visitors[6:]
    ]
    await crash_stack.until_turns_run(4)

    await crash_stack.kill_everything(signal.SIGKILL)
    await asyncio.gather(*streaming, return_exceptions=True)
    await crash_stack.start_everything()
    await healthy(agent)

    for visitor in visitors[:4]:
        state = await agent.state(visitor.name)
        assert state["status"] == "manual_live"
        assert state["assigned_agent"]["id"] == agent.id
        assert (await agent.say(visitor.name, "and I am back")).status == 200
        said[visitor.name].append("and I am back")
    for visitor in visitors[4:6]:
        assert (await agent.state(visitor.name))["status"] == "pending_manual"
    for visitor in visitors[6:]:
        await crash_stack.until_no_turn(visitor.name)
        answer = await visitor.chat("Are you still there?")
        assert answer.status == 200, answer
        said[visitor.name].append("Are you still there?")
    for visitor in visitors:
        assert_complete(await agent.messages(visitor.name), said[visitor.name])


@pytest.mark.parametrize("service", SERVICES)
async def test_one_service_killed_in_the_middle_of_a_turn_and_a_takeover(
    crash_stack, service: str
) -> None:
    agent = await crash_stack.agent()
    talking, waiting = crash_stack.visitor(), crash_stack.visitor()
    await talking.new()
    await waiting.new()
    await waiting.escalate()
    turn = asyncio.ensure_future(talking.stream("[[sim:slow_drip]] how far does it go?"))
    await crash_stack.until_turns_run(1)
    takeover = asyncio.ensure_future(agent.takeover(waiting.name))
    await crash_stack.kill(service)
    items = (await asyncio.gather(turn, takeover, return_exceptions=True))[0]
    await crash_stack.restart(service)
    await healthy(agent)

    if isinstance(items, list) and items[-1]["type"] == "done" and items[-2]["type"] != "error":
        await crash_stack.until_answered(agent, talking.name)
    state = await agent.state(waiting.name)
    if state["status"] == "pending_manual":
        assert (await agent.takeover(waiting.name)).status == 200
    assert (await agent.state(waiting.name))["assigned_agent"]["id"] == agent.id
    await crash_stack.until_no_turn(talking.name)
    assert (await talking.chat("again, please")).status == 200
    log = await agent.messages(talking.name)
    seqs = [m["seq"] for m in log]
    assert seqs == sorted(set(seqs))
    assert [m["content"] for m in log].count("again, please") == 1


async def test_redis_away_gives_503_and_recovery_without_a_restart(crash_stack) -> None:
    agent = await crash_stack.agent()
    visitor = crash_stack.visitor()
    await visitor.chat("hello")
    await crash_stack.kill("redis")
    for _ in range(3):
        answer = await visitor.chat("hello?")
        assert answer.status == 503, answer
        assert answer.code in ("STATE_UNAVAILABLE", "UNAVAILABLE")
        read = await agent.get(f"/api/sessions/{visitor.name}")
        assert read.status == 503, read
    pids = crash_stack.pids()
    await crash_stack.restart("redis")
    await healthy(agent)
    assert (await visitor.chat("hello again")).status == 200
    assert crash_stack.pids() == pids, "no service was restarted"
    contents = [m["content"] for m in await agent.messages(visitor.name)]
    assert contents.count("hello") == 1
    assert contents.count("hello again") == 1


async def test_a_frozen_service_is_a_503_and_not_a_hang(crash_stack) -> None:
    visitor = crash_stack.visitor()
    await visitor.chat("hello")
    with crash_stack.frozen("session-state"):
        answer = await visitor.get(f"/api/sessions/{visitor.name}")
        assert answer.status == 503
        assert answer.code in ("UNAVAILABLE", "STATE_UNAVAILABLE")

    async def is_back() -> bool:
        return (await visitor.get(f"/api/sessions/{visitor.name}")).status == 200

    await eventually(is_back)


async def test_an_answer_goes_on_when_the_caller_leaves(crash_stack) -> None:
    agent = await crash_stack.agent()
    visitor = crash_stack.visitor()
    await visitor.new()
    async for item in visitor.streaming("[[sim:slow_drip]] Which battery?"):
        if item["type"] == "message":
            break
    await crash_stack.until_answered(agent, visitor.name)
    log = await agent.messages(visitor.name)
    assert [m["role"] for m in log] == ["user", "assistant"]
    assert text_of([{"type": "message", "content": log[1]["content"]}])
