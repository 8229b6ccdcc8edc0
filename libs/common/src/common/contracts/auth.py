"""auth's contract: accounts, tokens, presence, API keys."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from common.contracts.common import Lenient, OpaqueId, PersonName, ShortText, Strict
from common.events.agents import AgentRole, Presence

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{3,64}$")]
AvatarUrl = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https://|/)[^\s]*$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Paths:
    """Internal paths."""

    AGENTS_SEEN = "/internal/agents/seen"
    VERIFY_KEY = "/internal/keys/verify"


class Agent(Lenient):
    """An account as its owner and admins see it."""

    id: str
    username: str
    name: str
    role: AgentRole
    status: Presence
    max_sessions: int
    avatar_url: str | None = None
    created_at: float
    last_login: float | None = None


class Login(Strict):
    username: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Password
    device_id: OpaqueId | None = None


class Refresh(Strict):
    """The workbench's refresh token may come in its cookie instead."""

    refresh_token: Annotated[str, StringConstraints(max_length=2048)] | None = None


class NewAgent(Strict):
    username: Username
    password: Password
    name: PersonName
    role: AgentRole = "agent"
    max_sessions: int = Field(default=5, ge=1, le=100)


class AgentUpdate(Strict):
    name: PersonName | None = None
    role: AgentRole | None = None
    max_sessions: int | None = Field(default=None, ge=1, le=100)


class ProfileUpdate(Strict):
    name: PersonName | None = None
    avatar_url: AvatarUrl | None = None


class ChangePassword(Strict):
    old_password: Password
    new_password: Password


class ResetPassword(Strict):
    new_password: Password | None = None


class StatusUpdate(Strict):
    status: Presence


class AgentsSeen(Strict):
    """Agents with an open stream or an authenticated call since the last report: a heartbeat."""

    agent_ids: list[str] = Field(max_length=5000)


class VerifyKey(Strict):
    key: Annotated[str, StringConstraints(max_length=200)]


class KeyGrant(Lenient):
    """What an API key may do; `valid` false for unknown and revoked ones."""

    valid: bool
    id: str | None = None
    name: ShortText | None = None
    scopes: list[Literal["read", "ops", "write"]] = []


class SessionAnswer(Lenient):
    """Login and refresh; no envelope. `refresh_token` is left out where the call brought it in
    the cookie: the successor is in the cookie then."""

    success: Literal[True] = True
    token: str
    refresh_token: str | None = None
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a scheme's name
    expires_in: int
    permissions: list[str]
    agent: Agent


class AgentPage(Lenient):
    """Active accounts by user name."""

    agents: list[Agent]
    total: int
    limit: int
    offset: int
    has_more: bool


class PresenceAnswer(Lenient):
    status: Presence


class ResetAnswer(Lenient):
    """`password` is there, this once, where none was wished for."""

    password: str | None = None
