"""Two of every service on one Redis are one product."""

import asyncio
import itertools
import os
import random
from collections import Counter

import pytest
from common.testing.waiting import PATIENCE_SECONDS

from dev.actors import Agent, Visitor
from dev.rig.rig import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("replicas")]

RACES = int(os.environ.get("KEFU_RACES", "150"))
CUTS = int(os.environ.get("KEFU_CUTS", "40"))


async def test_any_replica_serves_any_session(pair) -> None:
    left, right = pair.gateways
    visitor = pair.visitor(left)
    await visitor.chat("Hello")
    moved = Visitor(right, visitor.http, visitor.headers, name=visitor.name)
    assert (await moved.chat("Hello again")).status == 200
    agent = await pair.agent(right)
    assert [m["role"] for m in await agent.messages(visitor.name)] == ["user", "assistant"] * 2


async def test_an_event_reaches_the_client_on_the_other_gateway(pair) -> None:
    left, right = pair.gateways
    visitor, agent = pair.visitor(left), await pair.agent(right)
    await visitor.new()
    await visitor.escalate()
    await agent.takeover(visitor.name)
    async with visitor.events() as seen:
        await seen.until("ready")
        await agent.say(visitor.name, "from the other side")
        await seen.until(lambda f: f.data.get("content") == "from the other side")


async def races(pair, count: int) -> Counter[str]:
    """`count` sessions, five agents each over both gateways; what came of it."""
    agents = [
        await pair.agent(g, n)
        for n, g in zip(range(5), itertools.cycle(pair.gateways), strict=False)
    ]
    found: Counter[str] = Counter()
    for _ in range(count):
        visitor = pair.visitor(random.choice(pair.gateways))
        await visitor.new()
        await visitor.escalate()
        answers = await asyncio.gather(*(a.takeover(visitor.name) for a in agents))
        winners = [a for a, answer in zip(agents, answers, strict=True) if answer.status == 200]
        found["winners"] += len(winners)
        found["races"] += 1
        found["refused"] += sum(a.code == "ALREADY_TAKEN" for a in answers)
        await check_one_takeover(visitor, winners[0], found)
        await winners[0].post(f"/api/sessions/{visitor.name}/close")
    return found


async def check_one_takeover(visitor: Visitor, winner: Agent, found: Counter[str]) -> None:
    answer = (await winner.get(f"/api/sessions/{visitor.name}")).body["data"]
    assert answer["session"]["assigned_agent"]["id"] == winner.id
    entries = [t for t in answer["audit_trail"] if t["to"] == "manual_live"]
    found["entries"] += len(entries)


async def test_of_racing_agents_exactly_one_wins(pair) -> None:
    """R5 at the size of the ordinary run."""
    found = await races(pair, RACES)
    assert found == {
        "races": RACES,
        "winners": RACES,
        "refused": RACES * 4,
        "entries": RACES,
    }


@pytest.mark.reliability
async def test_of_racing_agents_exactly_one_wins_in_full(pair) -> None:
    """R5: 10,000 races of 5 agents over 2 replicas."""
    count = int(os.environ.get("KEFU_RACES_FULL", "10000"))
    found = await races(pair, count)
    assert found == {"races": count, "winners": count, "refused": count * 4, "entries": count}


async def cut(pair, agent: Agent, *, after_hours: bool) -> None:
    """One AI stream, taken over at a random moment; `after_hours` inside a closed shop."""
    visitor = pair.visitor(random.choice(pair.gateways))
    await visitor.new()
    if after_hours:
        assert (await visitor.escalate()).body["data"]["status"] == "after_hours_email"
    items: list[dict] = []

    async def listen() -> None:
        items.extend([i async for i in visitor.streaming("[[sim:bench]] go")])

    listening = asyncio.ensure_future(listen())
    await asyncio.sleep(random.random() * 0.2)
    if not after_hours:
        await visitor.escalate()
    taken = await agent.takeover(visitor.name)
    assert taken.status == 200, taken
    blocked = await visitor.chat("hello?")
    assert (blocked.status, blocked.code) == (409, "MANUAL_IN_PROGRESS"), blocked
    await asyncio.wait_for(listening, PATIENCE_SECONDS)
    assert items[-1]["type"] in ("done", "refused"), items[-1]
    log = await agent.messages(visitor.name)
    trail = (await agent.get(f"/api/sessions/{visitor.name}")).body["data"]["audit_trail"]
    taken_at = next(t["timestamp"] for t in trail if t["to"] == "manual_live")
    late = [m for m in log if m["role"] == "assistant" and m["timestamp"] > taken_at]
    assert late == []
    notice = max(m["seq"] for m in log if m["role"] == "system")
    assert [m for m in log if m["role"] == "assistant" and m["seq"] > notice] == []
    await agent.post(f"/api/sessions/{visitor.name}/close")


async def test_no_ai_text_is_stored_after_a_takeover_at_any_moment(pair) -> None:
    """R6 at the size of the ordinary run: escalate, then takeover."""
    agent = await pair.agent(pair.gateways[0])
    for _ in range(CUTS):
        await cut(pair, agent, after_hours=False)


@pytest.mark.reliability
async def test_no_ai_text_is_stored_after_a_takeover_at_any_moment_in_full(pair) -> None:
    """R6: 2,000 streams, half of them taken from `after_hours_email`."""
    agent = await pair.agent(pair.gateways[0])
    count = int(os.environ.get("KEFU_CUTS_FULL", "2000"))
    for _ in range(count // 2):
        await cut(pair, agent, after_hours=False)
    async with pair.closed_shop():
        for _ in range(count // 2):
            await cut(pair, agent, after_hours=True)


async def test_a_takeover_out_of_hours_also_silences_the_ai(pair) -> None:
    agent = await pair.agent(pair.gateways[0])
    async with pair.closed_shop():
        for _ in range(max(CUTS // 4, 3)):
            await cut(pair, agent, after_hours=True)


async def test_capacity_holds_under_races(pair) -> None:
    admin = await pair.admin()
    small = await pair.new_agent(admin, max_sessions=2)
    visitors = [pair.visitor(random.choice(pair.gateways)) for _ in range(8)]
    for visitor in visitors:
        await visitor.new()
        await visitor.escalate()
    answers = await asyncio.gather(*(small.takeover(v.name) for v in visitors))
    assert Counter(a.status for a in answers) == {200: 2, 409: 6}
    assert {a.code for a in answers if a.status == 409} == {"AGENT_AT_CAPACITY"}
    for visitor, answer in zip(visitors, answers, strict=True):
        if answer.status == 200:
            await small.post(f"/api/sessions/{visitor.name}/close")


async def test_a_logout_is_felt_on_the_other_gateway(pair) -> None:
    admin = await pair.admin()
    leaver = await pair.new_agent(admin)
    other = Agent(pair.gateways[1], leaver.http, dict(leaver.headers))
    assert (await other.get("/api/agent/profile")).status == 200
    assert (await other.get("/api/sessions")).status == 200
    await leaver.post("/api/agent/logout")

    async def is_felt() -> bool:
        return (await other.get("/api/sessions")).status != 200

    await eventually(is_felt)
    answer = await other.get("/api/sessions")
    assert (answer.status, answer.code) == (401, "TOKEN_REVOKED")
