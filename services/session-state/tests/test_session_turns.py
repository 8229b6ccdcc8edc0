"""Opening and ending AI turns over HTTP and the bus (SESS-3, SESS-7, CHAT-10, REG-1, REG-2)."""

from typing import Any

import orjson
import pytest
from common.events.turns import TurnAnswered, TurnFailed
from common.ids import new_id
from session_state.commands import Answer


async def test_a_new_visitor_gets_a_ticket_and_a_session_of_their_own(service: Any) -> None:
    status, ticket = await service.open_turn("Where is my bike?")
    assert status == 200
    assert ticket["verdict"] == "answer"
    assert ticket["session_name"].startswith("s_")
    assert len(ticket["sid"]) >= 22
    assert ticket["conversation_id"] is None
    assert await service.status_of(ticket["session_name"]) == "bot_active"


async def test_a_name_alone_opens_no_existing_session(service: Any) -> None:
    await service.visitor("v1")
    status, answer = await service.open_turn("hi", session_name="v1")
    assert (status, answer["error"]["code"]) == (403, "SESSION_FORBIDDEN")
    status, answer = await service.open_turn("hi", session_name="v1", sid="x" * 22)
    assert (status, answer["error"]["code"]) == (403, "SESSION_FORBIDDEN")


async def test_the_conversation_id_opens_it_only_where_old_callers_are_allowed(
    start: Any,
) -> None:
    for allowed, expected in ((True, 200), (False, 403)):
        async with start(legacy_chat=allowed) as service:
            name = f"v{allowed}"
            status, ticket = await service.open_turn("hi", session_name=name)
            bind = {
                "session_name": name,
                "turn_id": ticket["turn_id"],
                "epoch": ticket["epoch"],
                "conversation_id": "7374",
            }
            path = "/internal/turns/conversation"
            status, bound = await service.post(path, bind, service.as_service())
            assert bound == {"conversation_id": "7374"}
            event = answered(ticket)
            await service.wired.sessions.apply(name, _as(event), commit_id="c1")
            status, _ = await service.open_turn(
                "hi again", session_name=name, conversation_id="7374"
            )
            assert status == expected
            status, _ = await service.open_turn(
                "hi again", session_name=name, conversation_id="7375"
            )
            assert status == 403


async def test_a_conversation_id_opens_a_turn_and_nothing_more(start: Any) -> None:
    """The gateway signs a visitor's token from `sid`: the weak credential must not turn into the
    strong one, which reads everything and lasts for 30 days."""
    async with start(legacy_chat=True) as service:
        status, ticket = await service.open_turn("hi", session_name="v1", conversation_id="old")
        assert (status, bool(ticket["sid"])) == (200, True)  # made by this call: it is its own
        bind = {
            "session_name": "v1",
            "turn_id": ticket["turn_id"],
            "epoch": ticket["epoch"],
            "conversation_id": "7374",
        }
        await service.post("/internal/turns/conversation", bind, service.as_service())
        await service.wired.sessions.apply("v1", _as(answered(ticket)), commit_id="c1")
        status, again = await service.open_turn("more", session_name="v1", conversation_id="7374")
        assert (status, again["sid"]) == (200, "")


def answered(ticket: dict[str, Any], content: str = "An answer.") -> TurnAnswered:
    return TurnAnswered(
        session_name=ticket["session_name"],
        turn_id=ticket["turn_id"],
        message_id=ticket["message_id"],
        epoch=ticket["epoch"],
        content=content,
    )


def _as(event: TurnAnswered) -> Any:
    async def prepare(_: Any) -> Answer:
        return Answer(event.turn_id, event.message_id, event.epoch, event.content)

    return prepare


async def test_a_second_turn_waits_for_the_first(service: Any) -> None:
    _, ticket = await service.open_turn("one", session_name="v1")
    status, answer = await service.open_turn("two", session_name="v1", sid=ticket["sid"])
    assert (status, answer["error"]["code"]) == (409, "TURN_IN_PROGRESS")
    assert answer["error"]["details"]["turn_id"] == ticket["turn_id"]


async def test_an_answer_on_the_bus_is_stored_once_and_the_turn_is_closed(
    service: Any, until: Any
) -> None:
    _, ticket = await service.open_turn("one", session_name="v1")
    event_id = new_id()
    # everything is delivered at least once: the same event twice on the bus
    for number in ("", "again"):
        fields = {
            "id": event_id,
            "type": "turn.answered",
            "source": "chat-proxy",
            "subject": "v1",
            "time": "1.0",
            "version": "1",
            "data": answered(ticket).model_dump_json(),
        }
        await service.redis.xadd("{kefu}:bus", fields)
        assert number is not None
    await until(lambda: _count(service, "turn.closed", 1))
    await service.tell(answered(ticket, "late"), "v1")
    await until(lambda: _count(service, "turn.closed", 2))
    closed = [entry.event() for entry in await service.bus("turn.closed")]
    assert [event.outcome for event in closed] == ["stored", "lost"]
    messages = (await _messages(service, "v1", ticket["sid"]))["messages"]
    assert [(m["role"], m["content"]) for m in messages] == [
        ("user", "one"),
        ("assistant", "An answer."),
    ]
    assert messages[1]["id"] == ticket["message_id"]


async def _count(service: Any, kind: str, wanted: int) -> bool:
    return len(await service.bus(kind)) >= wanted


async def _messages(service: Any, name: str, sid: str) -> Any:
    headers = {"X-Visitor-Token": service.keys.visitor_token(name, sid)}
    status, answer = await service.get(f"/api/sessions/{name}/messages", headers)
    assert status == 200
    return answer["data"]


async def test_after_takeover_no_ai_text_is_stored(service: Any, until: Any) -> None:
    """SESS-3, with its canary in test_session_machine_model."""
    visitor = await service.visitor("v1")
    _, ticket = await visitor.ask("and then?")
    await visitor.served_by("ann")
    await service.tell(answered(ticket, "I think"), "v1")
    await until(lambda: _count(service, "turn.closed", 2))
    assert (await service.bus("turn.closed"))[-1].event().outcome == "fenced"
    texts = [m["content"] for m in (await _messages(service, "v1", visitor.sid))["messages"]]
    assert "I think" not in texts
    status, answer = await visitor.ask("hello?")
    assert (status, answer["error"]["code"]) == (409, "MANUAL_IN_PROGRESS")


@pytest.mark.parametrize("words", ["转人工", "我要轉人工！", "I want a human", "HUMAN!"])
async def test_who_asks_for_a_person_gets_one_at_once(service: Any, words: str) -> None:
    visitor = await service.visitor("v1")
    status, ticket = await visitor.ask(words)
    assert status == 200
    assert (ticket["verdict"], ticket["reason"]) == ("notice", "keyword")
    assert ticket["notice"]
    assert ticket["status"] == "pending_manual"
    messages = (await _messages(service, "v1", visitor.sid))["messages"]
    assert messages[-1]["id"] == ticket["message_id"]
    assert messages[-1]["role"] == "system"


async def test_a_vip_comes_before_a_keyword_and_is_escalated_once_an_episode(
    service: Any,
) -> None:
    _, ticket = await service.open_turn("a human please", session_name="v1", vip=True)
    assert (ticket["verdict"], ticket["reason"]) == ("notice", "vip")
    visitor = type(await service.visitor("v2"))(service, "v1", ticket["sid"])
    await visitor.served_by("ann")
    await service.post("/api/sessions/v1/release", {}, service.as_agent("ann"))
    _, ticket = await visitor.ask("thanks")
    assert ticket["verdict"] == "answer"


async def test_three_failures_in_a_row_call_a_person_and_a_good_answer_starts_anew(
    service: Any, until: Any
) -> None:
    visitor = await service.visitor("v1")
    for number in range(5):
        _, ticket = await visitor.ask(f"question {number}")
        if number == 1:
            await visitor.answered(ticket)
            continue
        failed = TurnFailed(
            session_name="v1",
            turn_id=ticket["turn_id"],
            epoch=ticket["epoch"],
            reason="upstream",
        )
        before = len(await service.bus("turn.closed"))
        await service.tell(failed, "v1")
        await until(lambda wanted=before + 1: _count(service, "turn.closed", wanted))
    last = (await service.bus("turn.closed"))[-1].event()
    assert (last.outcome, last.status) == ("escalated", "pending_manual")
    assert last.notice


async def test_the_same_client_message_id_is_one_question(service: Any) -> None:
    status, first = await service.open_turn("one", session_name="v1", client_message_id="c-1")
    same = {"session_name": "v1", "sid": first["sid"], "client_message_id": "c-1"}
    status, answer = await service.open_turn("one", **same)
    assert (status, answer["error"]["details"]["turn_id"]) == (409, first["turn_id"])
    visitor = type(await service.visitor("v2"))(service, "v1", first["sid"])
    await visitor.answered(first, "The answer.")
    status, again = await service.open_turn("one", **same)
    assert (status, again["verdict"], again["answer"]) == (200, "replay", "The answer.")
    assert len((await _messages(service, "v1", first["sid"]))["messages"]) == 2


async def test_a_failed_question_asked_again_is_a_new_turn_on_the_stored_words(
    service: Any, until: Any
) -> None:
    _, first = await service.open_turn("first words", session_name="v1", client_message_id="c1")
    failed = TurnFailed(
        session_name="v1", turn_id=first["turn_id"], epoch=first["epoch"], reason="timeout"
    )
    await service.tell(failed, "v1")
    await until(lambda: _count(service, "turn.closed", 1))
    _, again = await service.open_turn(
        "other words", session_name="v1", sid=first["sid"], client_message_id="c1"
    )
    assert again["verdict"] == "answer"
    assert again["turn_id"] != first["turn_id"]
    assert again["message"] == "first words"
    assert len((await _messages(service, "v1", first["sid"]))["messages"]) == 1


async def test_a_turn_whose_lease_ran_out_is_lost_and_the_visitor_told_to_ask_again(
    service: Any,
) -> None:
    _, ticket = await service.open_turn("one", session_name="v1")
    lease = {"session_name": "v1", "turn_id": ticket["turn_id"]}
    service.clock.advance(10)
    status, _ = await service.post("/internal/turns/lease", lease, service.as_service())
    assert status == 204
    service.clock.advance(10)
    assert await service.wired.timers.tick() == 0
    service.clock.advance(10)
    assert await service.wired.timers.tick() == 1
    assert (await service.bus("turn.closed"))[-1].event().outcome == "lost"
    status, answer = await service.post("/internal/turns/lease", lease, service.as_service())
    assert (status, answer["error"]["code"]) == (409, "TURN_LOST")
    messages = (await _messages(service, "v1", ticket["sid"]))["messages"]
    assert messages[-1]["notice"] == "lost"
    session = (await service.wired.sessions.store.get("v1")).session
    assert session.ai_fail_count == 0


async def test_a_lease_that_nobody_could_renew_is_not_held_against_the_turn(
    start: Any, until: Any
) -> None:
    async with start() as service:
        _, ticket = await service.open_turn("one", session_name="v1")
        assert ticket["verdict"] == "answer"
    # every replica was away, and the answer came meanwhile
    service.clock.advance(60)
    async with start() as service:
        await service.wired.timers.tick()
        await service.tell(answered(ticket), "v1")
        await until(lambda: _count(service, "turn.closed", 1))
        assert (await service.bus("turn.closed"))[0].event().outcome == "stored"


async def test_out_of_hours_the_ai_goes_on_and_a_further_call_gets_the_notice_again(
    start: Any,
) -> None:
    async with start(holidays="2026-09-21") as service:
        visitor = await service.visitor("v1")
        for _ in range(2):
            _, ticket = await visitor.ask("I want a human")
            assert ticket["verdict"] == "notice"
            assert ticket["status"] == "after_hours_email"
        _, ticket = await visitor.ask("what is the range?")
        assert ticket["verdict"] == "answer"
        mails = await service.bus("mail.requested")
        assert len(mails) == 1
        assert mails[0].event().cause == "after_hours"
        assert mails[0].event().lines[-2].content == "I want a human"


async def test_with_the_ai_switched_off_every_message_goes_to_a_person(start: Any) -> None:
    async with start(ai_enabled=False) as service:
        await service.agent_is("online")
        _, ticket = await service.open_turn("hello", session_name="v1")
        assert (ticket["verdict"], ticket["status"]) == ("notice", "pending_manual")


async def test_a_new_session_is_refused_while_redis_is_nearly_full(service: Any) -> None:
    visitor = await service.visitor("v1")
    service.wired.conversations._pressure.is_high = True
    status, answer = await service.open_turn("hi", session_name="v2")
    assert (status, answer["error"]["code"]) == (503, "BUSY")
    status, _ = await visitor.ask("I am here already")
    assert status == 200


async def test_clear_starts_the_visible_history_anew_and_fences_the_old_context(
    service: Any,
) -> None:
    visitor = await service.visitor("v1")
    _, ticket = await visitor.ask("secret")
    body = {
        "session_name": "v1",
        "sid": visitor.sid,
        "conversation_id": "99",
        "clear": True,
    }
    status, ref = await service.post("/internal/conversations", body, service.as_service())
    assert (status, ref["conversation_id"]) == (200, "99")
    assert (await _messages(service, "v1", visitor.sid))["messages"] == []
    _, agents = await service.get("/api/sessions/v1/messages", service.as_agent())
    assert "secret" in [m["content"] for m in agents["data"]["messages"]]
    path = "/internal/sessions/v1/log?audience=va"
    _, page = await service.get(path, service.as_service("gateway"))
    assert [entry["type"] for entry in page["entries"]] == ["history_cleared"]
    late = {"session_name": "v1", "turn_id": ticket["turn_id"]}
    status, _ = await service.post("/internal/turns/lease", late, service.as_service())
    assert status == 409


async def test_agents_are_told_when_the_ai_begins_to_answer_and_when_it_is_over(
    service: Any, until: Any
) -> None:
    async def told() -> list[bool]:
        entries = [entry for entry in await service.bus() if b"summary" in entry.fields]
        return [orjson.loads(entry.fields[b"summary"])["ai_answering"] for entry in entries]

    visitor = await service.visitor("v1")
    _, ticket = await visitor.ask("And the brakes?")
    assert (await told())[-1] is True
    await visitor.answered(ticket)
    assert (await told())[-1] is False
    _, ticket = await visitor.ask("And the lamp?")
    failed = TurnFailed(
        session_name="v1", turn_id=ticket["turn_id"], epoch=ticket["epoch"], reason="upstream"
    )
    await service.tell(failed, "v1")
    await until(lambda: _count(service, "turn.closed", 3))
    assert (await told())[-2:] == [True, False]


async def test_internal_routes_need_the_services_own_credential(service: Any) -> None:
    for headers in (None, service.as_agent(role="admin"), {"X-Internal-Token": "forged"}):
        status, answer = await service.post("/internal/turns/open", {"message": "hi"}, headers)
        assert status in (401, 403, 404), answer


async def test_malformed_questions_are_refused_by_field(service: Any) -> None:
    for body, status in (
        ({"message": ""}, 422),
        ({"message": " \n "}, 422),
        ({"message": "x" * 5001}, 422),
        ({"message": "a\x00b"}, 422),
        ({"message": "hi", "session_name": "../etc"}, 422),
        ({"message": "hi", "unknown": 1}, 422),
        ({"message": 7}, 422),
    ):
        got, answer = await service.post("/internal/turns/open", body, service.as_service())
        assert got == status, body
        assert answer["error"]["code"] == "VALIDATION_ERROR"
        assert answer["error"]["details"]["fields"][0]["field"]
