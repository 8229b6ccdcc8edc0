"""R13: whatever Coze does, a visitor gets a whole answer or a friendly failure, in time.

`asyncio.timeout` around each question proves that none hangs.
"""

import asyncio
import gzip
import socket

import pytest
from chat_proxy.texts import DECLINED, SORRY, UNAVAILABLE
from common.testing.waiting import PATIENCE_SECONDS

CHAT, CREATE, CANCEL = "/v1/workflows/chat", "/v1/conversation/create", "/v3/chat/cancel"
TOKEN = "/api/permission/oauth2/token"
PACKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
# Where silence is the fault; elsewhere a busy machine must not be taken for one.
HASTY = {"coze_first_delta_seconds": 0.8, "coze_gap_seconds": 0.8}

# name → (what Coze plays, how many attempts it is worth, the reason told to session-state)
SILENT = {
    "hangs": (lambda w: w.hang(), 3, "timeout"),
    "hangs after the head": (lambda w: w.hang(w.STREAM_HEAD), 3, "timeout"),
    "hangs after its first event": (
        lambda w: w.hang(w.STREAM_HEAD, w.chunked(w.CREATED)),
        3,
        "timeout",
    ),
    "drips bytes": (lambda w: w.drip(b"data: x", seconds=0.02), 3, "timeout"),
    "comments only": (lambda w: w.drip(b": hb\n\n", seconds=0.01), 3, "timeout"),
    "resets at once": (lambda w: w.raw(then_close=True), 3, "upstream"),
    "half a frame": (lambda w: w.stream(w.CREATED, w.delta("x")[:40]), 3, "truncated"),
    "500": (lambda w: w.reply(b"oops", status=500), 3, "upstream"),
    "429": (lambda w: w.reply(b"", status=429), 3, "upstream"),
    "4016": (lambda w: w.reply({"code": 4016, "msg": "occupied"}), 3, "conversation"),
    "4020 as an event": (
        lambda w: w.stream(w.CREATED, w.event("error", {"code": "4020", "msg": "busy"})),
        3,
        "upstream",
    ),
    "chat failed": (
        lambda w: w.stream(w.event("conversation.chat.failed", {"code": 5000, "msg": "x"})),
        3,
        "upstream",
    ),
    "out of quota": (lambda w: w.reply({"code": 4011, "msg": "no balance"}), 1, "quota"),
    "unpublished": (lambda w: w.reply({"code": 4200, "msg": "x"}), 1, "configuration"),
    "bad parameter": (lambda w: w.reply({"code": 4000, "msg": "x"}), 1, "input"),
    "refused content": (lambda w: w.reply({"code": 4102, "msg": "x"}), 1, "content"),
    "refused token": (
        lambda w: w.reply({"code": 700012006, "msg": "invalid"}, status=401),
        2,
        "auth",
    ),
    "garbage": (lambda w: w.stream(b"event: conversation.message.delta\ndata: \xff\n\n"), 1, None),
    "wrong type": (lambda w: w.reply(b"<html>", media="text/html"), 1, None),
    "an empty answer": (lambda w: w.stream(w.CREATED, w.COMPLETED + w.DONE), 1, "empty"),
    "an endless line": (lambda w: w.drip(b"x" * 70_000, seconds=0, whole=True), 1, "oversized"),
    "a bomb": (
        lambda w: w.raw(
            PACKED + b"Connection: close\r\n\r\n", gzip.compress(b"\0" * 9_000_000), then_close=True
        ),
        1,
        None,
    ),
}
SPOKEN = {
    "cut": (lambda w: w.stream(w.CREATED, w.delta("half")), "truncated"),
    "reset": (lambda w: w.stream(w.CREATED, w.delta("half"), end=False), "truncated"),
    "silent": (lambda w: w.hang(w.STREAM_HEAD, w.chunked(w.delta("half"))), "timeout"),
    "comments": (
        lambda w: w.drip(
            b": hb\n\n", seconds=0.01, head=w.STREAM_HEAD + w.chunked(w.delta("half"))
        ),
        "timeout",
    ),
    "an error event": (
        lambda w: w.stream(w.delta("half"), w.event("error", {"code": 5000, "msg": "x"})),
        "upstream",
    ),
    "done without an end": (lambda w: w.stream(w.delta("half"), w.DONE), "truncated"),
    "garbage": (lambda w: w.stream(w.delta("half"), w.delta("x").replace(b"x", b"\xff")), None),
    "too long": (lambda w: w.stream(*[w.delta("half" * 2000)] * 9), "oversized"),
}


def ends(frames: list[dict]) -> list[str]:
    return [frame["type"] for frame in frames]


async def both_ways_fail(chat, coze_bytes, script, *, language: str) -> tuple[list[dict], dict]:
    coze_bytes.on(CHAT, script)
    async with asyncio.timeout(PATIENCE_SECONDS):
        frames = await chat.stream("Hi", language=language)
    coze_bytes.on(CHAT, script)
    async with asyncio.timeout(PATIENCE_SECONDS):
        status, body = await chat.ask("Hi", language=language)
    assert (status, body["success"]) == (503, False)
    assert body["error"]["code"] == "AI_UNAVAILABLE"
    return frames, body["error"]


def patience(reason: str | None) -> dict:
    return HASTY if reason == "timeout" else {}


async def check_silent(chat, state, coze_bytes, wire, name: str) -> None:
    play, attempts, reason = SILENT[name]
    asked, ended = len(coze_bytes.asked(CHAT)), len(state.ended)
    frames, error = await both_ways_fail(chat, coze_bytes, play(wire), language="en")
    text = (DECLINED if reason == "content" else UNAVAILABLE)["en"]
    assert ends(frames) == ["meta", "error"]
    assert frames[1] == {"type": "error", "code": "AI_UNAVAILABLE", "content": text}
    assert error["message"] == text
    assert len(coze_bytes.asked(CHAT)) - asked == 2 * attempts
    told = state.ended[ended:]
    assert [(e.type, e.reason, e.counted) for e in told] == [
        ("turn.failed", reason or "upstream", True)
    ] * 2


async def check_spoken(chat, state, coze_bytes, wire, name: str) -> None:
    play, reason = SPOKEN[name]
    asked, ended = len(coze_bytes.asked(CHAT)), len(state.ended)
    frames, error = await both_ways_fail(chat, coze_bytes, play(wire), language="zh-CN")
    assert set(ends(frames)) == {"meta", "message", "error"}
    assert frames[-1]["content"] == UNAVAILABLE["zh"] == error["message"]
    assert len(coze_bytes.asked(CHAT)) - asked == 2, "asked again after the first delta"
    assert [(e.type, e.reason) for e in state.ended[ended:]] == [
        ("turn.failed", reason or "upstream")
    ] * 2


@pytest.mark.parametrize("name", SILENT)
async def test_a_coze_that_says_nothing_good_is_a_friendly_failure(
    start_chat, chat_settings, state, coze_bytes, wire, name
) -> None:
    async with start_chat(chat_settings(**patience(SILENT[name][2]))) as chat:
        await check_silent(chat, state, coze_bytes, wire, name)


@pytest.mark.parametrize("name", SPOKEN)
async def test_a_half_answer_is_a_failure_and_never_asked_again(
    start_chat, chat_settings, state, coze_bytes, wire, name
) -> None:
    async with start_chat(chat_settings(**patience(SPOKEN[name][1]))) as chat:
        await check_spoken(chat, state, coze_bytes, wire, name)


@pytest.mark.reliability
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", [*SILENT, *SPOKEN])
async def test_r13_each_fault_twenty_times(
    start_chat, chat_settings, state, coze_bytes, wire, name
) -> None:
    async with start_chat(chat_settings(**HASTY)) as chat:
        for _ in range(20):
            if name in SILENT:
                await check_silent(chat, state, coze_bytes, wire, name)
            if name in SPOKEN:
                await check_spoken(chat, state, coze_bytes, wire, name)


async def test_canary_a_whole_answer_would_fail_these_checks(chat, state, coze_bytes, wire) -> None:
    with pytest.raises(AssertionError):
        await both_ways_fail(chat, coze_bytes, wire.answer("fine"), language="en")


async def test_a_refused_connection_is_a_friendly_failure(start_chat, chat_settings) -> None:
    with socket.socket() as taken:  # bound, never listening: refused
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with start_chat(chat_settings(coze_api_base=base)) as chat:
            async with asyncio.timeout(PATIENCE_SECONDS):
                frames = await chat.stream("Hi")
            assert ends(frames) == ["error"]
            assert frames[0]["content"] == UNAVAILABLE["en"]


async def test_a_second_attempt_that_works_shows_nothing_of_the_first(
    chat, state, coze_bytes, wire
) -> None:
    coze_bytes.on(CHAT, wire.reply(b"", status=500), wire.raw(then_close=True), wire.answer("ok"))
    frames = await chat.stream("Hi")
    assert ends(frames) == ["meta", "message", "done"]
    assert state.ended[0].content == "ok"


async def test_an_attempt_given_up_on_is_cancelled_before_the_next(
    start_chat, chat_settings, coze_bytes, wire
) -> None:
    coze_bytes.on(CHAT, wire.hang(wire.STREAM_HEAD, wire.chunked(wire.CREATED)), wire.answer("ok"))
    async with start_chat(chat_settings(**HASTY)) as chat:
        assert (await chat.ask("Hi"))[0] == 200
    paths = [r.path for r in coze_bytes.requests]
    assert paths.index(CANCEL) < len(paths) - 1 - paths[::-1].index(CHAT)


async def test_the_whole_turn_has_a_deadline_over_all_attempts(
    start_chat, chat_settings, state, coze_bytes, wire
) -> None:
    """Each event comes in time, for ever."""
    coze_bytes.on(CHAT, wire.drip(wire.delta("x"), seconds=0.01, whole=True))
    async with start_chat(chat_settings(coze_turn_timeout_seconds=0.5)) as chat:
        async with asyncio.timeout(PATIENCE_SECONDS):
            frames = await chat.stream("Hi")
    assert ends(frames)[-1] == "error"
    assert state.ended[0].reason == "timeout"


async def test_failures_open_the_breaker_and_then_nobody_waits(
    start_chat, chat_settings, state, coze_bytes, wire
) -> None:
    coze_bytes.on(CHAT, wire.reply(b"", status=500))
    async with start_chat(chat_settings(coze_breaker_failures=3)) as chat:
        await chat.stream("one")
        assert len(coze_bytes.asked(CHAT)) == 3
        frames = await chat.stream("two")
        assert frames[-1]["content"] == UNAVAILABLE["en"]
        assert len(coze_bytes.asked(CHAT)) == 3
        assert state.ended[-1].reason == "circuit_open"
        async with chat.http.get(chat.url + "/metrics") as response:
            assert "kefu_coze_breaker_state 2.0" in await response.text()


async def test_a_failure_that_brings_a_person_says_so(chat, state, coze_bytes, wire) -> None:
    coze_bytes.on(CHAT, wire.reply({"code": 4200, "msg": "x"}))
    state.closing = {
        "outcome": "escalated",
        "status": "pending_manual",
        "reason": "fail_loop",
        "notice": "A colleague will be with you.",
    }
    frames = await chat.stream("Hi")
    assert ends(frames) == ["meta", "status_change", "error"]
    assert frames[-1]["content"] == "A colleague will be with you."
    status, body = await chat.ask("Hi")
    assert (status, body["error"]["code"]) == (503, "AI_UNAVAILABLE")
    assert body["error"]["message"] == "A colleague will be with you."
    assert body["error"]["details"] == {"status": "pending_manual"}


async def test_the_notice_of_a_failure_is_said_once(chat, state, coze_bytes, wire) -> None:
    coze_bytes.on(CHAT, wire.reply({"code": 4200, "msg": "x"}))
    state.closing = {"outcome": "escalated", "status": "pending_manual", "notice": "A colleague."}
    state.before_closing = lambda name: state.transition(name, "pending_manual", epoch=1)
    frames = await chat.stream("Hi", language="en")
    assert ends(frames) == ["meta", "status_change", "manual_message", "error"]
    assert frames[-1]["content"] == SORRY["en"]


async def test_no_conversation_no_turn(chat, state, coze_bytes, wire) -> None:
    coze_bytes.on(CREATE, wire.reply({"code": 5000, "msg": "x"}))
    frames = await chat.stream("Hi")
    assert ends(frames) == ["error"]
    assert coze_bytes.asked(CHAT) == []
    assert state.ended[0].type == "turn.failed"


async def test_no_upstream_text_reaches_a_visitor(chat, coze_bytes, wire) -> None:
    secret = "internal-host-7.coze.invalid"
    coze_bytes.on(CHAT, wire.reply({"code": 4000, "msg": secret}))
    assert secret not in str(await chat.stream("Hi"))
    assert secret not in str(await chat.ask("Hi"))
