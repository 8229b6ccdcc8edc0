"""R8: clients dropped at random moments that resume see the session's log: no gap, no double."""

import asyncio
import os
import random

import aiohttp
import pytest
from common.testing.waiting import PATIENCE_SECONDS

from dev.actors import Agent, Frame, Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("crash")]

CLIENTS = int(os.environ.get("KEFU_CLIENTS", "20"))
MESSAGES = int(os.environ.get("KEFU_MESSAGES", "25"))


async def follow(visitor: Visitor, end: str, watching: asyncio.Event) -> list[Frame]:
    """Everything a client sees that drops its stream again and again until `end` arrives."""
    seen: list[Frame] = []
    last: str | None = None
    while True:
        try:
            async with visitor.events(last_id=last) as events:
                await events.until("ready")
                watching.set()
                enough = random.randint(1, 6)
                done = False
                try:
                    await events.until(
                        lambda f, e=events, n=enough: (
                            len([x for x in e.frames if x.id]) >= n or f.data.get("content") == end
                        ),
                        timeout_seconds=20,
                    )
                except (EOFError, TimeoutError):
                    pass
                got = [f for f in events.frames if f.id]
                assert not events.of("resync")
                seen += got
                last = got[-1].id if got else last
                done = any(f.data.get("content") == end for f in got)
            if done:
                return seen
        except (OSError, aiohttp.ClientError, AssertionError, EOFError) as error:
            if isinstance(error, AssertionError) and "503" not in str(error):
                raise
            await asyncio.sleep(0.1)


async def tell(agent: Agent, visitor: Visitor, count: int, watching: asyncio.Event) -> None:
    await watching.wait()
    for number in range(count):
        while True:
            try:
                said = await agent.say(
                    visitor.name, f"m{number}", client_message_id=f"{visitor.name}-{number}"
                )
                if said.status == 200:
                    break
                assert said.status in (503, 429), said
            except (OSError, aiohttp.ClientError):
                pass
            await asyncio.sleep(0.1)
        await asyncio.sleep(random.random() * 0.02)


async def run(crash_stack, clients: int, messages: int) -> None:
    agent = await crash_stack.agent(max_sessions=100)
    visitors = [crash_stack.visitor() for _ in range(clients)]
    for visitor in visitors:
        await visitor.new()
        await visitor.escalate()
        taken = await agent.takeover(visitor.name)
        assert taken.status == 200, taken
    last = f"m{messages - 1}"
    watched = [(v, asyncio.Event()) for v in visitors]
    following = [asyncio.ensure_future(follow(v, last, e)) for v, e in watched]
    telling = [asyncio.ensure_future(tell(agent, v, messages, e)) for v, e in watched]
    await asyncio.sleep(0.5)
    await crash_stack.kill("gateway")
    await crash_stack.restart("gateway")
    await asyncio.gather(*telling)
    for visitor, frames in zip(visitors, await asyncio.gather(*following), strict=True):
        words = [f.data["content"] for f in frames if f.data.get("role") == "agent"]
        assert words == [f"m{n}" for n in range(messages)]
        seqs = [f.data["seq"] for f in frames]
        assert seqs == sorted(set(seqs))
        await agent.post(f"/api/sessions/{visitor.name}/close")


async def test_dropped_clients_resume_without_gap_or_double(crash_stack) -> None:
    await run(crash_stack, CLIENTS, MESSAGES)


@pytest.mark.reliability
async def test_dropped_clients_resume_without_gap_or_double_in_full(crash_stack) -> None:
    """R8: 200 clients, 50,000 events."""
    for _ in range(4):
        await run(crash_stack, 50, 250)


async def test_a_flushed_redis_tells_every_client_to_reload(crash_stack) -> None:
    """R9: another generation, so no event id of before is known."""
    visitor = crash_stack.visitor()
    await visitor.new()
    async with visitor.events() as events:
        await events.until("ready")
        await visitor.chat("hello")
        await events.until("message_added")
        last = events.last_id
    await crash_stack.new_generation()
    async with visitor.events(last_id=last) as events:
        await events.until("resync")


async def test_a_fourth_stream_replaces_the_oldest(crash_stack) -> None:
    visitor = crash_stack.visitor()
    await visitor.new()
    async with visitor.events() as one, visitor.events() as two, visitor.events() as three:
        for stream in (one, two, three):
            await stream.until("ready")
        async with visitor.events() as four:
            await four.until("ready")
            await one.until("replaced")
            assert not two.of("replaced")


async def test_a_malformed_event_id_is_a_400(crash_stack) -> None:
    visitor = crash_stack.visitor()
    await visitor.new()
    answer = await visitor.call(
        "GET", f"/api/sessions/{visitor.name}/events", headers={"Last-Event-ID": "what?"}
    )
    assert (answer.status, answer.code) == (400, "BAD_EVENT_ID")


async def test_a_shutdown_drains_every_stream(crash_stack) -> None:
    """R10 in small."""
    visitors = [crash_stack.visitor() for _ in range(10)]
    opened = []
    for visitor in visitors:
        await visitor.new()
    async with asyncio.timeout(PATIENCE_SECONDS):
        managers = [v.events() for v in visitors]
        opened = [await m.__aenter__() for m in managers]
        for events in opened:
            await events.until("ready")
        code = await crash_stack.terminate("gateway")
        for events in opened:
            await events.until("drain")
        for manager in managers:
            await manager.__aexit__(None, None, None)
        await crash_stack.restart("gateway")
    assert code == 0
