"""What happened to agents; auth publishes these."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from common.events.base import Event

AgentRole = Literal["guest", "agent", "supervisor", "admin"]
Presence = Literal["online", "busy", "offline"]


class AgentCard(BaseModel):
    """What other services know of an agent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    username: str
    name: str
    role: AgentRole
    status: Presence
    max_sessions: int


class AgentStatusChanged(Event):
    """Presence changed, by the agent, by login and logout, or by silence."""

    type: ClassVar[str] = "agent.status_changed"

    agent: AgentCard
    at: float


class AgentChanged(Event):
    """An account was made or its card changed."""

    type: ClassVar[str] = "agent.changed"

    agent: AgentCard
    at: float


class AgentRemoved(Event):
    """An account was deactivated."""

    type: ClassVar[str] = "agent.removed"

    agent_id: str
    at: float


class TokensRevoked(Event):
    """Access tokens of the agent that are no longer good: the one with `jti`, those of login
    family `family`, or, where both are missing, all issued before `not_before` (UTC seconds)."""

    type: ClassVar[str] = "agent.tokens_revoked"

    agent_id: str
    jti: str | None = None
    family: str | None = None
    not_before: float
    reason: str


class AuditRecorded(Event):
    """A security-relevant act."""

    type: ClassVar[str] = "audit.recorded"

    actor: str
    action: str
    target: str
    outcome: Literal["ok", "refused"]
    address: str = ""
    at: float
    details: dict[str, str] = {}
