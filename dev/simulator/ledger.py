"""Conversations, their messages and running chats: who owns what, and what was said.

A conversation may be used only by the identity that created it. With a data file the ledger
survives a restart: each line is one conversation or one message, read back on start.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

HISTORY_LIMIT = 200
KEPT_CONVERSATIONS = 20_000

Status = Literal["created", "in_progress", "completed", "failed", "requires_action", "canceled"]


@dataclass(slots=True)
class Chat:
    """One round: a question and what became of it."""

    id: str
    conversation_id: str
    section_id: str
    created_at: int
    status: Status = "created"
    error_code: int = 0
    error_msg: str = ""
    input_count: int = 0
    output_count: int = 0

    @property
    def running(self) -> bool:
        return self.status in ("created", "in_progress")

    def payload(self) -> dict[str, Any]:
        """The chat object as every endpoint shows it; usage counts only once it is completed."""
        counted = self.status == "completed"
        output = self.output_count if counted else 0
        asked = self.input_count if counted else 0
        return {
            "id": self.id,
            "conversation_id": self.conversation_id,
            "created_at": self.created_at,
            "last_error": {"code": self.error_code, "msg": self.error_msg},
            "status": self.status,
            "usage": {
                "token_count": output + asked,
                "output_count": output,
                "input_count": asked,
            },
            "section_id": self.section_id,
        }


@dataclass(frozen=True, slots=True)
class Said:
    """One stored message."""

    id: str
    role: str
    type: str
    content: str
    chat_id: str
    created_at: int


@dataclass(slots=True)
class Conversation:
    """One conversation of one identity."""

    id: str
    owner: str
    created_at: int
    section_id: str
    name: str = ""
    meta_data: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    chats: dict[str, Chat] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        # The newest chat is the last of the dict; only it can still run.
        return bool(self.chats) and next(reversed(self.chats.values())).running

    def turns(self) -> list[tuple[str, str]]:
        """Questions and answers so far as (role, text), oldest first."""
        return [(s.role, s.content) for s in self.said if s.type in ("question", "answer")]

    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "created_at": self.created_at,
            "updated_at": self.created_at,
            "name": self.name,
            "meta_data": self.meta_data,
            "creator_id": "1000000000000000001",
            "connector_id": "1024",
            "last_section_id": self.section_id,
        }


@dataclass(slots=True)
class Ledger:
    """All conversations of this Coze."""

    ids: Iterator[str]
    data_file: Path | None = None
    conversations: dict[str, Conversation] = field(default_factory=dict)
    # What chats without a conversation_id fall into under the fault `sticky_conversation`.
    implicit: Conversation | None = None

    def open(self, owner: str, *, at: int) -> Conversation:
        """A new conversation that only `owner` may use."""
        conversation = Conversation(
            id=next(self.ids), owner=owner, created_at=at, section_id=next(self.ids)
        )
        self.conversations[conversation.id] = conversation
        self._append(_line(conversation))
        return conversation

    def start_chat(self, conversation: Conversation, *, at: int) -> Chat:
        chat = Chat(
            id=next(self.ids),
            conversation_id=conversation.id,
            section_id=conversation.section_id,
            created_at=at,
        )
        while len(conversation.chats) >= HISTORY_LIMIT:
            del conversation.chats[next(iter(conversation.chats))]
        conversation.chats[chat.id] = chat
        return chat

    def say(
        self, conversation: Conversation, chat_id: str, *, role: str, kind: str, text: str, at: int
    ) -> Said:
        """Appends a message to the history."""
        said = Said(
            id=next(self.ids), role=role, type=kind, content=text, chat_id=chat_id, created_at=at
        )
        conversation.said.append(said)
        if len(conversation.said) > HISTORY_LIMIT:
            del conversation.said[: -HISTORY_LIMIT // 2]
        self._append({"conversation": conversation.id, "said": asdict(said)})
        return said

    def clear(self) -> None:
        """Forgets everything, on disk too."""
        self.conversations.clear()
        self.implicit = None
        if self.data_file is not None:
            self.data_file.unlink(missing_ok=True)

    def load(self) -> None:
        """Reads the data file back and rewrites what is kept; half a last line is dropped."""
        if self.data_file is None or not self.data_file.exists():
            return
        for line in self.data_file.read_bytes().splitlines():
            try:
                self._take(orjson.loads(line))
            except (orjson.JSONDecodeError, KeyError, TypeError):
                continue
        kept = list(self.conversations.items())[-KEPT_CONVERSATIONS:]
        self.conversations = dict(kept)
        self._rewrite(self.data_file)

    def _take(self, entry: dict[str, Any]) -> None:
        if "said" in entry:
            self.conversations[entry["conversation"]].said.append(Said(**entry["said"]))
            return
        self.conversations[entry["id"]] = Conversation(**entry)

    def _rewrite(self, data_file: Path) -> None:
        lines = []
        for conversation in self.conversations.values():
            lines.append(orjson.dumps(_line(conversation)))
            lines.extend(
                orjson.dumps({"conversation": conversation.id, "said": asdict(said)})
                for said in conversation.said[-HISTORY_LIMIT:]
            )
        fresh = data_file.with_suffix(".new")
        fresh.write_bytes(b"".join(line + b"\n" for line in lines))
        fresh.replace(data_file)

    def _append(self, entry: dict[str, Any]) -> None:
        if self.data_file is not None:
            self.data_file.parent.mkdir(parents=True, exist_ok=True)
            with self.data_file.open("ab") as file:
                file.write(orjson.dumps(entry) + b"\n")


def _line(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "owner": conversation.owner,
        "created_at": conversation.created_at,
        "section_id": conversation.section_id,
        "name": conversation.name,
        "meta_data": conversation.meta_data,
    }
