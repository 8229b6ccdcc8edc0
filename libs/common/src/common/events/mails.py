"""Mail: session-state asks for one, the notifier says how it went."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from common.events.base import Event


class Line(BaseModel):
    """One message of the excerpt a letter shows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: Literal["user", "assistant", "agent", "system"]
    content: str
    timestamp: float
    name: str = ""  # the agent's


class MailRequested(Event):
    """People who are not looking should know. One letter per (escalation_id, kind, number):
    `number` is 0 for the letter of an escalation and counts its follow-ups."""

    type: ClassVar[str] = "mail.requested"

    session_name: str
    escalation_id: str
    kind: Literal["escalation", "follow_up", "transcript"] = "escalation"
    cause: Literal[
        "after_hours",
        "nobody_online",
        "waiting_too_long",
        "shift_ended",
        "safety",
        "follow_up",
        "transcript",
    ]
    number: int = 0
    at: float
    reason: str = ""
    details: str = ""
    severity: Literal["low", "high"] = "low"
    language: str = "en"
    nickname: str = ""
    vip: bool = False
    message: str | None = None
    email: str | None = None  # unverified; Reply-To of team letters, recipient of a transcript
    lines: list[Line] = []
    is_cut: bool = False  # more was said before the first line
    timezone: str = ""  # the visitor's, for a transcript


class MailSent(Event):
    """The letter was accepted by the mail server."""

    type: ClassVar[str] = "mail.sent"

    session_name: str
    escalation_id: str
    kind: Literal["escalation", "follow_up", "transcript"] = "escalation"
    message_id: str
    email_to: list[str]
    sent_at: float


class MailFailed(Event):
    """The letter could not be sent after all retries, or is refused for good."""

    type: ClassVar[str] = "mail.failed"

    session_name: str
    escalation_id: str
    kind: Literal["escalation", "follow_up", "transcript"] = "escalation"
    message_id: str
    error: str
    at: float
