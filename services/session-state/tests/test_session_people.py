"""Escalate, wait, takeover, talk, hand back over HTTP (SESS-1, SESS-4, SESS-7)."""

import asyncio
import hashlib
import hmac
from typing import Any

import orjson
import pytest


async def test_the_main_job_by_hand(service: Any) -> None:
    visitor = await service.visitor("v1")
    status, answer = await visitor.escalate()
    assert status == 200
    assert answer["data"]["status"] == "pending_manual"
    assert (answer["is_in_shift"], answer["email_queued"]) == (True, False)

    ann = service.as_agent("ann")
    _, listed = await service.get("/api/sessions?status=pending_manual", ann)
    assert [s["session_name"] for s in listed["data"]["sessions"]] == ["v1"]
    status, answer = await service.post("/api/sessions/v1/takeover", None, ann)
    assert status == 200
    assert answer["data"]["status"] == "manual_live"
    assert answer["data"]["assigned_agent"] == {"id": "ann", "name": "Ann"}

    status, answer = await service.post("/api/sessions/v1/takeover", None, service.as_agent("ben"))
    assert (status, answer["error"]["code"]) == (409, "ALREADY_TAKEN")
    assert answer["error"]["details"]["agent_name"] == "Ann"

    status, _ = await visitor.say("my bike is broken")
    assert status == 200
    body = {"session_name": "v1", "role": "agent", "content": "which part?"}
    status, _ = await service.post("/api/manual/messages", body, ann)
    assert status == 200
    status, answer = await service.post("/api/sessions/v1/release", {"reason": "solved"}, ann)
    assert answer["data"]["status"] == "bot_active"
    _, ticket = await visitor.ask("thanks")
    assert ticket["verdict"] == "answer"

    _, shown = await visitor.get("/api/sessions/v1")
    trail = shown["data"]["audit_trail"]
    assert [(step["from"], step["to"]) for step in trail] == [
        ("bot_active", "pending_manual"),
        ("pending_manual", "manual_live"),
        ("manual_live", "bot_active"),
    ]
    assert all("operator" not in step for step in trail)
    assert trail[-1]["reason"] == "release"
    _, seen = await service.get("/api/sessions/v1", ann)
    assert seen["data"]["audit_trail"][-1]["operator"] == "ann"
    assert seen["data"]["audit_trail"][-1]["reason"] == "release: solved"


async def test_what_a_visitor_sees_holds_no_facts_of_the_team(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    body = {"session_name": "v1", "role": "agent", "content": "hello"}
    await service.post("/api/manual/messages", body, service.as_agent("ann"))
    _, shown = await visitor.get("/api/sessions/v1")
    session = shown["data"]["session"]
    assert set(session) == {
        "session_name",
        "status",
        "conversation_id",
        "user_profile",
        "history",
        "assigned_agent",
        "escalation",
        "mail",
        "created_at",
        "updated_at",
        "version",
        "rating",
    }
    assert session["assigned_agent"] == {"name": "Ann"}
    assert set(session["escalation"]) == {"reason", "trigger_at"}
    assert set(session["mail"]) == {"sent"}
    assert all("agent_id" not in message for message in session["history"])


async def test_another_visitors_session_is_never_opened(service: Any) -> None:
    await service.visitor("v1")
    stranger = await service.visitor("v2")
    forged = type(stranger)(service, "v1", stranger.sid)
    body = {"session_name": "v1"}
    calls = [
        ("GET", "/api/sessions/v1", None),
        ("GET", "/api/sessions/v1/messages", None),
        ("POST", "/api/manual/escalate", body),
        ("POST", "/api/manual/cancel", body),
        ("POST", "/api/manual/messages", {**body, "role": "user", "content": "x"}),
        ("POST", "/api/sessions/v1/typing", None),
        ("POST", "/api/sessions/v1/read", {"seq": 1}),
        ("POST", "/api/sessions/v1/rating", {"score": 5}),
        ("POST", "/api/sessions/v1/identify", {"profile": {"nickname": "x"}}),
        ("POST", "/api/sessions/v1/transcript", {"email": "a@b.cc", "consent": True}),
    ]
    for who in (stranger, forged):
        for method, path, sent in calls:
            status, answer = await service.call(method, path, sent, who.headers)
            assert (status, answer["error"]["code"]) == (403, "SESSION_FORBIDDEN"), path
    for path in ("takeover", "release", "close", "requeue"):
        status, answer = await service.post(f"/api/sessions/v1/{path}", None, stranger.headers)
        assert status == 401, path


async def test_unknown_sessions_are_404_to_agents_and_403_to_visitors(service: Any) -> None:
    status, answer = await service.get("/api/sessions/nobody", service.as_agent())
    assert (status, answer["error"]["code"]) == (404, "NOT_FOUND")
    headers = {"X-Visitor-Token": service.keys.visitor_token("nobody", "sid")}
    status, answer = await service.get("/api/sessions/nobody", headers)
    assert (status, answer["error"]["code"]) == (403, "SESSION_FORBIDDEN")


async def test_an_expired_sessions_visitor_who_escalates_gets_it_anew(service: Any) -> None:
    headers = {"X-Visitor-Token": service.keys.visitor_token("old", "sid-of-before")}
    body = {"session_name": "old", "message": "still there?"}
    async with service.http.post(
        f"{service.url}/api/manual/escalate", json=body, headers=headers
    ) as answer:
        assert answer.status == 200
        assert answer.headers["X-Session-Name"] == "old"
        assert answer.headers["X-Session-Sid"] != "sid-of-before"
    status, _ = await service.get("/api/sessions/old", headers)
    assert status == 403


async def test_the_same_client_message_id_is_stored_once(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    first = await visitor.say("hello", client_message_id="m-1")
    service.clock.advance(5)
    again = await visitor.say("hello", client_message_id="m-1")
    assert first == again
    # an agent's ids are their own
    body = {"session_name": "v1", "role": "agent", "content": "hi", "client_message_id": "m-1"}
    status, answer = await service.post("/api/manual/messages", body, service.as_agent("ann"))
    assert status == 200
    assert answer["data"]["message_id"] != first[1]["data"]["message_id"]
    _, page = await visitor.get("/api/sessions/v1/messages")
    assert [m["content"] for m in page["data"]["messages"]].count("hello") == 2  # asked + said


async def test_twenty_at_once_with_one_id_store_one(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    sent = await asyncio.gather(*(visitor.say("x", client_message_id="c") for _ in range(20)))
    answers = {answer["data"]["message_id"] for status, answer in sent if status == 200}
    assert len(answers) == 1
    _, page = await visitor.get("/api/sessions/v1/messages")
    assert [m["content"] for m in page["data"]["messages"]].count("x") == 1


async def test_a_hundred_messages_at_once_are_all_stored_in_one_order(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    sent = await asyncio.gather(*(visitor.say(f"x{n}") for n in range(100)))
    assert [status for status, _ in sent] == [200] * 100
    _, page = await visitor.get("/api/sessions/v1/messages?limit=100")
    seqs = [m["seq"] for m in page["data"]["messages"]]
    assert seqs == sorted(set(seqs))
    assert len(seqs) == 100


async def test_waiting_already_the_same_answer_comes_again(service: Any) -> None:
    visitor = await service.visitor("v1")
    _, first = await visitor.escalate()
    service.clock.advance(5)
    _, again = await visitor.escalate()
    assert first["data"] == again["data"]
    assert len(await service.bus("session.escalated")) == 1


async def test_a_form_sent_twice_says_it_once(start: Any) -> None:
    """Escalating takes no client_message_id: a retry, or a second tap, brings the same words."""
    async with start(holidays="2026-09-21") as service:
        visitor = await service.visitor("v1")
        for _ in range(2):
            await visitor.escalate(message="my order?", email="v@example.com")
        for _ in range(2):
            await visitor.escalate(message="number 77")
        _, shown = await visitor.get("/api/sessions/v1/messages")
        said = [m["content"] for m in shown["data"]["messages"] if m["role"] == "user"]
        assert said == ["hello", "my order?", "number 77"]
        session = (await service.wired.sessions.store.get("v1")).session
        assert session.escalation.additions == ("number 77",)


async def test_messages_by_hand_need_somebody_to_talk_to(service: Any) -> None:
    visitor = await service.visitor("v1")
    status, answer = await visitor.say("hello?")
    assert (status, answer["error"]["code"]) == (409, "INVALID_STATUS")
    assert answer["error"]["details"] == {"status": "bot_active"}
    await visitor.escalate()
    body = {"session_name": "v1", "role": "agent", "content": "hi"}
    status, answer = await service.post("/api/manual/messages", body, service.as_agent())
    assert answer["error"]["code"] == "INVALID_STATUS"
    await service.post("/api/sessions/v1/takeover", None, service.as_agent("ann"))
    status, answer = await service.post("/api/manual/messages", body, service.as_agent("ben"))
    assert answer["error"]["code"] == "NOT_ASSIGNED"
    lead = service.as_agent("eve", role="supervisor")
    status, _ = await service.post("/api/manual/messages", body, lead)
    assert status == 200


async def test_capacity_holds_and_the_full_agent_is_told(service: Any) -> None:
    await service.agent_is("online", "ann", max_sessions=2)
    for number in range(3):
        visitor = await service.visitor(f"v{number}")
        await visitor.escalate()
        path = f"/api/sessions/v{number}/takeover"
        status, answer = await service.post(path, None, service.as_agent("ann"))
        assert status == (200 if number < 2 else 409)
    assert answer["error"]["code"] == "AGENT_AT_CAPACITY"
    await service.post("/api/sessions/v0/close", None, service.as_agent("ann"))
    status, _ = await service.post("/api/sessions/v2/takeover", None, service.as_agent("ann"))
    assert status == 200


async def test_transfer_needs_a_colleague_who_is_there_and_has_room(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    ann = service.as_agent("ann")

    async def transfer(to: str) -> tuple[int, Any]:
        return await service.post("/api/sessions/v1/transfer", {"to_agent_id": to}, ann)

    status, answer = await transfer("nobody")
    assert (status, answer["error"]["code"]) == (404, "NOT_FOUND")
    await service.agent_is("offline", "ben")
    status, answer = await transfer("ben")
    assert (status, answer["error"]["code"]) == (409, "AGENT_OFFLINE")
    await service.agent_is("online", "ben", max_sessions=1)
    other = await service.visitor("v2")
    await other.served_by("ben")
    status, answer = await transfer("ben")
    assert (status, answer["error"]["code"]) == (409, "AGENT_AT_CAPACITY")
    await service.post("/api/sessions/v2/close", None, service.as_agent("ben"))
    status, answer = await transfer("ben")
    assert answer["data"]["assigned_agent"]["id"] == "ben"
    status, answer = await transfer("cas")
    assert (status, answer["error"]["code"]) == (404, "NOT_FOUND")


async def test_available_are_the_others_who_are_online_with_room(service: Any) -> None:
    await service.agent_is("online", "ben", max_sessions=1)
    await service.agent_is("busy", "cas")
    await service.agent_is("online", "dan")
    visitor = await service.visitor("v1")
    await visitor.served_by("ben")
    _, answer = await service.get("/api/agents/available", service.as_agent("ann"))
    assert [agent["id"] for agent in answer["data"]["agents"]] == ["dan"]


async def test_a_closed_session_comes_back_as_a_new_episode(service: Any) -> None:
    visitor = await service.visitor("v1")
    _, ticket = await visitor.ask("I want a human")
    assert ticket["verdict"] == "notice"
    await service.post("/api/sessions/v1/takeover", None, service.as_agent("ann"))
    _, answer = await service.post("/api/sessions/v1/close", None, service.as_agent("ann"))
    assert answer["data"]["status"] == "closed"
    _, ticket = await visitor.ask("one more thing")
    assert (ticket["verdict"], ticket["status"]) == ("answer", "bot_active")
    assert ticket["conversation_id"] is None
    await visitor.answered(ticket)
    _, ticket = await visitor.ask("a real person please")
    assert ticket["verdict"] == "notice"


async def test_closed_and_escalated_is_one_commit(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    await service.post("/api/sessions/v1/close", None, service.as_agent("ann"))
    _, answer = await visitor.escalate(message="it broke again")
    assert answer["data"]["status"] == "pending_manual"
    trail = await service.wired.sessions.store.trail("v1")
    assert (trail[-1]["from"], trail[-1]["to"]) == ("closed", "pending_manual")


async def test_a_served_conversation_is_rated_once(service: Any) -> None:
    visitor = await service.visitor("v1")
    status, answer = await visitor.post("/api/sessions/v1/rating", {"score": 5})
    assert (status, answer["error"]["code"]) == (409, "INVALID_STATUS")
    await visitor.served_by("ann")
    await service.post("/api/sessions/v1/release", None, service.as_agent("ann"))
    status, _ = await visitor.post("/api/sessions/v1/rating", {"score": 5, "comment": "kind"})
    assert status == 200
    status, answer = await visitor.post("/api/sessions/v1/rating", {"score": 1})
    assert (status, answer["error"]["code"]) == (409, "ALREADY_RATED")
    _, stats = await service.get("/api/sessions/stats", service.as_agent("gus", role="guest"))
    assert stats["data"]["ai_quality"]["rating_average"] == 5.0


async def test_agents_see_what_was_said_of_whom_and_the_newest_counts(service: Any) -> None:
    visitor = await service.visitor("v1")

    async def seen() -> Any:
        _, shown = await service.get("/api/sessions/v1", service.as_agent("ben"))
        return shown["data"]["session"]["last_rating"]

    assert await seen() is None
    await visitor.served_by("ann")
    await service.post("/api/sessions/v1/release", None, service.as_agent("ann"))
    at = service.clock()
    await visitor.post("/api/sessions/v1/rating", {"score": 2, "comment": "slow"})
    first = {"score": 2, "comment": "slow", "agent_name": "Ann", "given_at": at}
    assert await seen() == first
    await visitor.served_by("ben")
    assert await seen() == first
    await service.post("/api/sessions/v1/close", None, service.as_agent("ben"))
    await visitor.post("/api/sessions/v1/rating", {"score": 5})
    assert await seen() == {"score": 5, "comment": None, "agent_name": "Ben", "given_at": at}


async def test_a_takeover_may_say_why_and_the_agent_is_the_tokens_whatever_it_says(
    service: Any,
) -> None:
    visitor = await service.visitor("v1")
    await visitor.escalate()
    body = {"reason": "knows the customer", "agent_id": "ben", "agent_name": "Ben"}
    status, answer = await service.post("/api/sessions/v1/takeover", body, service.as_agent("ann"))
    assert (status, answer["data"]["assigned_agent"]["id"]) == (200, "ann")
    _, seen = await service.get("/api/sessions/v1", service.as_agent("ben"))
    step = seen["data"]["audit_trail"][-1]
    assert (step["operator"], step["reason"]) == ("ann", "takeover: knows the customer")
    _, shown = await visitor.get("/api/sessions/v1")
    assert shown["data"]["audit_trail"][-1]["reason"] == "takeover"


async def test_a_visitors_page_loaded_anew_knows_whether_a_rating_was_asked_for(
    service: Any,
) -> None:
    visitor = await service.visitor("v1")

    async def rating() -> str:
        _, shown = await visitor.get("/api/sessions/v1")
        return str(shown["data"]["session"]["rating"])

    assert await rating() == "none"
    await visitor.served_by("ann")
    await service.post("/api/sessions/v1/release", None, service.as_agent("ann"))
    assert await rating() == "open"
    await visitor.post("/api/sessions/v1/rating", {"score": 5})
    assert await rating() == "given"


async def test_a_blocked_visitor_is_silent_for_a_day(service: Any) -> None:
    visitor = await service.visitor("v1")
    path = "/api/sessions/v1/block"
    status, _ = await service.post(path, {"reason": "abuse"}, service.as_agent("ann"))
    assert status == 200
    for status, answer in (await visitor.ask("hi"), await visitor.escalate()):
        assert (status, answer["error"]["code"]) == (403, "SESSION_BLOCKED")
    service.clock.advance(86_401)
    status, _ = await visitor.ask("hi")
    assert status == 200
    assert (await service.bus("audit.recorded"))[0].event().action == "session.blocked"


async def test_unread_counts_from_the_mark(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.escalate()
    for number in range(3):
        await visitor.say(f"message {number}")
    ann = service.as_agent("ann")
    _, listed = await service.get("/api/sessions?status=pending_manual", ann)
    assert listed["data"]["sessions"][0]["unread"] == 4
    _, page = await service.get("/api/sessions/v1/messages", ann)
    second = next(m for m in page["data"]["messages"] if m["content"] == "message 1")
    _, marked = await service.post("/api/sessions/v1/read", {"seq": second["seq"]}, ann)
    assert marked["data"] == {"seq": second["seq"], "unread": 1}
    # a mark never goes back
    _, marked = await service.post("/api/sessions/v1/read", {"seq": 1}, ann)
    assert marked["data"] == {"seq": second["seq"], "unread": 1}
    _, marked = await visitor.post("/api/sessions/v1/read", {"seq": 9999})
    assert marked["data"]["seq"] < 9999


async def test_typing_reaches_the_other_side_and_is_stored_nowhere(
    service: Any, until: Any
) -> None:
    heard: list[tuple[str, str, Any]] = []
    live = service.wired.desk._live
    live.listen(lambda *words: heard.append(words))
    task = asyncio.ensure_future(live.run())
    await live.ready()
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    before = await service.redis.xlen("{kefu}:bus")
    status, _ = await visitor.post("/api/sessions/v1/typing")
    assert status == 204
    status, _ = await service.post("/api/sessions/v1/typing", None, service.as_agent("ann"))
    assert status == 204
    status, answer = await service.post("/api/sessions/v1/typing", None, service.as_agent("ben"))
    assert answer["error"]["code"] == "NOT_ASSIGNED"
    await until(lambda: len([w for w in heard if w[0] == "typing"]) == 2)
    task.cancel()
    assert [w[2]["role"] for w in heard if w[0] == "typing"] == ["user", "agent"]
    assert await service.redis.xlen("{kefu}:bus") == before


async def test_only_the_shop_may_say_who_is_a_vip(start: Any) -> None:
    secret = "shop-key-of-a-test-0123"
    async with start(shop_secrets=orjson.dumps({"*": secret}).decode()) as service:
        visitor = await service.visitor("v1")
        profile = {"nickname": "Jo", "email": "jo@example.com", "vip": True}
        _, answer = await visitor.post("/api/sessions/v1/identify", {"profile": profile})
        shown = answer["data"]["user_profile"]
        assert (shown["nickname"], shown["vip"], shown["email"]) == ("Jo", False, None)
        assert answer["not_taken"] == ["email", "vip"]
        text = b'v1.{"email":"jo@example.com","vip":true}'
        good = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        body = {"profile": profile, "signature": good}
        async with service.http.post(
            f"{service.url}/api/sessions/v1/identify", json=body, headers=visitor.headers
        ) as answer:
            assert answer.status == 200
            assert answer.headers["X-Session-Vip"] == "1"
            assert (await answer.json())["not_taken"] == []


@pytest.mark.parametrize("secrets", [{"*": "shop-key-of-a-test-0123"}, {}], ids=["known", "none"])
async def test_a_signature_that_does_not_fit_leaves_what_anybody_may_say(
    start: Any, secrets: dict[str, str]
) -> None:
    profile = {"nickname": "Jo", "email": "jo@example.com", "customer_id": "c7", "vip": True}
    text = b'v1.{"customer_id":"c7","email":"jo@example.com","vip":true}'
    good = hmac.new(b"shop-key-of-a-test-0123", text, hashlib.sha256).hexdigest()
    bad = good[:-1] + ("0" if good[-1] != "0" else "1")
    async with start(shop_secrets=orjson.dumps(secrets).decode()) as service:
        for name, signature in (("v1", bad), ("v2", good), ("v3", "")):
            visitor = await service.visitor(name)
            body = {"profile": profile, "signature": signature}
            status, answer = await visitor.post(f"/api/sessions/{name}/identify", body)
            shown = answer["data"]["user_profile"]
            assert (status, shown["nickname"]) == (200, "Jo")
            assert (shown["vip"], shown["email"], shown["customer_id"]) == (False, None, None)
            assert answer["not_taken"] == ["customer_id", "email", "vip"]


async def test_what_a_visitor_says_of_himself_stays_small(service: Any) -> None:
    """It travels with every entry of the session to every agent."""
    visitor = await service.visitor("v1")
    for count, expected in ((9, 422), (8, 200)):
        profile = {"metadata": {f"key{n}": "x" * 490 for n in range(count)}}
        status, _ = await visitor.post("/api/sessions/v1/identify", {"profile": profile})
        assert status == expected


async def test_a_transcript_is_asked_of_the_notifier_with_what_the_visitor_may_see(
    service: Any,
) -> None:
    visitor = await service.visitor("v1")
    body = {"email": "jo@example.com", "consent": True}
    status, _ = await visitor.post("/api/sessions/v1/transcript", body)
    assert status == 200
    mail = (await service.bus("mail.requested"))[0].event()
    assert (mail.kind, mail.email) == ("transcript", "jo@example.com")
    assert [line.content for line in mail.lines] == ["hello", "An answer."]
    await visitor.escalate()
    for number in range(20):
        await visitor.say(f"m{number}")
    await visitor.post("/api/sessions/v1/transcript", body)
    mail = (await service.bus("mail.requested"))[-1].event()
    assert len(mail.lines) == 23
    assert not mail.is_cut
    status, _ = await visitor.post("/api/sessions/v1/transcript", {**body, "consent": False})
    assert status == 422


async def test_a_transcript_says_who_spoke_in_the_visitors_language_and_zone(
    service: Any,
) -> None:
    visitor = await service.visitor("v1")
    await visitor.escalate()
    await service.post("/api/sessions/v1/takeover", None, service.as_agent("ann"))
    spoken = {"session_name": "v1", "role": "agent", "content": "x" * 4500}
    for _ in range(60):
        await service.post("/api/manual/messages", spoken, service.as_agent("ann"))
    wish = {"language": "pl", "timezone": "Europe/Warsaw"}
    body = {"email": "jo@example.com", "consent": True, **wish}
    await visitor.post("/api/sessions/v1/transcript", body)
    mail = (await service.bus("mail.requested"))[-1].event()
    assert (mail.language, mail.timezone) == ("pl", "Europe/Warsaw")
    last = mail.lines[-1]
    assert (last.role, last.name, len(last.content)) == ("agent", "Ann", 4001)
    # as much as a letter holds, the newest; and it says that there was more
    assert (len(mail.lines), mail.is_cut) == (49, True)


async def test_messages_are_paged_by_id_and_by_seq(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.escalate()
    for number in range(6):
        await visitor.say(f"m{number}")
    _, page = await visitor.get("/api/sessions/v1/messages?limit=3")
    newest = page["data"]["messages"]
    assert [m["content"] for m in newest] == ["m3", "m4", "m5"]
    assert page["data"]["has_more"] is True
    _, page = await visitor.get(f"/api/sessions/v1/messages?limit=3&before={newest[0]['id']}")
    assert [m["content"] for m in page["data"]["messages"]] == ["m0", "m1", "m2"]
    _, page = await visitor.get(f"/api/sessions/v1/messages?after={newest[0]['seq']}")
    assert [m["content"] for m in page["data"]["messages"]] == ["m4", "m5"]
    assert page["data"]["has_more"] is False
    status, _ = await visitor.get("/api/sessions/v1/messages?after=unknown-id")
    assert status == 422


@pytest.mark.parametrize("role", ["guest", "agent", "supervisor", "admin"])
async def test_lists_never_show_the_conversation_id(service: Any, role: str) -> None:
    _, ticket = await service.open_turn("hi", session_name="v1")
    bind = {
        "session_name": "v1",
        "turn_id": ticket["turn_id"],
        "epoch": ticket["epoch"],
        "conversation_id": "conversation-73",
    }
    await service.post("/internal/turns/conversation", bind, service.as_service())
    _, answer = await service.get("/api/sessions", service.as_agent("x", role=role))
    assert answer["data"]["sessions"][0]["conversation_id"] is None
    assert all(
        b"conversation-73" not in entry.fields.get(b"summary", b"") for entry in await service.bus()
    )
