"""The event stream of a chat as a script of items, and how each becomes bytes.

An honest answer is a list of frames; a fault rewrites the list or the framing (`faults.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from dev.simulator.answers import Answer
from dev.simulator.ledger import Chat

# Coze escapes these three; a reader that splits lines on them would otherwise break a frame.
SEPARATORS = {
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
    "\u0085".encode(): b"\\u0085",
}
DELTA = "conversation.message.delta"
COMPLETED = "conversation.message.completed"
CHAT_CREATED = "conversation.chat.created"
CHAT_IN_PROGRESS = "conversation.chat.in_progress"
CHAT_COMPLETED = "conversation.chat.completed"
CHAT_FAILED = "conversation.chat.failed"
CHAT_REQUIRES_ACTION = "conversation.chat.requires_action"
CHAT_CANCELED = "conversation.chat.canceled"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `data` is an object, or a string that goes out as it is."""

    event: str
    data: dict[str, Any] | str

    @property
    def answers(self) -> bool:
        """Whether it carries a piece of the answer's text."""
        return (
            self.event == DELTA and isinstance(self.data, dict) and bool(self.data.get("content"))
        )


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that follow no framing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Silence."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Half:
    """The first half of a frame."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream ends here: `end` cleanly, `drop` without the last chunk, `reset` by RST."""

    how: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same bytes many times; 0 is until the caller leaves, `gap` seconds apart."""

    data: bytes
    times: int
    gap: float = 0


Item = Frame | Raw | Wait | Half | Cut | Repeat
Script = list[Item]


@dataclass(frozen=True, slots=True)
class Framing:
    """The spelling of a frame; the default is Coze's."""

    eol: bytes = b"\n"
    space: bytes = b" "
    numbered: bool = False
    raw_separators: bool = False
    shred: int = 0  # bytes a send; 0: a frame a send

    def encode(self, frame: Frame, number: int = 0) -> bytes:
        data = (
            frame.data.encode()
            if isinstance(frame.data, str)
            else dump(frame.data, raw_separators=self.raw_separators)
        )
        head = b""
        if self.numbered:
            head = b": sent by a proxy%b" % self.eol + b"id: %d%b" % (number, self.eol)
            head += b"retry: 3000%b" % self.eol
        return head + b"event:%b%b%bdata:%b%b%b%b" % (
            self.space,
            frame.event.encode(),
            self.eol,
            self.space,
            data,
            self.eol,
            self.eol,
        )


def dump(data: dict[str, Any], *, raw_separators: bool = False) -> bytes:
    """One-line JSON, with the Unicode line separators escaped as Coze does."""
    text = orjson.dumps(data)
    if not raw_separators:
        for raw, escaped in SEPARATORS.items():
            text = text.replace(raw, escaped)
    return text


@dataclass(frozen=True, slots=True)
class Voice:
    """Makes the frames of one chat."""

    chat: Chat
    ids: Iterator[str]

    def message(
        self, kind: str, content: str, *, message_id: str, role: str = "assistant"
    ) -> dict[str, Any]:
        return {
            "id": message_id,
            "conversation_id": self.chat.conversation_id,
            "role": role,
            "type": kind,
            "content": content,
            "content_type": "text",
            "chat_id": self.chat.id,
            "section_id": self.chat.section_id,
        }

    def opening(self) -> list[Frame]:
        chat = self.chat.payload()
        return [
            Frame(CHAT_CREATED, {**chat, "status": "created"}),
            Frame(CHAT_IN_PROGRESS, {**chat, "status": "in_progress"}),
        ]

    def said(self, answer: Answer) -> Script:
        """One answer: its deltas and the whole of it again."""
        message_id = next(self.ids)
        deltas = [
            Frame(DELTA, self.message("answer", piece, message_id=message_id))
            for piece in answer.deltas
        ]
        whole = Frame(COMPLETED, self.message("answer", answer.text, message_id=message_id))
        return [*deltas, whole]

    def aside(self, kind: str, content: str, *, role: str = "assistant") -> Frame:
        """A message that is not an answer: verbose, follow_up, tool traffic."""
        message = self.message(kind, content, message_id=next(self.ids), role=role)
        return Frame(COMPLETED, message)

    def closing(self, follow_ups: tuple[str, ...]) -> Script:
        finish = '{"msg_type":"generate_answer_finish","data":"{\\"finish_reason\\":0}"}'
        return [
            self.aside("verbose", finish),
            *(self.aside("follow_up", question) for question in follow_ups),
            self.completed(),
            self.done(),
        ]

    def completed(self) -> Frame:
        counts = {
            "token_count": self.chat.input_count + self.chat.output_count,
            "output_count": self.chat.output_count,
            "input_count": self.chat.input_count,
        }
        chat = {**self.chat.payload(), "status": "completed", "usage": counts}
        return Frame(CHAT_COMPLETED, chat)

    def failed(self, code: int, msg: str) -> Frame:
        """The second shape of a failure: the whole chat object."""
        error = {"code": code, "msg": msg}
        return Frame(CHAT_FAILED, {**self.chat.payload(), "status": "failed", "last_error": error})

    def done(self) -> Frame:
        url = f"https://www.coze.cn/work_flow?execute_id={self.chat.id}&workflow_id=simulator"
        return Frame("done", {"debug_url": url})

    def script(self, answer: Answer) -> Script:
        """The honest answer from its first frame to its last."""
        return [*self.opening(), *self.said(answer), *self.closing(answer.follow_ups)]
