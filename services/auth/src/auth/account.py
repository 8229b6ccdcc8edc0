"""An agent's account as the store keeps it and as others may see it."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.contracts.auth import Agent
from common.events.agents import AgentCard, AgentRole, Presence

ROLES: tuple[AgentRole, ...] = ("guest", "agent", "supervisor", "admin")
PRESENCES: tuple[Presence, ...] = ("online", "busy", "offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`password` is the bcrypt hash and never leaves the service. `resume` is the presence that
    the next heartbeat brings back: the agent did not choose to be offline."""

    id: str
    username: str
    name: str
    role: AgentRole
    password: str
    created_at: float
    max_sessions: int = 5
    status: Presence = "offline"
    resume: Presence | None = None
    avatar_url: str | None = None
    last_login: float | None = None
    active: bool = True
    version: int = 0

    @property
    def is_admin(self) -> bool:
        return self.active and self.role == "admin"

    @property
    def serves(self) -> bool:
        """Guests only look: they are never present to visitors."""
        return self.role != "guest"

    def card(self) -> AgentCard:
        return AgentCard(
            id=self.id,
            username=self.username,
            name=self.name,
            role=self.role,
            status=self.status,
            max_sessions=self.max_sessions,
        )

    def public(self) -> Agent:
        return Agent(
            **self.card().model_dump(),
            avatar_url=self.avatar_url,
            created_at=self.created_at,
            last_login=self.last_login,
        )

    def fields(self) -> list[str]:
        """Flat hash fields; the script adds `version`, `commit` and `tick`."""
        pairs = {
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "role": self.role,
            "password": self.password,
            "created_at": repr(self.created_at),
            "max_sessions": str(self.max_sessions),
            "status": self.status,
            "resume": self.resume or "",
            "avatar_url": self.avatar_url or "",
            "last_login": "" if self.last_login is None else repr(self.last_login),
            "active": "1" if self.active else "0",
        }
        return [text for pair in pairs.items() for text in pair]


def read_account(stored: Mapping[bytes, bytes]) -> Account | None:
    """The account in a Redis hash; None where there is none."""
    if not stored:
        return None
    text = {key.decode(): value.decode() for key, value in stored.items()}
    return Account(
        id=text["id"],
        username=text["username"],
        name=text["name"],
        role=next(r for r in ROLES if r == text["role"]),
        password=text["password"],
        created_at=float(text["created_at"]),
        max_sessions=int(text["max_sessions"]),
        status=next(p for p in PRESENCES if p == text["status"]),
        resume=next((p for p in PRESENCES if p == text["resume"]), None),
        avatar_url=text["avatar_url"] or None,
        last_login=float(text["last_login"]) if text["last_login"] else None,
        active=text["active"] == "1",
        version=int(text["version"]),
    )
