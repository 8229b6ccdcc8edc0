"""Waiting, hours, absence, expiry: what time does (flows.md, "Waiting, hours, absence")."""

import asyncio
from typing import Any

from common.events.mails import MailFailed, MailSent
from common.redis import Keys


async def _mails(service: Any) -> list[Any]:
    return [entry.event() for entry in await service.bus("mail.requested")]


async def test_nobody_came_in_time_so_a_mail_goes_out_and_the_ai_is_back(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.escalate()
    service.clock.advance(599)
    await service.wired.timers.tick()
    assert await service.status_of("v1") == "pending_manual"
    service.clock.advance(2)
    await service.wired.timers.tick()
    assert await service.status_of("v1") == "after_hours_email"
    assert [mail.cause for mail in await _mails(service)] == ["waiting_too_long"]
    _, ticket = await visitor.ask("are you there?")
    assert ticket["verdict"] == "answer"
    await visitor.answered(ticket)
    # in shift, a further request goes back to the queue; the mail is not sent twice
    _, answer = await visitor.escalate()
    assert answer["data"]["status"] == "pending_manual"
    assert len(await _mails(service)) == 1


async def test_agents_may_take_who_waited_too_long(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.escalate()
    service.clock.advance(601)
    await service.wired.timers.tick()
    status, answer = await service.post("/api/sessions/v1/takeover", None, service.as_agent())
    assert (status, answer["data"]["status"]) == (200, "manual_live")


async def test_a_visitor_gone_for_long_is_no_longer_waited_for(start: Any) -> None:
    async with start(wait_timeout_seconds=100_000) as service:
        await service.agent_is("online")
        stays, goes = await service.visitor("stays"), await service.visitor("goes")
        await stays.escalate()
        await goes.escalate()
        service.clock.advance(600)
        seen = {"sessions": ["stays", "unknown"]}
        status, _ = await service.post("/internal/presence", seen, service.as_service("gateway"))
        assert status == 204
        service.clock.advance(301)
        await service.wired.timers.tick()
        assert await service.status_of("goes") == "closed"
        assert await service.status_of("stays") == "pending_manual"
        service.clock.advance(600)
        await service.wired.timers.tick()
        assert await service.status_of("stays") == "closed"
        assert await service.redis.zscore(Keys().presence(), "unknown") is None
        closed = [entry.event().reason for entry in await service.bus("session.closed")]
        assert closed == ["abandoned", "abandoned"]


async def test_who_left_an_address_is_never_abandoned(start: Any) -> None:
    async with start(wait_timeout_seconds=100_000) as service:
        visitor = await service.visitor("v1")
        await visitor.escalate(email="v@example.com")
        service.clock.advance(5000)
        await service.wired.timers.tick()
        assert await service.status_of("v1") == "pending_manual"


async def test_in_shift_with_nobody_online_a_mail_goes_at_once(start: Any) -> None:
    async with start() as service:
        visitor = await service.visitor("v1")
        _, answer = await visitor.escalate()
        assert answer["data"]["status"] == "pending_manual"
        assert answer["email_queued"] is True
        assert [mail.cause for mail in await _mails(service)] == ["nobody_online"]
        assert answer["data"]["history"][-1]["notice"] == "waiting_nobody"
        # the shift's end makes no second letter of the same escalation
        service.clock.advance(601)
        await service.wired.timers.tick()
        assert await service.status_of("v1") == "after_hours_email"
        assert len(await _mails(service)) == 1


async def test_shift_end_sends_the_waiting_to_mail_and_opening_brings_them_back(
    start: Any,
) -> None:
    # the clock stands at 14:13 UTC
    hours = {"human_shift_start": "14:00", "human_shift_end": "14:20"}
    async with start(**hours) as service:
        await service.agent_is("online")
        visitor = await service.visitor("v1")
        await visitor.escalate()
        service.clock.advance(420)
        await service.wired.timers.tick()
        assert await service.status_of("v1") == "after_hours_email"
        assert [mail.cause for mail in await _mails(service)] == ["shift_ended"]
        service.clock.advance(86_400 - 1500)
        await service.wired.timers.tick()
        assert await service.status_of("v1") == "after_hours_email"
        service.clock.advance(600)
        await service.wired.timers.tick()
        assert await service.status_of("v1") == "pending_manual"
        # who was told to wait for opening time is never abandoned
        service.clock.advance(60)
        await service.wired.timers.tick()
        assert await service.redis.zscore(Keys().due(), "abandon:v1") is None


async def test_out_of_hours_one_mail_and_what_is_added_goes_into_one_follow_up(
    start: Any, until: Any
) -> None:
    async with start(holidays="2026-09-21") as service:
        visitor = await service.visitor("v1")
        _, answer = await visitor.escalate(message="my order?")
        assert answer["data"]["status"] == "after_hours_email"
        assert (answer["is_in_shift"], answer["email_queued"]) == (False, True)
        mails = await _mails(service)
        assert [(m.kind, m.cause, m.number) for m in mails] == [("escalation", "after_hours", 0)]
        await visitor.escalate(message="number 77", email="v@example.com")
        await visitor.escalate(message="and it is late")
        assert len(await _mails(service)) == 1
        sent = MailSent(
            session_name="v1",
            escalation_id=mails[0].escalation_id,
            message_id="<1@x>",
            email_to=["team@example.com"],
            sent_at=service.clock(),
        )
        for _ in range(2):  # delivered twice
            await service.tell(sent, "v1", event_id="mail-1")
        await until(lambda: _has(service, 2))
        follow_up = (await _mails(service))[1]
        assert (follow_up.kind, follow_up.number) == ("follow_up", 1)
        assert follow_up.message == "number 77\n\nand it is late"
        assert follow_up.email == "v@example.com"
        _, shown = await service.get("/api/sessions/v1", service.as_agent())
        assert shown["data"]["session"]["mail"]["sent"] is True
        assert shown["data"]["session"]["mail"]["message_id"] == "<1@x>"


async def _has(service: Any, count: int) -> bool:
    return len(await _mails(service)) >= count


async def test_a_failed_mail_is_recorded(start: Any, until: Any) -> None:
    async with start(holidays="2026-09-21") as service:
        visitor = await service.visitor("v1")
        await visitor.escalate()
        failed = MailFailed(
            session_name="v1",
            escalation_id=(await _mails(service))[0].escalation_id,
            message_id="<1@x>",
            error="550 no such user",
            at=service.clock(),
        )
        await service.tell(failed, "v1")

        async def recorded() -> bool:
            session = (await service.wired.sessions.store.get("v1")).session
            return session.mail.error == "550 no such user"

        await until(recorded)


async def test_what_an_absent_agent_held_goes_back_to_the_queue_ahead_of_newer_ones(
    service: Any,
) -> None:
    old, new = await service.visitor("old"), await service.visitor("new")
    await old.served_by("ann")
    service.clock.advance(100)
    await new.escalate()
    await service.agent_is("offline", "ann")
    service.clock.advance(59)
    await service.wired.timers.tick()
    assert await service.status_of("old") == "manual_live"
    service.clock.advance(2)
    await service.wired.timers.tick()
    assert await service.status_of("old") == "pending_manual"
    _, listed = await service.get("/api/sessions?status=pending_manual", service.as_agent())
    assert [s["session_name"] for s in listed["data"]["sessions"]] == ["old", "new"]
    trail = await service.wired.sessions.store.trail("old")
    assert trail[-1]["reason"] == "agent_offline"


async def test_an_agent_who_came_back_keeps_their_conversations(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    await service.agent_is("offline", "ann")
    service.clock.advance(30)
    await service.agent_is("online", "ann")
    service.clock.advance(60)
    await service.wired.timers.tick()
    assert await service.status_of("v1") == "manual_live"


async def test_idle_sessions_expire_with_all_that_is_theirs(service: Any) -> None:
    once = await service.visitor("once")
    twice = await service.visitor("twice")
    _, ticket = await twice.ask("and more")
    await twice.answered(ticket)
    waiting = await service.visitor("waiting")
    await waiting.escalate(email="w@example.com")
    service.clock.advance(3700)
    await service.wired.timers.tick()
    assert await service.status_of("once") == "gone"
    assert await service.status_of("twice") == "bot_active"
    service.clock.advance(86_400)
    await service.wired.timers.tick()
    assert await service.status_of("twice") == "gone"
    assert await service.status_of("waiting") != "gone"
    expired = [entry.subject for entry in await service.bus("session.expired")]
    assert expired == ["once", "twice"]
    keys = Keys()
    for name in ("once", "twice"):
        for key in (keys.session(name), keys.log(name), keys.ids(name), keys.trail(name)):
            assert not await service.redis.exists(key)
        assert await service.redis.zscore(keys.status("all"), name) is None
        assert await service.redis.zscore(keys.status("bot_active"), name) is None
        assert await service.redis.zscore(keys.presence(), name) is None
        assert await service.redis.zscore(keys.due(), f"expire:{name}") is None
    # the token of before makes it anew
    status, ticket = await once.ask("hello again")
    assert status == 200
    assert ticket["sid"] != once.sid


async def test_two_replicas_act_on_a_timer_once(start: Any) -> None:
    async with start() as one, start() as two:
        await one.agent_is("online")
        for number in range(20):
            visitor = await one.visitor(f"v{number}")
            await visitor.escalate()
        one.clock.advance(601)
        await asyncio.gather(one.wired.timers.tick(), two.wired.timers.tick())
        for number in range(20):
            assert await one.status_of(f"v{number}") == "after_hours_email"
            trail = await one.wired.sessions.store.trail(f"v{number}")
            assert len(trail) == 2
        assert len(await _mails(one)) == 20


async def test_who_waits_is_told_the_place_whenever_it_moves(service: Any, until: Any) -> None:
    heard: dict[str, list[Any]] = {}
    live = service.wired.desk._live

    def hear(kind: str, subject: str, data: Any) -> None:
        if kind == "queue_position":
            heard.setdefault(subject, []).append(data)

    live.listen(hear)
    task = asyncio.ensure_future(live.run())
    await live.ready()
    for name in ("first", "second"):
        visitor = await service.visitor(name)
        await visitor.escalate()
        service.clock.advance(1)
    await until(lambda: "second" in heard and heard["second"][-1]["position"] == 2)
    await service.post("/api/sessions/first/takeover", None, service.as_agent("ann"))
    await until(lambda: heard["second"][-1]["position"] == 1)
    task.cancel()
    assert heard["second"][-1] == {"position": 1, "waiting": 1, "estimated_seconds": None}


async def test_who_waits_is_told_a_time_once_enough_were_picked_up(
    service: Any, until: Any
) -> None:
    told: dict[str, Any] = {}
    live = service.wired.desk._live
    live.listen(lambda kind, name, data: told.update({name: data} if "position" in data else {}))
    listening = asyncio.ensure_future(live.run())
    await live.ready()
    await service.agent_is("online", max_sessions=100)
    names = [f"v{number}" for number in range(9)]
    for name in names:
        await (await service.visitor(name)).escalate()

    async def is_told(name: str, position: int, seconds: int | None) -> None:
        wanted = {"position": position, "estimated_seconds": seconds}
        await until(lambda: wanted.items() <= told.get(name, {}).items())

    try:
        for place, name in enumerate(names[:-3]):
            await is_told("v8", 9 - place, None)
            service.clock.advance(30)
            await service.post(f"/api/sessions/{name}/takeover", None, service.as_agent("ann"))
        # one every 30 s, and somebody waited all the time
        await is_told("v8", 3, 90)
        await is_told("v6", 1, 30)
        await service.agent_is("offline", max_sessions=100)
        await service.post("/api/sessions/v6/takeover", None, service.as_agent("ann"))
        await is_told("v8", 2, None)
    finally:
        listening.cancel()


async def test_a_visitor_may_stop_waiting_in_both_waiting_states(start: Any) -> None:
    for holidays in ("", "2026-09-21"):
        async with start(holidays=holidays) as service:
            visitor = await service.visitor(f"v{len(holidays)}")
            await visitor.escalate()
            status, answer = await visitor.post(
                "/api/manual/cancel", {"session_name": visitor.name}
            )
            assert (status, answer["data"]["status"]) == (200, "bot_active")
            status, answer = await visitor.post(
                "/api/manual/cancel", {"session_name": visitor.name}
            )
            assert answer["error"]["code"] == "INVALID_STATUS"


async def test_an_expiry_that_an_act_outran_removes_nothing(service: Any) -> None:
    """The timer is read first and the session afterwards: whoever came between lives on."""
    await service.visitor("v1")
    keys = Keys()
    due = await service.redis.zscore(keys.due(), "expire:v1")
    # what a replica holds in its hand that read the due timers just before the visitor came
    await service.redis.zadd(keys.due(), {"expire:v1": service.clock() - 1})
    await service.wired.timers.tick()
    assert await service.status_of("v1") == "bot_active"
    assert await service.redis.zscore(keys.due(), "expire:v1") == due


async def test_who_takes_over_while_offline_and_stays_away_holds_nobody_for_ever(
    service: Any,
) -> None:
    visitor = await service.visitor("v1")
    await service.agent_is("offline", "ben")
    service.clock.advance(61)
    await service.wired.timers.tick()
    await visitor.escalate()
    status, _ = await service.post("/api/sessions/v1/takeover", None, service.as_agent("ben"))
    assert status == 200
    service.clock.advance(59)
    await service.wired.timers.tick()
    assert await service.status_of("v1") == "manual_live"
    service.clock.advance(2)
    await service.wired.timers.tick()
    assert await service.status_of("v1") == "pending_manual"


async def test_who_takes_over_while_offline_and_comes_back_keeps_it(service: Any) -> None:
    visitor = await service.visitor("v1")
    await service.agent_is("offline", "ben")
    await visitor.served_by("ben")
    service.clock.advance(30)
    await service.agent_is("online", "ben")
    service.clock.advance(31)
    await service.wired.timers.tick()
    assert await service.status_of("v1") == "manual_live"
