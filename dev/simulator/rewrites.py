"""How a fault rewrites an honest answer: left out, put in, cut off, spelt another way."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dev.simulator.answers import Answer, pieces
from dev.simulator.stream import (
    CHAT_FAILED,
    CHAT_REQUIRES_ACTION,
    COMPLETED,
    DELTA,
    Cut,
    Frame,
    Framing,
    Half,
    Item,
    Raw,
    Repeat,
    Script,
    Voice,
    Wait,
)


@dataclass(frozen=True, slots=True)
class Play:
    """One answer about to be sent: what is said, how it is framed, how far apart the pieces are."""

    script: Script
    framing: Framing
    gap: float
    voice: Voice


Rewrite = Callable[[Play, float], Play]


def is_opening(item: Item) -> bool:
    return (
        isinstance(item, Frame)
        and item.event.startswith("conversation.chat.")
        and (item.event.endswith(("created", "in_progress")))
    )


def first_delta(script: Script) -> int:
    """Where the answer begins: everything before it is opening."""
    return next((i for i, item in enumerate(script) if not is_opening(item)), len(script))


def middle(script: Script) -> int:
    """Just after the middle delta of the answer (after the first of one)."""
    deltas = [i for i, item in enumerate(script) if isinstance(item, Frame) and item.answers]
    return deltas[len(deltas) // 2] + 1 if deltas else len(script)


def after(script: Script, deltas: float) -> int:
    """Just after so many deltas."""
    found = [i for i, item in enumerate(script) if isinstance(item, Frame) and item.answers]
    return found[min(int(deltas), len(found)) - 1] + 1 if found and deltas >= 1 else len(script)


def break_off(where: Callable[[Script], int], *ending: Item) -> Rewrite:
    """The stream stops at `where` and ends so."""

    def rewrite(play: Play, _arg: float) -> Play:
        return replace(play, script=[*play.script[: where(play.script)], *ending])

    return rewrite


def fail(where: Callable[[Script], int], frame: Callable[[Play, int], Item]) -> Rewrite:
    """The stream stops at `where` with a failure that carries the code, then `done`, then EOF."""

    def rewrite(play: Play, arg: float) -> Play:
        head = play.script[: where(play.script)]
        return replace(play, script=[*head, frame(play, int(arg)), play.voice.done()])

    return rewrite


def insert(where: Callable[[Script], int], items: Callable[[Play, float], Script]) -> Rewrite:
    """Something more comes at `where`, and the stream goes on."""

    def rewrite(play: Play, arg: float) -> Play:
        at = where(play.script)
        return replace(play, script=[*play.script[:at], *items(play, arg), *play.script[at:]])

    return rewrite


def frame_as(**spelling: object) -> Rewrite:
    def rewrite(play: Play, _arg: float) -> Play:
        return replace(play, framing=replace(play.framing, **spelling))  # type: ignore[arg-type]

    return rewrite


def error_event(_play: Play, code: int) -> Frame:
    return Frame("error", {"code": str(code), "msg": "simulated failure"})


def failed_code(_play: Play, code: int) -> Frame:
    return Frame(CHAT_FAILED, {"code": str(code), "msg": "simulated failure"})


def failed_chat(play: Play, code: int) -> Frame:
    return play.voice.failed(code, "simulated failure")


def bare_json(_play: Play, code: int) -> Raw:
    return Raw(b'{"code":%d,"msg":"simulated failure"}\n\n' % code)


def error_int(_play: Play, code: int) -> Frame:
    return Frame("error", {"code": code, "msg": "simulated failure"})


def error_text(_play: Play, _code: int) -> Frame:
    return Frame("error", "internal server error")


def broken_json(_play: Play, _arg: float) -> Script:
    return [Frame(DELTA, '{"id": "1", "content": ')]


def invalid_utf8(_play: Play, _arg: float) -> Script:
    return [Raw(b'event: conversation.message.delta\ndata: "\xff\xfe"\n\n')]


def silence(_play: Play, seconds: float) -> Script:
    return [Wait(seconds)]


def said_first(play: Play, _arg: float) -> Script:
    """Another answer that comes before the asked one."""
    return play.voice.said(Answer("First of all: "))


def drip(play: Play, arg: float) -> Play:
    return replace(play, gap=arg)


def slow_body(play: Play, arg: float) -> Play:
    return replace(play, script=[Wait(arg), *play.script])


def hang_after(play: Play, arg: float) -> Play:
    at = after(play.script, arg)
    return replace(play, script=[*play.script[:at], Wait(3600)])


def only_completed(play: Play, _arg: float) -> Play:
    kept = [item for item in play.script if not (isinstance(item, Frame) and item.event == DELTA)]
    return replace(play, script=kept)


def empty(play: Play, _arg: float) -> Play:
    def emptied(item: Item) -> Item:
        whole = isinstance(item, Frame) and item.event == COMPLETED and isinstance(item.data, dict)
        if whole and item.data.get("type") == "answer":  # type: ignore[union-attr]
            return Frame(COMPLETED, {**item.data, "content": ""})  # type: ignore[union-attr, dict-item]
        return item

    return replace(play, script=[emptied(item) for item in only_completed(play, 0).script])


def mismatch(play: Play, _arg: float) -> Play:
    """One delta in the middle is lost on the way; `completed` still has the whole text."""
    at = middle(play.script) - 1
    return replace(play, script=[*play.script[:at], *play.script[at + 1 :]])


def reasoning(play: Play, _arg: float) -> Script:
    message_id = next(play.voice.ids)
    message = play.voice.message("answer", "", message_id=message_id)
    return [
        Frame(DELTA, {**message, "reasoning_content": piece})
        for piece in pieces("The visitor asks about a bike. I look into the shop's pages first. ")
    ]


def tools(play: Play, _arg: float) -> Script:
    voice = play.voice
    return [
        voice.aside("function_call", '{"name":"search","arguments":{"q":"SECRET-TOOL"}}'),
        voice.aside("tool_output", "SECRET-TOOL-OUTPUT", role="tool"),
        voice.aside("tool_response", "SECRET-TOOL-RESPONSE"),
        voice.aside("knowledge", '{"chunks":["SECRET-KNOWLEDGE"]}'),
        voice.aside("", "SECRET-UNKNOWN"),
    ]


def requires_action(play: Play, _arg: float) -> Play:
    """The workflow asks back: the question is a normal answer, the chat then waits."""
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": []}}
    asks = Frame(
        CHAT_REQUIRES_ACTION,
        {**play.voice.chat.payload(), "status": "requires_action", "required_action": action},
    )
    question = play.voice.said(Answer("Which model do you ride? 您骑的是哪一款？"))
    opening = play.script[: first_delta(play.script)]
    return replace(play, script=[*opening, *question, asks, play.voice.done()])


def quoted_done(play: Play, _arg: float) -> Play:
    return replace(play, script=[*without_done(play), Frame("done", '"[DONE]"')])


def without_done(play: Play) -> Script:
    return [item for item in play.script if not (isinstance(item, Frame) and item.event == "done")]


def no_done(play: Play, _arg: float) -> Play:
    return replace(play, script=without_done(play))


def open_after_done(play: Play, arg: float) -> Play:
    return replace(play, script=[*play.script, Wait(arg)])


def huge_answer(play: Play, arg: float) -> Script:
    """Many deltas of 1 KB."""
    message_id = next(play.voice.ids)
    text = "x" * 1023 + " "
    frame = Frame(DELTA, play.voice.message("answer", text, message_id=message_id))
    return [frame] * int(arg)


def huge_event(play: Play, arg: float) -> Script:
    """One delta of so many KB."""
    content = "x" * (int(arg) * 1024)
    return [Frame(DELTA, play.voice.message("answer", content, message_id=next(play.voice.ids)))]


def endless(play: Play, arg: float) -> Script:
    message = play.voice.message("answer", "on and on ", message_id=next(play.voice.ids))
    return [Repeat(play.framing.encode(Frame(DELTA, message)), 0, arg)]


def separators(play: Play, _arg: float) -> Play:
    text = "one\u2028two\u2029three\u0085four"
    framed = replace(play, framing=replace(play.framing, raw_separators=True))
    at = first_delta(play.script)
    said = play.voice.said(Answer(text))
    return replace(framed, script=[*play.script[:at], *said, *play.script[at:]])


def pings(_play: Play, _arg: float) -> Script:
    return [Frame("PING", "{}"), Frame("conversation.future.event", {"new": True})]


def half_frame(play: Play, _arg: float) -> Play:
    at = middle(play.script) - 1
    frame = play.script[at]
    assert isinstance(frame, Frame)
    return replace(play, script=[*play.script[:at], Half(frame), Cut("end")])
