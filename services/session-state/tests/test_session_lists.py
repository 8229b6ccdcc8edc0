"""Lists, counts and statistics (SESS-6): filters, paging, order, and no look at every session."""

from dataclasses import replace
from typing import Any

import pytest
from common.redis import Keys, RedisClient
from common.redis import commands as redis_commands
from session_state import commands as c
from session_state.decision import Context
from session_state.index import Index, Wish
from session_state.machine import decide
from session_state.session import Profile, Session
from session_state.store import Store

NOW = 1_790_000_000.0


async def fill(redis: RedisClient, count: int) -> None:
    """Sessions s0…: every third waits, every fifth is a VIP, each a second after the other."""
    store = Store(redis, Keys())
    for number in range(count):
        now = NOW + number
        numbers = iter(range(99))
        context = Context(
            now=now,
            new_id=lambda n=number, more=numbers: f"{n}-{next(more)}",
            shift_ends_at=now + 99,
        )
        profile = Profile(nickname=f"Visitor {number}", vip=number % 5 == 0)
        session = Session(
            f"s{number}", f"sid-{number:020}", "bot_active", now, now, profile=profile
        )
        command = c.Escalate() if number % 3 == 0 else c.Ask("hello")
        decision = decide(session, command, context)
        await store.save(decision, session, commit_id=f"c{number}", now=now, day="2026-09-21")


async def names(index: Index, **wish: Any) -> list[str]:
    page = await index.page(Wish(**wish), now=NOW + 1000)
    return [session["session_name"] for session in page["sessions"]]


async def test_lists_come_in_their_order_and_in_pages(redis: RedisClient, keys: Keys) -> None:
    await fill(redis, 12)
    index = Index(redis, keys)
    assert await names(index, limit=3) == ["s11", "s10", "s9"]
    # the queue: who waits longest comes first
    assert await names(index, statuses=("pending_manual",)) == ["s0", "s3", "s6", "s9"]
    page = await index.page(Wish(statuses=("bot_active",), limit=3, offset=6), now=NOW + 99)
    assert [s["session_name"] for s in page["sessions"]] == ["s2", "s1"]
    assert (page["total"], page["limit"], page["offset"], page["has_more"]) == (8, 3, 6, False)
    page = await index.page(Wish(limit=100), now=NOW + 99)
    assert page["total"] == 12


async def test_filters_narrow_and_sorts_order(redis: RedisClient, keys: Keys) -> None:
    await fill(redis, 12)
    index = Index(redis, keys)
    assert await names(index, vip=True) == ["s10", "s5", "s0"]
    assert await names(index, statuses=("pending_manual",), vip=True) == ["s0"]
    assert await names(index, q="visitor 11") == ["s11"]
    assert await names(index, q="S3") == ["s3"]
    await nicknamed(redis, 'Ä "quoted\\ 王')
    for q in ('ä "QUOTED', "\\", "王"):
        assert await names(index, q=q) == ["named"]
    assert await names(index, reason="manual", sort="created_at") == ["s0", "s3", "s6", "s9"]
    assert await names(index, reason="keyword") == []
    assert await names(index, since=NOW + 9, until=NOW + 10) == ["s10", "s9"]
    assert await names(index, statuses=("pending_manual",), sort="-waiting") == [
        "s9",
        "s6",
        "s3",
        "s0",
    ]
    assert await names(index, agent="nobody") == []


async def nicknamed(redis: RedisClient, nickname: str) -> None:
    session = Session("named", "sid-of-a-name", "bot_active", NOW, NOW)
    session = replace(session, profile=Profile(nickname=nickname), shop='"nickname":"x"')
    decision = decide(session, c.Ask("hi"), Context(now=NOW, new_id=lambda: "n1"))
    await Store(redis, Keys()).save(decision, session, commit_id="named", now=NOW, day="2026-09-21")


async def test_lists_by_agent_over_http(service: Any) -> None:
    for number in range(3):
        visitor = await service.visitor(f"v{number}")
        if number:
            await visitor.served_by("ann")
    _, answer = await service.get("/api/sessions?agent=ann&limit=1", service.as_agent())
    data = answer["data"]
    assert (data["total"], data["has_more"], len(data["sessions"])) == (2, True, 1)
    _, answer = await service.get(
        "/api/sessions?status=pending_manual,manual_live", service.as_agent()
    )
    assert answer["data"]["total"] == 2


async def test_the_last_line_is_what_somebody_said_not_what_the_system_noted(service: Any) -> None:
    visitor = await service.visitor("v1")
    said_at = service.clock()
    await visitor.escalate(message="It does not charge.")
    service.clock.advance(60)
    await service.post("/api/sessions/v1/takeover", None, service.as_agent("ann"))
    await service.post("/api/sessions/v1/read", {"seq": 9}, service.as_agent("ann"))
    _, listed = await service.get("/api/sessions", service.as_agent("ann"))
    (session,) = listed["data"]["sessions"]
    assert session["last_message_preview"] == "It does not charge."
    assert session["last_message_role"] == "user"
    assert (session["last_message_at"], session["updated_at"]) == (said_at, said_at + 60)


@pytest.mark.parametrize(
    "query",
    ["status=open", "sort=name", "limit=0", "limit=101", "offset=-1", "vip=maybe", "since=NaN"],
)
async def test_a_wrong_filter_is_refused_by_name(service: Any, query: str) -> None:
    status, answer = await service.get(f"/api/sessions?{query}", service.as_agent())
    assert (status, answer["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert answer["error"]["details"]["fields"][0]["field"] == query.split("=", maxsplit=1)[0]


async def test_listing_reads_no_more_of_many_sessions_than_of_few(
    redis: RedisClient, keys: Keys
) -> None:
    index = Index(redis, keys)
    costs = []
    for count in (60, 240):
        await redis.pipeline([redis_commands.Command(("FLUSHDB",), lambda reply: reply)])
        await fill(redis, count)
        reset = redis_commands.Command(("CONFIG", "RESETSTAT"), lambda reply: reply)
        await redis.pipeline([reset])
        await index.page(Wish(limit=20), now=NOW)
        await index.count_by_status()
        costs.append(await _calls(redis))
    assert costs[0] == costs[1]


async def _calls(redis: RedisClient) -> dict[str, int]:
    stats = await redis.info("commandstats")
    return {
        name: int(line.split(",")[0].removeprefix("calls="))
        for name, line in stats.items()
        if not name.startswith(("cmdstat_config", "cmdstat_info"))
    }


async def test_statistics_count_what_happened(service: Any) -> None:
    for number in range(3):
        visitor = await service.visitor(f"v{number}")
        await visitor.escalate()
    service.clock.advance(30)
    await service.post("/api/sessions/v0/takeover", None, service.as_agent("ann"))
    service.clock.advance(60)
    body = {"session_name": "v0", "role": "agent", "content": "hi"}
    await service.post("/api/manual/messages", body, service.as_agent("ann"))
    await service.post("/api/sessions/v0/close", None, service.as_agent("ann"))
    _, answer = await service.get("/api/sessions/stats", service.as_agent("g", role="guest"))
    stats = answer["data"]
    assert stats["total_sessions"] == 3
    assert stats["active_sessions"] == 2
    assert stats["by_status"]["pending_manual"] == 2
    assert stats["avg_waiting_time"] == 30.0
    assert stats["max_waiting_time"] == 90.0
    assert stats["avg_service_time"] == 60.0
    assert stats["active_agents"] == 1
    assert stats["by_escalation_reason"] == {"manual": 3}
    assert stats["today"]["takeovers"] == 1
    assert stats["ai_quality"]["turns"] == 3
    assert stats["agent_efficiency"][0]["agent_id"] == "ann"
    assert stats["agent_efficiency"][0]["avg_service_time"] == 60.0
