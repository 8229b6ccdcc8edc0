"""A turn through the real service: what the caller sees, what Coze and the bus are told."""

import asyncio
import json
import random

import pytest
from common.errors import ManualInProgress, TurnInProgress, TurnLost
from common.testing.waiting import PATIENCE_SECONDS

CHAT, CREATE, CANCEL = "/v1/workflows/chat", "/v1/conversation/create", "/v3/chat/cancel"


def kinds(frames: list[dict]) -> list[str]:
    return [frame["type"] for frame in frames]


def said(frames: list[dict]) -> str:
    return "".join(frame["content"] for frame in frames if frame["type"] == "message")


async def test_a_stream_opens_with_meta_and_closes_with_done(chat, state) -> None:
    frames = await chat.stream("Hi")
    assert kinds(frames) == ["meta", "message", "message", "done"]
    assert frames[0] == {
        "type": "meta",
        "session_name": "session_a",
        "conversation_id": "V1",
        "turn_id": "T1",
        "message_id": "A1",
    }
    assert said(frames) == "Hello."
    assert frames[-1] == {"type": "done", "content": ""}


async def test_the_whole_answer_is_one_json(chat) -> None:
    assert await chat.ask("Hi") == (200, {"success": True, "message": "Hello."})


async def test_the_answer_goes_to_the_bus_with_the_tickets_epoch(chat, state, until) -> None:
    state.epochs["session_a"] = 4
    await chat.stream("Hi")
    (event,) = state.ended
    assert (event.type, event.content, event.epoch) == ("turn.answered", "Hello.", 4)
    assert (event.turn_id, event.message_id, event.stopped) == ("T1", "A1", False)


async def test_the_callers_identity_comes_from_the_token(chat, state) -> None:
    await chat.ask("Hi", name="session_a", conversation_id="stolen")
    assert state.asked[0]["session_name"] == "session_a"
    assert state.asked[0]["sid"] == "sid-of-a-test"
    assert "conversation_id" not in state.asked[0]


async def test_a_plain_caller_is_passed_on_with_its_conversation(chat, state) -> None:
    await chat.ask("Hi", name=None, user_id="old_one", conversation_id="V7")
    assert state.asked[0]["session_name"] == "old_one"
    assert state.asked[0]["conversation_id"] == "V7"
    assert "sid" not in state.asked[0]


async def test_another_sessions_name_beside_the_token_is_refused(chat, state) -> None:
    status, body = await chat.ask("Hi", name="session_a", user_id="session_b")
    assert (status, body["error"]["code"]) == (403, "SESSION_FORBIDDEN")
    assert state.asked == []


async def test_the_gateway_learns_whose_session_it_is(chat) -> None:
    async with chat.post("/api/chat", {"message": "Hi"}) as response:
        assert response.headers["X-Session-Name"] == "s_drawn"
        assert response.headers["X-Session-Sid"] == "sid-of-a-test"
    async with chat.post("/api/chat/stream", {"message": "Hi"}, name="session_a") as response:
        assert response.headers["X-Session-Name"] == "session_a"
        assert response.headers["X-Session-Sid"] == "sid-of-a-test"
        assert response.headers["Cache-Control"] == "no-store, no-transform"


async def test_a_conversation_is_made_first_and_then_kept(chat, state, coze_bytes) -> None:
    await chat.ask("one")
    await chat.ask("two")
    assert len(coze_bytes.asked(CREATE)) == 1
    assert [b["conversation_id"] for b in state.bound] == ["V1"]
    assert [r.body["conversation_id"] for r in coze_bytes.asked(CHAT)] == ["V1", "V1"]


async def test_the_conversation_that_was_bound_first_counts(chat, state, coze_bytes) -> None:
    state.conversations["session_a"] = "V-first"
    state.ticket = {"conversation_id": None}
    frames = await chat.stream("Hi")
    assert frames[0]["conversation_id"] == "V-first"
    assert coze_bytes.asked(CHAT)[0].body["conversation_id"] == "V-first"


async def test_a_conversation_that_coze_refuses_is_replaced_once(
    chat, state, coze_bytes, wire
) -> None:
    state.conversations["session_a"] = "V-old"
    coze_bytes.on(CHAT, wire.reply({"code": 4002, "msg": "gone"}), wire.answer("fine"))
    frames = await chat.stream("Hi")
    assert said(frames) == "fine"
    assert state.bound[0]["instead_of"] == "V-old"
    assert coze_bytes.asked(CHAT)[1].body["conversation_id"] == "V1"


async def test_only_allowed_parameters_reach_coze(start_chat, chat_settings, coze_bytes) -> None:
    async with start_chat(chat_settings(chat_parameters="country, page")) as chat:
        await chat.ask("Hi", parameters={"country": "DE", "evil": 1, "USER_INPUT": "x"})
    assert coze_bytes.asked(CHAT)[0].body["parameters"] == {"country": "DE", "USER_INPUT": "Hi"}


async def test_follow_ups_become_suggestions(chat, state, coze_bytes, wire) -> None:
    events = [wire.delta("ok"), wire.follow_up("And?"), wire.COMPLETED + wire.DONE]
    coze_bytes.on(CHAT, wire.stream(*events))
    frames = await chat.stream("Hi")
    assert {"type": "suggestions", "items": ["And?"]} in frames
    assert state.ended[0].suggestions == ["And?"]


@pytest.mark.parametrize("refusal", [ManualInProgress(), TurnInProgress(turn_id="T0")])
async def test_a_refused_turn_is_its_own_status_before_any_call_to_coze(
    chat, state, coze_bytes, refusal
) -> None:
    state.refusal = refusal
    for path in ("/api/chat", "/api/chat/stream"):
        async with chat.post(path, {"message": "Hi"}, name="session_a") as response:
            assert response.status == 409
            assert (await response.json())["error"]["code"] == refusal.code
    assert coze_bytes.asked(CHAT) == []


async def test_a_rules_notice_is_the_answer_and_costs_no_call(chat, state, coze_bytes) -> None:
    state.ticket = {
        "verdict": "notice",
        "status": "pending_manual",
        "reason": "keyword",
        "notice": "A person is coming.",
    }
    frames = await chat.stream("a human please")
    assert kinds(frames) == ["meta", "status_change", "message", "done"]
    assert frames[1]["status"] == "pending_manual"
    assert said(frames) == "A person is coming."
    assert await chat.ask("a human please") == (
        200,
        {"success": True, "message": "A person is coming.", "status": "pending_manual"},
    )
    assert coze_bytes.asked(CHAT) == []


async def test_an_answer_stored_before_is_given_again(chat, state, coze_bytes) -> None:
    state.ticket = {"verdict": "replay", "answer": "As I said.", "suggestions": ["More?"]}
    frames = await chat.stream("Hi", client_message_id="c1")
    assert kinds(frames) == ["meta", "message", "suggestions", "done"]
    assert (await chat.ask("Hi", client_message_id="c1"))[1]["message"] == "As I said."
    assert coze_bytes.asked(CHAT) == []


async def test_the_end_tells_what_the_turn_changed(chat, state) -> None:
    state.closing = {"outcome": "escalated", "status": "pending_manual", "reason": "fail_loop"}
    frames = await chat.stream("Hi")
    assert kinds(frames)[-2:] == ["status_change", "done"]
    assert frames[-2]["status"] == "pending_manual"
    assert frames[-2]["reason"] == "fail_loop"


async def test_done_comes_even_when_nobody_closes_the_turn(
    start_chat, chat_settings, state
) -> None:
    state.closing = None
    async with start_chat(chat_settings(turn_closed_wait_seconds=0.05)) as chat:
        assert kinds(await chat.stream("Hi"))[-1] == "done"
        assert (await chat.ask("Hi"))[0] == 200


async def test_an_answer_that_came_too_late_is_never_given_as_one(chat, state) -> None:
    state.closing = {"outcome": "fenced", "status": "manual_live", "reason": "takeover"}
    status, body = await chat.ask("Hi")
    assert (status, body["error"]["code"]) == (409, "MANUAL_IN_PROGRESS")
    frames = await chat.stream("Hi")
    assert kinds(frames)[-2:] == ["status_change", "done"]


# --- cut, stopped, left alone ----------------------------------------------------------------


def endless(wire):
    """A stream that has begun to speak and goes on only when the test ends."""
    return wire.hang(wire.STREAM_HEAD, wire.chunked(wire.CREATED + wire.delta("Once upon")))


async def open_stream(chat, name: str = "session_a"):
    """A response whose first delta has come, and its remaining frames."""
    response = await chat.post("/api/chat/stream", {"message": "Hi"}, name=name)
    while not (await response.content.readline()).startswith(b'data: {"type":"message"'):
        pass
    return response


async def rest_of(response) -> list[dict]:
    raw = (await response.content.read()).decode()
    return [json.loads(line[6:]) for line in raw.splitlines() if line.startswith("data: ")]


async def test_a_takeover_cuts_the_stream_and_tells_who_came(
    chat, state, coze_bytes, wire, until
) -> None:
    coze_bytes.on(CHAT, endless(wire))
    response = await open_stream(chat)
    await state.transition("session_a", "manual_live", epoch=1, reason="takeover")
    frames = await rest_of(response)
    assert kinds(frames) == ["status_change", "manual_message", "done"]
    assert frames[0]["agent_info"] == {"id": "agent-1", "name": "Ann"}
    assert frames[1]["message_id"] == "N1"
    await until(lambda: coze_bytes.asked(CANCEL))
    assert coze_bytes.asked(CANCEL)[0].body == {"conversation_id": "V1", "chat_id": "C1"}
    assert state.ended == []


async def test_a_takeover_makes_the_whole_answer_a_409(
    chat, state, coze_bytes, wire, until
) -> None:
    coze_bytes.on(CHAT, endless(wire))
    asking = asyncio.create_task(chat.ask("Hi"))
    await until(lambda: coze_bytes.asked(CHAT))
    await state.transition("session_a", "manual_live", epoch=1)
    status, body = await asking
    assert (status, body["error"]["code"]) == (409, "MANUAL_IN_PROGRESS")


async def test_a_takeover_between_ticket_and_turn_is_not_missed(
    chat, state, coze_bytes, wire, until
) -> None:
    coze_bytes.on(CHAT, endless(wire))

    async def take_over(name: str) -> None:
        await state.transition(name, "manual_live", epoch=1)
        watches = chat.running.wiring.roster._watches
        await until(lambda: watches[name.encode()][0].epoch == 1)

    state.before_ticket = take_over
    assert kinds(await chat.stream("Hi"))[-1] == "done"
    assert (await chat.ask("Hi"))[0] == 409
    assert state.ended == []


async def test_a_new_conversation_cuts_the_old_answer(chat, state, coze_bytes, wire) -> None:
    coze_bytes.on(CHAT, endless(wire))
    response = await open_stream(chat)
    await state.anew("session_a", epoch=1)
    assert kinds(await rest_of(response)) == ["done"]


async def test_other_sessions_are_not_cut(chat, state, coze_bytes, wire, until) -> None:
    coze_bytes.on(CHAT, endless(wire))
    one, two = await open_stream(chat, "session_a"), await open_stream(chat, "session_b")
    await state.transition("session_a", "manual_live", epoch=1)
    await rest_of(one)
    assert len(chat.running.wiring.roster) == 1
    await state.transition("session_b", "manual_live", epoch=1)
    await rest_of(two)


async def test_a_lost_lease_cuts_the_stream(start_chat, chat_settings, state, coze_bytes, wire):
    state.lease_refusal = TurnLost()
    coze_bytes.on(CHAT, wire.drip(wire.delta("a"), seconds=0.001))
    async with start_chat(chat_settings(turn_lease_renew_seconds=0.05)) as chat:
        assert kinds(await chat.stream("Hi"))[-1] == "done"
    assert state.ended == []
    assert state.leases[0] == {"session_name": "session_a", "turn_id": "T1"}


async def test_a_turn_that_lost_its_session_before_its_conversation_says_to_whom(
    chat, state, coze_bytes
) -> None:
    """The refusal comes over HTTP, the reason a moment later over the bus."""

    async def take_over(name: str) -> None:
        await state.transition(name, "manual_live", epoch=1, reason="takeover")

    state.bind_refusal, state.before_bind_answer = TurnLost(), take_over
    assert [f["type"] for f in await chat.stream("Hi")] == [
        "status_change",
        "manual_message",
        "done",
    ]
    status, body = await chat.ask("Hi", name="session_b")
    assert (status, body["error"]["code"]) == (409, "MANUAL_IN_PROGRESS")
    assert coze_bytes.asked(CHAT) == []


async def test_the_lease_is_renewed_while_the_ai_speaks(
    start_chat, chat_settings, state, coze_bytes, wire, until
) -> None:
    coze_bytes.on(CHAT, endless(wire))
    async with start_chat(chat_settings(turn_lease_renew_seconds=0.05)) as chat:
        response = await open_stream(chat)
        await until(lambda: len(state.leases) >= 3)
        await state.transition("session_a", "manual_live", epoch=1)
        await rest_of(response)


async def test_a_silent_stream_beats(start_chat, chat_settings, coze_bytes, wire) -> None:
    coze_bytes.on(CHAT, wire.hang())
    settings = chat_settings(heartbeat_seconds=0.05)
    async with start_chat(settings) as chat:
        response = await chat.post("/api/chat/stream", {"message": "Hi"}, name="session_a")
        while await response.content.readline() != b": hb\n":
            pass
        response.close()


async def test_the_visitors_stop_keeps_what_was_said(chat, state, coze_bytes, wire) -> None:
    coze_bytes.on(CHAT, endless(wire))
    response = await open_stream(chat)
    async with chat.post("/api/sessions/session_a/stop", {}, name="session_a") as stopped:
        assert stopped.status == 200
    assert kinds(await rest_of(response)) == ["done"]
    (event,) = state.ended
    assert (event.type, event.content, event.stopped) == ("turn.answered", "Once upon", True)


async def test_a_stop_reaches_the_replica_that_runs_the_turn(
    chat, start_chat, chat_settings, state, coze_bytes, wire
) -> None:
    coze_bytes.on(CHAT, endless(wire))
    response = await open_stream(chat)
    async with start_chat(chat_settings()) as other:
        async with other.post("/api/sessions/session_a/stop", {}, name="session_a") as stopped:
            assert stopped.status == 200
        assert kinds(await rest_of(response)) == ["done"]
    assert state.ended[0].stopped


async def test_nobody_else_can_stop_an_answer(chat, state, coze_bytes, wire) -> None:
    coze_bytes.on(CHAT, endless(wire))
    response = await open_stream(chat)
    path = "/api/sessions/session_a/stop"
    async with chat.post(path, {}, name="session_b") as refused:
        assert refused.status == 403
    foreign = chat.token("session_a", sid="another-sid")
    async with chat.post(path, {}, **foreign) as unheard:
        assert unheard.status == 200
    assert len(chat.running.wiring.roster) == 1
    async with chat.post(path, {}, name="session_a") as stopped:
        assert stopped.status == 200
    await rest_of(response)


async def test_a_caller_who_leaves_loses_nothing(chat, state, coze_bytes, wire, until) -> None:
    go_on = asyncio.Event()

    async def slow(_, writer) -> None:
        writer.write(wire.STREAM_HEAD + wire.chunked(wire.CREATED + wire.delta("Once ")))
        await writer.drain()
        await go_on.wait()
        end = wire.delta("upon a time.") + wire.COMPLETED + wire.DONE
        writer.write(wire.chunked(end) + b"0\r\n\r\n")

    coze_bytes.on(CHAT, slow)
    response = await open_stream(chat)
    response.close()
    go_on.set()
    await until(lambda: state.ended)
    assert state.ended[0].content == "Once upon a time."


async def test_shutdown_waits_for_answers_and_says_which_it_had_to_cut(
    start_chat, chat_settings, state, coze_bytes, wire
) -> None:
    coze_bytes.on(CHAT, endless(wire))
    settings = chat_settings(drain_seconds=3.2)
    async with start_chat(settings) as chat:
        response = await open_stream(chat)
        chat.running.terminate()
        frames = await rest_of(response)
    assert kinds(frames) == ["error"]
    assert frames[0]["code"] == "TURN_LOST"
    (event,) = state.ended
    assert (event.type, event.reason, event.counted) == ("turn.failed", "drained", False)


async def test_a_takeover_at_any_moment_leaves_no_answer_behind(
    chat, state, coze_bytes, wire, until
) -> None:
    """Thirty streams, each fenced at a moment of its own, from before the ticket to the last
    delta: every one ends by itself, and what is told to session-state is told under the old
    epoch, where the commit refuses it."""
    pieces = wire.delta("word ") * 5
    coze_bytes.on(CHAT, wire.stream(wire.CREATED, *[pieces] * 10, wire.COMPLETED + wire.DONE))
    chance = random.Random(6)

    async def talk(name: str) -> list[dict]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await chat.stream("Hi", name=name)

    async def race(name: str) -> None:
        asking = asyncio.create_task(talk(name))
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0.001)
        await state.transition(name, "manual_live", epoch=1)
        assert kinds(await asking)[-1] == "done"

    for number in range(30):
        await race(f"session_{number}")
    await until(lambda: len(chat.running.wiring.roster) == 0)
    assert all(event.epoch == 0 for event in state.ended)
    assert all(event.type == "turn.answered" and not event.stopped for event in state.ended)


async def test_canary_without_the_bus_a_takeover_does_not_end_the_stream(
    chat, state, coze_bytes, wire
) -> None:
    coze_bytes.on(CHAT, endless(wire))
    roster = chat.running.wiring.roster
    response = await open_stream(chat)
    assert await response.content.readline() == b"\n"
    watches, roster._watches = roster._watches, {}
    await state.transition("session_a", "manual_live", epoch=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await response.content.readline()
    roster._watches = watches
    assert roster.stop("session_a", "sid-of-a-test")
    await rest_of(response)
