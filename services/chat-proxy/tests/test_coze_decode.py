"""The decoder gives the same items however the bytes are split, and never takes half for whole."""

import json

import pytest
from chat_proxy.coze.decode import (
    Broken,
    Delta,
    Finished,
    FollowUp,
    Item,
    Limits,
    Started,
    StreamDecoder,
)
from chat_proxy.coze.faults import FaultKind
from hypothesis import given, settings
from hypothesis import strategies as st

LIMITS = Limits()


def frame(name: str, body: object, *, newline: str = "\n", space: str = " ") -> bytes:
    data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"event:{space}{name}{newline}data:{space}{data}{newline}{newline}".encode()


def message(text: object, **kw: str) -> dict[str, object]:
    base = {"id": "M1", "role": "assistant", "type": "answer", "content_type": "text"}
    return {**base, **kw, "content": text}


def chat(status: str, **extra: object) -> dict[str, object]:
    return {"id": "C1", "conversation_id": "V1", "status": status, **extra}


def delta(text: object, **kw: str) -> bytes:
    return frame("conversation.message.delta", message(text, **kw))


def completed(text: str, **kw: str) -> bytes:
    return frame("conversation.message.completed", message(text, **kw))


CREATED = frame("conversation.chat.created", chat("created", last_error={"code": 0, "msg": ""}))
CHAT_COMPLETED = frame("conversation.chat.completed", chat("completed", usage={"token_count": 32}))
DONE = frame("done", {"debug_url": "https://example.invalid"})
WHOLE = CREATED + delta("I'm ") + delta("fine.") + completed("I'm fine.") + CHAT_COMPLETED + DONE


def decode(*chunks: bytes, limits: Limits = LIMITS) -> list[Item]:
    decoder = StreamDecoder(limits)
    items = [item for chunk in chunks for item in decoder.feed(chunk)]
    return items + decoder.close()


def text_of(items: list[Item]) -> str:
    return "".join(item.text for item in items if isinstance(item, Delta))


def fault_of(items: list[Item]) -> FaultKind:
    assert isinstance(items[-1], Broken)
    return items[-1].fault.kind


def test_a_whole_stream_gives_start_deltas_and_end() -> None:
    assert decode(WHOLE) == [
        Started("C1", "V1"),
        Delta("I'm "),
        Delta("fine."),
        Finished(requires_action=False, tokens=32),
    ]


def test_reading_may_stop_at_done() -> None:
    decoder = StreamDecoder(LIMITS)
    decoder.feed(WHOLE[: -len(DONE)])
    assert (decoder.ended, decoder.done) == (True, False)
    decoder.feed(DONE)
    assert decoder.done


def test_the_completed_message_does_not_double_the_answer() -> None:
    assert text_of(decode(WHOLE)) == "I'm fine."


def test_the_completed_message_is_the_text_where_no_delta_came() -> None:
    assert text_of(decode(CREATED + completed("Hello") + CHAT_COMPLETED)) == "Hello"


def test_what_the_deltas_did_not_bring_at_the_end_is_added() -> None:
    items = decode(CREATED + delta("I'm ") + completed("I'm fine.") + CHAT_COMPLETED)
    assert text_of(items) == "I'm fine."


def test_an_answer_with_a_hole_is_a_failure() -> None:
    items = decode(CREATED + delta("I'm ") + delta("you") + completed("I'm fine, thank you"))
    assert fault_of(items) is FaultKind.TRUNCATED


def test_several_answers_stand_apart() -> None:
    stream = delta("One") + completed("One") + delta("Two", id="M2") + completed("Two", id="M2")
    assert text_of(decode(stream + CHAT_COMPLETED)) == "One\n\nTwo"


def test_only_the_assistants_answers_are_shown() -> None:
    noise = (
        delta("secret", type="verbose")
        + delta("thinking", type="reasoning")
        + delta("echo", role="user")
        + completed("{}", type="verbose")
        + completed("tool", type="tool_output")
        + delta(None)
        + delta("")
    )
    items = decode(noise + delta("ok") + CHAT_COMPLETED)
    assert text_of(items) == "ok"


def test_follow_ups_are_items_of_their_own_and_few() -> None:
    asked = b"".join(completed(f"Q{n}?", id=f"F{n}", type="follow_up") for n in range(9))
    items = decode(delta("ok") + asked + CHAT_COMPLETED)
    assert [i.text for i in items if isinstance(i, FollowUp)] == ["Q0?", "Q1?", "Q2?"]


def test_requires_action_is_an_answer_that_asks_back() -> None:
    items = decode(delta("Which?") + frame("conversation.chat.requires_action", chat("x")))
    assert items[-1] == Finished(requires_action=True, tokens=0)


@pytest.mark.parametrize(
    "stream",
    [
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE.replace(b"event: ", b"event:").replace(b"data: ", b"data:"),
        WHOLE.replace(b"event: ", b"id: 7\nretry: 10\n: a comment\nevent: "),
        b"\xef\xbb\xbf" + WHOLE,
        WHOLE.replace(DONE, b'event:done\ndata:"[DONE]"\n\n'),
        WHOLE.replace(DONE, b"data: [DONE]\n\n"),
        WHOLE.replace(DONE, b""),
        frame("PING", "x") + frame("conversation.audio.delta", "not json") + WHOLE,
    ],
    ids=["crlf", "no space", "id retry comment", "bom", "quoted done", "bare done", "eof", "ping"],
)
def test_every_spelling_means_the_same(stream: bytes) -> None:
    assert decode(stream) == decode(WHOLE)


def test_unicode_line_separators_are_text() -> None:
    text = "a\u2028b\u2029c\u0085d"
    assert text_of(decode(delta(text) + CHAT_COMPLETED)) == text


# --- failures ------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", range(1, len(WHOLE) - len(DONE) - len(CHAT_COMPLETED) + 2, 7))
def test_an_end_of_body_before_the_chats_end_is_truncation(cut: int) -> None:
    assert fault_of(decode(WHOLE[:cut])) is FaultKind.TRUNCATED


def test_a_half_end_frame_is_no_end() -> None:
    assert fault_of(decode(CREATED + delta("half") + CHAT_COMPLETED[:-1])) is FaultKind.TRUNCATED


def test_done_without_an_end_is_truncation() -> None:
    assert fault_of(decode(CREATED + delta("half") + DONE)) is FaultKind.TRUNCATED


@pytest.mark.parametrize(
    ("stream", "kind", "code"),
    [
        (frame("error", {"code": "4000", "msg": "bad"}), FaultKind.INPUT, 4000),
        (frame("error", {"code": 4020, "msg": "busy"}), FaultKind.BUSY, 4020),
        (frame("error", "internal plain text"), FaultKind.SERVER, None),
        (frame("conversation.chat.failed", {"code": "720702204"}), FaultKind.SERVER, 720702204),
        (
            frame("conversation.chat.failed", chat("failed", last_error={"code": 5000})),
            FaultKind.SERVER,
            5000,
        ),
        (b'{"code":4100,"msg":"authentication is invalid"}', FaultKind.AUTH, 4100),
        (b'{"code":4016,"msg":"conversation occupied"}\n', FaultKind.CONVERSATION_BUSY, 4016),
        (b'data: {"code":4200,"msg":"not published"}\n\n', FaultKind.PUBLISHING, 4200),
    ],
)
def test_each_error_channel_is_a_classified_failure(
    stream: bytes, kind: FaultKind, code: int | None
) -> None:
    last = decode(CREATED + stream)[-1]
    assert isinstance(last, Broken)
    assert (last.fault.kind, last.fault.code) == (kind, code)


def test_an_answer_without_text_is_a_failure() -> None:
    assert fault_of(decode(CREATED + CHAT_COMPLETED + DONE)) is FaultKind.EMPTY


@pytest.mark.parametrize(
    "data",
    ["not json", '{"a":', "[1,2]", "[" * 5000, '"\ud83d"'.encode("utf-8", "surrogatepass")],
)
def test_a_known_event_without_a_json_object_is_garbage(data: str | bytes) -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    stream = b"event: conversation.message.delta\ndata: " + raw + b"\n\n"
    assert fault_of(decode(stream + CHAT_COMPLETED)) is FaultKind.GARBAGE


def test_invalid_utf8_is_garbage_not_a_crash() -> None:
    broken = delta("héllo").replace("é".encode(), b"\xc3")
    assert fault_of(decode(broken)) is FaultKind.GARBAGE


def test_a_line_over_the_cap_is_refused_without_being_kept() -> None:
    decoder = StreamDecoder(Limits(line=1000))
    items: list[Item] = []
    for _ in range(100):
        items += decoder.feed(b"x" * 600)
    assert fault_of(items) is FaultKind.OVERSIZED
    assert len(items) == 1


def test_an_event_of_many_lines_over_the_cap_is_refused() -> None:
    assert fault_of(decode(b"data: xx\n" * 200, limits=Limits(event=1000))) is FaultKind.OVERSIZED


def test_an_answer_over_the_cap_is_refused_in_bytes() -> None:
    chunk = "电" * 100
    limits = Limits(answer=1000)
    assert fault_of(decode(delta(chunk) * 4, limits=limits)) is FaultKind.OVERSIZED
    assert text_of(decode(delta(chunk) * 3 + CHAT_COMPLETED, limits=limits)) == chunk * 3


def test_canary_with_the_caps_off_the_oversized_stream_passes() -> None:
    huge = Limits(line=10**9, event=10**9, answer=10**9)
    stream = delta("x" * 300_000) + CHAT_COMPLETED
    assert fault_of(decode(stream)) is FaultKind.OVERSIZED
    assert isinstance(decode(stream, limits=huge)[-1], Finished)


# --- any bytes, any split (S13) ------------------------------------------------------------

PIECES = st.sampled_from(
    [
        CREATED,
        delta("电池🔋 ok\u2028"),
        delta("b", id="M2"),
        completed("电池🔋 ok\u2028"),
        completed("Next?", type="follow_up"),
        CHAT_COMPLETED,
        DONE,
        frame("error", {"code": 5000}),
        frame("error", "text"),
        b": comment\n\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"{",
        b'{"code":4000}\n',
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"data: [DONE]\n\n",
        b"event: conversation.message.delta\n",
        b"data: {\n",
        WHOLE.replace(b"\n", b"\r\n"),
    ]
)
STREAMS = st.lists(PIECES | st.binary(max_size=40), max_size=12).map(b"".join)
SMALL = Limits(line=200, event=600, answer=60)


@settings(max_examples=400, deadline=None)
@given(stream=STREAMS, data=st.data(), limits=st.sampled_from([LIMITS, SMALL]))
def test_any_split_gives_the_same_items(stream: bytes, data: st.DataObject, limits: Limits) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20).map(sorted))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = decode(stream, limits=limits)
    assert decode(*chunks, limits=limits) == whole
    assert decode(*(stream[i : i + 1] for i in range(len(stream))), limits=limits) == whole


@settings(max_examples=400, deadline=None)
@given(stream=STREAMS)
def test_any_bytes_end_in_exactly_one_end_which_is_last(stream: bytes) -> None:
    items = decode(stream)
    ends = [i for i, item in enumerate(items) if isinstance(item, Finished | Broken)]
    assert ends == [len(items) - 1]
