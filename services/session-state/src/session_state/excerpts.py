"""What a letter shows of a conversation: its end to the team, as much as fits to the visitor."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from common.events.mails import Line, MailRequested
from common.events.sessions import MessageAdded

from session_state.journal import Journal
from session_state.session import Session


class _Size(NamedTuple):
    """At most so many messages, characters of each, and characters in all."""

    messages: int
    each: int
    all: int


_TEAM = _Size(messages=10, each=1000, all=10_000)
# one character more than the notifier shows of each, so that it marks what it cuts off
_TRANSCRIPT = _Size(messages=500, each=4001, all=200_000)


async def with_excerpt(
    request: MailRequested, before: Session, said_now: Sequence[MessageAdded], journal: Journal
) -> MailRequested:
    """The request with what was said, this commit's messages included; a transcript holds what
    the visitor may see."""
    is_transcript = request.kind == "transcript"
    size = _TRANSCRIPT if is_transcript else _TEAM
    above = before.visible_from if is_transcript else 0
    said: list[Line] = []
    if before.seq:
        newest = await journal.newest(before.name, limit=size.messages + 1, above=above)
        said = [_line(message, size) for message in newest]
    said += [_line(message.model_dump(), size) for message in said_now]
    lines = _fitting(said, size)
    return request.model_copy(update={"lines": lines, "is_cut": len(lines) < len(said)})


def _line(message: dict[str, Any], size: _Size) -> Line:
    return Line(
        role=message["role"],
        content=message["content"][: size.each],
        timestamp=message["timestamp"],
        name=message.get("agent_name") or "",
    )


def _fitting(lines: list[Line], size: _Size) -> list[Line]:
    """The newest that fit, oldest first; always one."""
    room = size.all
    for count, line in enumerate(reversed(lines)):
        room -= len(line.content)
        if count == size.messages or (room < 0 and count > 0):
            return lines[-count:]
    return lines
