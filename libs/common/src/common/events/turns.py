"""One AI turn: chat-proxy reports how it went, session-state closes it."""

from typing import ClassVar, Literal

from common.events.base import Event
from common.events.sessions import Status


class TurnAnswered(Event):
    """The AI's whole answer (or, `stopped`, what the visitor let it say)."""

    type: ClassVar[str] = "turn.answered"

    session_name: str
    turn_id: str
    message_id: str
    epoch: int
    content: str
    suggestions: list[str] = []
    stopped: bool = False


class TurnFailed(Event):
    """No answer. `counted`: it is the AI's failure and the regulator counts it."""

    type: ClassVar[str] = "turn.failed"

    session_name: str
    turn_id: str
    epoch: int
    reason: Literal[
        "upstream",
        "timeout",
        "truncated",
        "oversized",
        "empty",
        "content",
        "quota",
        "auth",
        "configuration",
        "input",
        "conversation",
        "circuit_open",
        "drained",
        "cancelled",
    ]
    counted: bool = True


class TurnClosed(Event):
    """session-state's verdict on a turn. `stored`: the answer is in the log; `fenced`: the
    session's epoch had moved on, nothing stored; `failed`: a failure was taken note of;
    `escalated`: as `stored` or `failed`, and an after-rule escalated the session."""

    type: ClassVar[str] = "turn.closed"

    session_name: str
    turn_id: str
    outcome: Literal["stored", "fenced", "failed", "escalated", "lost"]
    status: Status
    reason: str | None = None
    notice: str | None = None
    timestamp: float = 0.0


class TurnStopRequested(Event):
    """The visitor pressed stop: the chat-proxy that runs this session's turn ends it."""

    type: ClassVar[str] = "turn.stop_requested"

    session_name: str
    sid: str
