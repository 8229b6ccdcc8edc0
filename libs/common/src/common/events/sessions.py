"""What happened to sessions; session-state publishes these, all but the first four by commit."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from common.events.base import Event

Status = Literal["bot_active", "pending_manual", "manual_live", "after_hours_email", "closed"]
Role = Literal["user", "assistant", "agent", "system"]


class AgentInfo(BaseModel):
    """Who serves; a visitor is told the name alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str


class MessageAdded(Event):
    """A message entered the session's log. SSE frame `message_added` for user and assistant,
    `manual_message` for agent and system."""

    type: ClassVar[str] = "message.added"
    frame: ClassVar[str | None] = "message_added"

    message_id: str
    role: Role
    content: str
    timestamp: float
    client_message_id: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    turn_id: str | None = None
    suggestions: list[str] | None = None
    stopped: bool | None = None
    # a system notice's stable key (`takeover`, `released`, …), so that clients may word it
    notice: str | None = None

    def frame_name(self) -> str:
        """`message_added` for the visitor's and the AI's words, `manual_message` for people's."""
        return "manual_message" if self.role in ("agent", "system") else "message_added"


class StatusChanged(Event):
    """A transition of the state table."""

    type: ClassVar[str] = "session.status_changed"
    frame: ClassVar[str | None] = "status_change"

    status: Status
    previous: Status
    reason: str
    agent_info: AgentInfo | None = None
    timestamp: float
    version: int


class HistoryCleared(Event):
    """The visitor's visible history starts anew after this entry."""

    type: ClassVar[str] = "session.history_cleared"
    frame: ClassVar[str | None] = "history_cleared"

    timestamp: float


class RatingRequested(Event):
    """A served conversation ended: the visitor may rate it once."""

    type: ClassVar[str] = "session.rating_requested"
    frame: ClassVar[str | None] = "rating_request"

    timestamp: float
    agent_name: str | None = None


class RatingGiven(Event):
    """The visitor rated the served conversation."""

    type: ClassVar[str] = "session.rating_given"
    frame: ClassVar[str | None] = "rating"

    score: int
    comment: str | None = None
    timestamp: float


class SessionClosed(Event):
    """The conversation ended (`closed`, `abandoned`); follows the status change in its commit."""

    type: ClassVar[str] = "session.closed"
    frame: ClassVar[str | None] = "session_closed"

    reason: str
    timestamp: float


class SessionCreated(Event):
    """A session came to be; not in the log."""

    type: ClassVar[str] = "session.created"

    session_name: str
    language: str
    shop: str = ""


class SessionUpdated(Event):
    """Something of the summary changed that is not in the log (profile, read marks, mail)."""

    type: ClassVar[str] = "session.updated"

    what: str


class SessionEscalated(Event):
    """A person was asked for; not in the log (the status change is)."""

    type: ClassVar[str] = "session.escalated"

    session_name: str
    escalation_id: str
    reason: str
    details: str = ""
    severity: Literal["low", "high"] = "low"
    status: Status
    is_in_shift: bool


class SessionExpired(Event):
    """An idle session and all its keys were removed."""

    type: ClassVar[str] = "session.expired"

    session_name: str
