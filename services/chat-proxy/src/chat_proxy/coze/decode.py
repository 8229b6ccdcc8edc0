"""Turns the bytes of a Coze answer stream into a few facts, whatever the spelling or the split.

    bytes ── \\n, \\r\\n ──▶ lines ── blank line ──▶ events ── JSON ──▶ items

    items:  Started? (Delta | FollowUp)* (Finished | Broken)      exactly one end, always last

Lines are cut on bytes and parsed only when whole, so a chunk may end inside a character.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from chat_proxy.coze.faults import Fault, FaultKind, code_of, fault_of


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes; a stream that passes one is a failure, not a long answer."""

    line: int = 256 * 1024
    event: int = 1024 * 1024
    answer: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Started:
    """Coze opened the chat: from here on it can be cancelled by id."""

    chat_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question the visitor may want to ask next."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole. `requires_action`: it is a question back."""

    requires_action: bool
    tokens: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The answer failed; what came before is not a whole answer."""

    fault: Fault


Item = Started | Delta | FollowUp | Finished | Broken

# A whole delta as it nearly always comes. What differs in any way goes line by line, to the same
# end; seven calls less for each of a turn's deltas were a fifth of its decoding.
_PLAIN_DELTA = re.compile(
    rb"event: ?conversation\.message\.delta\r?\ndata: ?(\{[^\r\n]*\})\r?\n\r?\n"
)
_BOM = b"\xef\xbb\xbf"
_DELTA = b"conversation.message.delta"
_BETWEEN_ANSWERS = "\n\n"
_MAX_FOLLOW_UPS = 3
_MAX_FOLLOW_UP_CHARS = 300
_MAX_ID_CHARS = 64


class StreamDecoder:
    """Feed it chunks, then `close` it at the end of the body; it never raises.

    `events` rises with every event of any kind, so that the reader can tell a silent stream from
    one that only sends comments. `ended` is set by the last item, `done` when reading may stop.
    """

    def __init__(self, limits: Limits) -> None:
        self.events = 0
        self.ended = False
        self.done = False
        self.differing_answers = 0
        self._limits = limits
        self._plain_bytes = min(limits.line, limits.event)
        self._tail = bytearray()
        self._fresh = True
        self._name = b""
        self._data: list[bytes] = []
        self._event_size = 0
        self._answers: dict[str, list[str]] = {}
        self._answer_size = 0
        self._follow_ups = 0
        self._started = False
        self._items: list[Item] = []

    @property
    def spoken(self) -> bool:
        """Did any text of an answer come?"""
        return bool(self._answers)

    def feed(self, chunk: bytes) -> list[Item]:
        """The items that this chunk completes."""
        if self.done:
            return []
        is_between_events = not (self._tail or self._event_size or self._fresh)
        if is_between_events and len(chunk) <= self._plain_bytes:
            chunk = self._plain_deltas(chunk)
        if chunk and not self.done:
            self._lines(chunk)
        items, self._items = self._items, []
        return items

    def _plain_deltas(self, chunk: bytes) -> bytes:
        """Takes whole deltas off the front; the rest is for the lines."""
        place = 0
        while not self.done and (found := _PLAIN_DELTA.match(chunk, place)):
            place = found.end()
            self.events += 1
            if not self.ended:
                self._event(_DELTA, found[1])
        return chunk[place:] if place else chunk

    def _lines(self, chunk: bytes) -> None:
        newline = chunk.rfind(b"\n")
        if newline < 0:
            self._tail += chunk
        else:
            block = bytes(self._tail) + chunk[:newline] if self._tail else chunk[:newline]
            self._tail = bytearray(chunk[newline + 1 :])
            for line in block.split(b"\n"):
                self._line(line)
                if self.done:
                    break
        if len(self._tail) > self._limits.line:
            self._tail.clear()
            self._break(FaultKind.OVERSIZED, "line")

    def close(self) -> list[Item]:
        """The body is over: without an end before it, the answer was cut."""
        if not self.ended and self._tail.lstrip().startswith(b"{"):
            self._bare_object(bytes(self._tail))
        if not self.ended:
            self._break(FaultKind.TRUNCATED, "end of body")
        self.done = True
        items, self._items = self._items, []
        return items

    def _end(self, item: Finished | Broken) -> None:
        if not self.ended:
            self.ended = True
            self._items.append(item)

    def _break(self, kind: FaultKind, detail: str) -> None:
        self._end(Broken(Fault(kind, detail=detail)))
        self.done = True

    # --- lines -------------------------------------------------------------------------------

    def _line(self, line: bytes) -> None:
        if len(line) > self._limits.line:
            return self._break(FaultKind.OVERSIZED, "line")
        if self._fresh:
            self._fresh = False
            line = line.removeprefix(_BOM)
        line = line.removesuffix(b"\r")
        if not line:
            return self._dispatch()
        self._event_size += len(line)
        if self._event_size > self._limits.event:
            return self._break(FaultKind.OVERSIZED, "event")
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()
        elif line.startswith(b"{"):
            self._bare_object(line)
        return None

    def _bare_object(self, line: bytes) -> None:
        """A JSON error body that was put into an event stream as it is."""
        body = _object(line)
        if body is None:
            self._break(FaultKind.GARBAGE, "bare object")
        elif body.get("code") not in (None, 0, "0"):
            self._end(Broken(fault_of(body)))

    # --- events ------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        name, parts = self._name, self._data
        self._name, self._data, self._event_size = b"", [], 0
        if not name and not parts:
            return
        self.events += 1
        data = parts[0] if len(parts) == 1 else b"\n".join(parts)
        if name == b"done" or data.strip() in (b"[DONE]", b'"[DONE]"'):
            self._break(FaultKind.TRUNCATED, "done without an end")
        elif not self.ended:
            self._event(name, data)

    def _event(self, name: bytes, data: bytes) -> None:
        if name == _DELTA:
            body = _object(data)
            if body is None:
                return self._break(FaultKind.GARBAGE, name.decode())
            return self._delta(body)
        if name == b"error":
            body = _object(data)
            text = data[:300].decode(errors="replace")
            return self._end(
                Broken(fault_of(body) if body else Fault(FaultKind.SERVER, detail=text))
            )
        if name and not name.startswith((b"conversation.message.", b"conversation.chat.")):
            return None
        body = _object(data)
        if body is None:
            return self._break(FaultKind.GARBAGE, name.decode(errors="replace")[:64])
        if name == b"conversation.message.completed":
            self._message_completed(body)
        elif name.startswith(b"conversation.chat."):
            self._chat(name.removeprefix(b"conversation.chat."), body)
        elif not name and body.get("code") not in (None, 0, "0"):
            self._end(Broken(fault_of(body)))
        return None

    def _delta(self, body: dict[str, Any]) -> None:
        content = body.get("content")
        if content and isinstance(content, str) and _is_answer(body):
            self._text(_id(body), content)

    def _message_completed(self, body: dict[str, Any]) -> None:
        """Carries the whole text again: a check, and the text only where no delta brought it."""
        content = body.get("content")
        if not isinstance(content, str) or not content:
            return
        if body.get("type") == "follow_up":
            self._follow_up(content)
        elif _is_answer(body):
            shown = "".join(self._answers.get(_id(body), ()))
            if content.startswith(shown):
                self._text(_id(body), content[len(shown) :])
            elif len(content.strip()) > len(shown.strip()):
                # A piece in the middle never came: what was shown has a hole.
                self._break(FaultKind.TRUNCATED, "deltas are missing")
            elif content.strip() != shown.strip():
                self.differing_answers += 1

    def _follow_up(self, content: str) -> None:
        text = content.strip()
        if text and len(text) <= _MAX_FOLLOW_UP_CHARS and self._follow_ups < _MAX_FOLLOW_UPS:
            self._follow_ups += 1
            self._items.append(FollowUp(text))

    def _text(self, answer_id: str, text: str) -> None:
        if not text:
            return None
        parts = self._answers.get(answer_id)
        shown = text
        if parts is None:
            shown = _BETWEEN_ANSWERS + text if self._answers else text
            parts = self._answers[answer_id] = []
        parts.append(text)
        self._answer_size += len(shown.encode())
        if self._answer_size > self._limits.answer:
            return self._break(FaultKind.OVERSIZED, "answer")
        self._items.append(Delta(shown))
        return None

    def _chat(self, step: bytes, body: dict[str, Any]) -> None:
        opening = step in (b"created", b"in_progress") and not self._started
        if opening and isinstance(body.get("id"), str):
            self._started = True
            conversation = body.get("conversation_id")
            known = conversation if isinstance(conversation, str) else ""
            self._items.append(Started(body["id"][:_MAX_ID_CHARS], known[:_MAX_ID_CHARS]))
        if step == b"failed" or body.get("status") == "failed":
            self._end(Broken(_chat_fault(body)))
        elif step in (b"completed", b"requires_action"):
            self._whole(step == b"requires_action", body.get("usage"))

    def _whole(self, requires_action: bool, usage: object) -> None:
        if not self._answers:
            return self._end(Broken(Fault(FaultKind.EMPTY, detail="no text in the answer")))
        tokens = code_of(usage.get("token_count")) if isinstance(usage, dict) else None
        self._end(Finished(requires_action, tokens or 0))
        return None


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _is_answer(body: dict[str, Any]) -> bool:
    return body.get("type") == "answer" and body.get("role") == "assistant"


def _id(body: dict[str, Any]) -> str:
    value = body.get("id")
    return value[:_MAX_ID_CHARS] if isinstance(value, str) else ""


def _chat_fault(body: dict[str, Any]) -> Fault:
    """Two shapes: the error itself, or a chat object with `last_error` in it."""
    last = body.get("last_error")
    return fault_of(last if isinstance(last, dict) and code_of(last.get("code")) else body)
