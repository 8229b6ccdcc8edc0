"""Every way in which Coze, or the net before it, can fail: one table, one entry a fault.

A fault is asked for by `[[sim:NAME]]` or `[[sim:NAME=ARG]]` in the message (several compose), or is
armed by `POST /sim/faults`. Four kinds:

- `door`: takes the place of the whole answer, at any endpoint (`doors.py` plays it);
- `token`: bends the token that is issued;
- `script`: rewrites the honest event stream of a chat, or how it is framed (`rewrites.py`);
- `chat`: changes what the chat endpoint itself does.

A number is a door too: three digits are an HTTP status, more are a Coze code in an HTTP 200 body
(`503` or `http_503`, `4016` or `code_4016`).
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from dev.simulator import rewrites as be
from dev.simulator.stream import Cut

CALL = re.compile(r"\[\[sim:([^\]=]+)(?:=([^\]]*))?\]\]")
NUMBERED = re.compile(r"(?:http|code)_(\d{3,9})")
Kind = Literal["door", "token", "script", "chat"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the table; `arg` is what NAME=ARG means and what it is when left out."""

    kind: Kind
    about: str
    arg: float = 0
    rewrite: be.Rewrite | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """A fault as somebody asked for it."""

    name: str
    arg: float | None = None

    def value(self) -> float:
        return FAULTS[self.name].arg if self.arg is None else self.arg


class UnknownFaultError(Exception):
    """No fault has this name."""


def parse(name: str, arg: str | float | None = None) -> Called:
    """A fault by its name: `503`, `http_503` and `http=503` are the same.

    Raises UnknownFaultError, also for an argument that is no number.
    """
    if match := NUMBERED.fullmatch(name):
        name = match[1]
    try:
        value = None if arg is None else float(arg)
    except ValueError as error:
        raise UnknownFaultError(f"{name}={arg}") from error
    if name.isdigit() and 100 <= int(name) < 10**9:
        return Called("http" if int(name) < 1000 else "code", float(name))
    if name not in FAULTS:
        raise UnknownFaultError(name)
    return Called(name, value)


def called_in(text: str) -> list[Called]:
    """The faults a message asks for. Raises UnknownFaultError."""
    return [parse(match[1], match[2]) for match in CALL.finditer(text)] if "[[sim:" in text else []


def without_calls(text: str) -> str:
    """The message as the assistant should read it."""
    return CALL.sub("", text).strip()


@dataclass(slots=True)
class Armed:
    """A fault that waits for its next calls; `times` None is for ever."""

    called: Called
    at: str
    session: str | None
    times: int | None


@dataclass(slots=True)
class Armoury:
    """The faults armed by `POST /sim/faults`, taken in the order they were armed."""

    armed: list[Armed] = field(default_factory=list)

    def take(self, at: str, session: str) -> list[Called]:
        """The faults that this call meets; each is used up by one."""
        met = [
            fault
            for fault in self.armed
            if fault.at in (at, "any") and fault.session in (None, session)
        ]
        for fault in met:
            if fault.times is not None:
                fault.times -= 1
        self.armed = [fault for fault in self.armed if fault.times != 0]
        return [fault.called for fault in met]


FIRST = be.first_delta
MIDDLE = be.middle


def script(about: str, arg: float, rewrite: be.Rewrite) -> Fault:
    """A fault of the stream."""
    return Fault("script", about, arg, rewrite)


FAULTS: dict[str, Fault] = {
    # --- doors: nothing of the honest answer is left
    "refuse": Fault("door", "TCP reset before a byte is answered"),
    "hang": Fault("door", "accepts, then never a byte; ARG seconds", 3600),
    "slow_headers": Fault("door", "the honest answer, but its head comes ARG seconds late", 5),
    "half_head": Fault("door", "the connection ends inside the HTTP head"),
    "garbage_http": Fault("door", "bytes that are not HTTP"),
    "http": Fault("door", "HTTP status ARG with a JSON body; also as [[sim:503]]", 500),
    "code": Fault("door", "HTTP 200 with JSON {code: ARG}; also as [[sim:4016]]", 4000),
    "html": Fault("door", "HTTP 502 with an HTML page, as a proxy sends it", 502),
    "wrong_type": Fault("door", "HTTP 200 with text/html"),
    "empty_body": Fault("door", "HTTP 200, the right content type, no byte"),
    "garbage": Fault("door", "HTTP 200 event stream of random bytes"),
    "comments_only": Fault("door", "an event stream of comments for ever, ARG seconds apart", 0.05),
    "long_line": Fault("door", "one data line of ARG MB without an end", 150),
    "gzip_bomb": Fault("door", "ARG MB of zeros as a small gzip body", 512),
    "token_expired": Fault("door", "the session's tokens die now: 401, code 700012006"),
    # --- the token
    "token_short": Fault("token", "the token dies after ARG seconds though it promises more", 1),
    "expires_relative": Fault("token", "expires_in is a number of seconds, not an instant"),
    # --- the stream
    "slow_first_token": script(
        "ARG seconds of silence before the first delta",
        5,
        be.insert(FIRST, be.silence),
    ),
    "slow_body": script("the head at once, then ARG seconds of silence", 5, be.slow_body),
    "slow_drip": script("ARG seconds between pieces", 0.2, be.drip),
    "hang_mid": script("ARG deltas, then silence with the line open", 3, be.hang_after),
    "error_event": script(
        "`error` event with code ARG before a delta",
        5000,
        be.fail(FIRST, be.error_event),
    ),
    "error_event_late": script(
        "`error` event with code ARG mid-answer", 5000, be.fail(MIDDLE, be.error_event)
    ),
    "error_int": script(
        "`error` event whose code is a number",
        5000,
        be.fail(FIRST, be.error_int),
    ),
    "error_text": script(
        "`error` event of plain text",
        0,
        be.fail(FIRST, be.error_text),
    ),
    "error_text_late": script(
        "`error` event of plain text mid-answer",
        0,
        be.fail(MIDDLE, be.error_text),
    ),
    "failed_code": script("chat.failed as {code, msg}", 720702204, be.fail(FIRST, be.failed_code)),
    "failed_code_late": script(
        "chat.failed as {code, msg} mid-answer",
        720702204,
        be.fail(MIDDLE, be.failed_code),
    ),
    "failed_chat": script("chat.failed as a chat object", 5000, be.fail(FIRST, be.failed_chat)),
    "failed_chat_late": script(
        "chat.failed as a chat object mid-answer",
        5000,
        be.fail(MIDDLE, be.failed_chat),
    ),
    "json_in_stream": script(
        "a bare JSON error inside the stream", 5000, be.fail(FIRST, be.bare_json)
    ),
    "requires_action": script("the workflow asks back", 0, be.requires_action),
    "truncated": script("EOF mid-answer, no ending event", 0, be.break_off(MIDDLE, Cut("end"))),
    "truncated_first": script("EOF before a delta", 0, be.break_off(FIRST, Cut("end"))),
    "half_frame": script("EOF inside a frame", 0, be.half_frame),
    "disconnect": script(
        "closed mid-answer without the last HTTP chunk",
        0,
        be.break_off(MIDDLE, Cut("drop")),
    ),
    "reset": script("TCP reset mid-answer", 0, be.break_off(MIDDLE, Cut("reset"))),
    "reset_first": script("TCP reset before a delta", 0, be.break_off(FIRST, Cut("reset"))),
    "broken_json": script(
        "a frame whose data is not JSON",
        0,
        be.insert(MIDDLE, be.broken_json),
    ),
    "invalid_utf8": script(
        "a frame that is not UTF-8",
        0,
        be.insert(
            MIDDLE,
            be.invalid_utf8,
        ),
    ),
    "huge_event": script("one delta of ARG KB", 2048, be.insert(FIRST, be.huge_event)),
    "huge_answer": script("ARG KB in deltas of 1 KB", 256, be.insert(FIRST, be.huge_answer)),
    "endless": script("deltas for ever, ARG seconds apart", 0.01, be.insert(FIRST, be.endless)),
    "empty": script("a whole turn with an empty answer", 0, be.empty),
    "only_completed": script("no delta, the text only in `completed`", 0, be.only_completed),
    "mismatch": script("a delta is missing that `completed` has", 0, be.mismatch),
    # --- legal, though seldom met
    "reasoning": script("reasoning_content before the answer", 0, be.insert(FIRST, be.reasoning)),
    "several_answers": script(
        "two answers one after the other",
        0,
        be.insert(FIRST, be.said_first),
    ),
    "tools": script("tool traffic that nobody may see", 0, be.insert(FIRST, be.tools)),
    "ping": script("events nobody knows", 0, be.insert(FIRST, be.pings)),
    "separators": script("raw U+2028, U+2029, U+0085 in the text", 0, be.separators),
    "crlf": script("CRLF line ends", 0, be.frame_as(eol=b"\r\n")),
    "no_space": script("`event:NAME` without the blank", 0, be.frame_as(space=b"")),
    "numbered": script(
        "id:, retry: and comment lines in each frame", 0, be.frame_as(numbered=True)
    ),
    "split_utf8": script("every byte is a send of its own", 0, be.frame_as(shred=1)),
    "done_quoted": script('data:"[DONE]"', 0, be.quoted_done),
    "no_done": script("EOF right after chat.completed", 0, be.no_done),
    "open_after_done": script("open for ARG seconds after done", 30, be.open_after_done),
    # --- who talks to whom
    "overlap": Fault("chat", "4016 as if another turn ran"),
    "sticky_conversation": Fault(
        "chat", "without conversation_id all sessions share one conversation"
    ),
    "bench": Fault("chat", "SIM_BENCH_CHUNKS deltas SIM_BENCH_GAP_MS apart, then the end"),
}
