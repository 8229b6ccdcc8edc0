"""What public endpoints answer, where no other contract holds it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from common.contracts.common import Lenient
from common.contracts.sessions import AuditEntry, Message, SessionState, SessionSummary, UserProfile
from common.events.agents import AgentRole, Presence
from common.events.sessions import Status

# --- core chat: these shapes are frozen ------------------------------------------------------


class ChatAnswer(Lenient):
    """`status` is there when a rule escalated: `message` is then the notice."""

    success: Literal[True]
    message: str
    status: Status | None = None


class ConversationAnswer(Lenient):
    """`message` comes from `clear` only."""

    success: Literal[True]
    conversation_id: str
    message: str | None = None


class BotCard(Lenient):
    name: str
    description: str
    icon_url: str
    welcome: str
    suggested_questions: list[str]


class BotAnswer(Lenient):
    success: Literal[True]
    bot: BotCard


class Stopping(Lenient):
    stopping: Literal[True]


# --- sessions --------------------------------------------------------------------------------


class AgentName(Lenient):
    name: str


class EscalationSeen(Lenient):
    reason: str
    trigger_at: float


class MailSeen(Lenient):
    sent: bool


class VisitorSession(Lenient):
    """A session as its visitor sees it."""

    session_name: str
    status: Status
    conversation_id: str | None
    user_profile: UserProfile
    history: list[Message]
    assigned_agent: AgentName | None
    escalation: EscalationSeen | None
    mail: MailSeen
    created_at: float
    updated_at: float
    version: int
    # `open`: the visitor was asked and has not answered; a page loaded anew asks again
    rating: Literal["none", "open", "given"]


# an agent's view first: it has all fields of the other
Session = SessionState | VisitorSession


class SessionShown(Lenient):
    """Visitors' trails name no operator."""

    session: Session
    audit_trail: list[AuditEntry]


class Escalated(Lenient):
    """No envelope around it but `success`: storefronts read `is_in_shift` beside `data`."""

    success: Literal[True]
    data: Session
    is_in_shift: bool
    email_queued: bool


class Identified(Lenient):
    """`not_taken` names what was said but needs the signature of the shop's server."""

    success: Literal[True]
    data: Session
    not_taken: list[str]


class SessionPage(Lenient):
    sessions: list[SessionSummary]
    total: int
    limit: int
    offset: int
    has_more: bool


class MessagePage(Lenient):
    """Oldest first."""

    messages: list[Message]
    has_more: bool


class Posted(Lenient):
    message_id: str
    timestamp: float


class ReadUpTo(Lenient):
    """`unread` is an agent's."""

    seq: int
    unread: int | None = None


class Rated(Lenient):
    score: int


class Queued(Lenient):
    queued: Literal[True]


class AiQuality(Lenient):
    turns: int
    answers: int
    failures: int
    failure_rate: float
    rating_average: float | None


class AgentEfficiency(Lenient):
    agent_id: str
    agent_name: str
    takeovers: int
    messages: int
    services: int
    avg_service_time: float


class Statistics(Lenient):
    """Times in seconds; `today` is the shop's own day."""

    total_sessions: int
    active_sessions: int
    by_status: dict[str, int]
    avg_waiting_time: float
    max_waiting_time: float
    avg_service_time: float
    active_agents: int
    by_escalation_reason: dict[str, int]
    today: dict[str, Any]
    ai_quality: AiQuality
    agent_efficiency: list[AgentEfficiency]


class AvailableAgent(Lenient):
    id: str
    username: str
    name: str
    role: AgentRole
    status: Presence
    max_sessions: int
    active_sessions: int


class AvailableAgents(Lenient):
    agents: list[AvailableAgent]


class Nothing(Lenient):
    """An empty object."""


# --- the edge --------------------------------------------------------------------------------


class WidgetLimits(Lenient):
    max_message_chars: int
    streams: int
    chats: int


class WidgetConfig(Lenient):
    """`shift` is null where it can't be known now."""

    shop: dict[str, Any]
    features: dict[str, bool]
    limits: WidgetLimits
    languages: list[str]
    shift: dict[str, Any] | None


class Health(Lenient):
    """Its own shape, without the envelope: old monitors read it."""

    status: Literal["healthy", "degraded"]
    coze_connected: bool
    session_isolation: bool
    version: str
    coze: Literal["real", "simulator", "unknown"]


class ServiceHealth(BaseModel):
    state: str
    latency_ms: float | None = None


class DetailedHealth(Lenient):
    services: dict[str, ServiceHealth]
    gateway: dict[str, Any]


# --- frames of `/api/chat/stream` ------------------------------------------------------------


class ChatFrame(Lenient):
    """One `data:` line. Which fields there are goes by `type`; unknown types may be added."""

    type: str = Field(examples=["meta", "message", "suggestions", "status_change", "error", "done"])
    content: str | None = None
    code: str | None = None
    items: list[str] | None = None
    status: Status | None = None
    reason: str | None = None
    timestamp: float | None = None
    session_name: str | None = None
    conversation_id: str | None = None
    turn_id: str | None = None
    message_id: str | None = None
