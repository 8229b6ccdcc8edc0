"""The one policy table: every public endpoint, who owns it, who may call it, which limit it spends.

The gateway routes by it, every service authorizes by it, and a route without an entry is refused
by the chassis and fails `tests/house`. `/internal/*` needs the services' own credential and is
never routed from outside; `/health/*` and `/metrics` of the services are not public.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Role = Literal["guest", "agent", "supervisor", "admin"]
RANK: dict[str, int] = {"guest": 0, "agent": 1, "supervisor": 2, "admin": 3}


class Owner(StrEnum):
    GATEWAY = "gateway"
    CHAT_PROXY = "chat-proxy"
    SESSION_STATE = "session-state"
    AUTH = "auth"


class Limit(StrEnum):
    """Which sliding windows a call spends (numbers in flows.md, "Limits and pressure")."""

    NONE = "none"
    CHAT = "chat"
    CONVERSATION = "conversation"
    ESCALATE = "escalate"
    MESSAGE = "message"
    TYPING = "typing"
    LOGIN = "login"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Rule:
    """One endpoint. `anyone`: no credential needed (one that is sent is still checked).
    `visitor`: the visitor of the session named in path or body. `role`: agents of at least it.
    `scope`: an API key with it. `hidden`: to all others it answers 404, not 401 or 403."""

    method: str
    path: str
    owner: Owner
    anyone: bool = False
    visitor: bool = False
    role: Role | None = None
    scope: Literal["read", "ops", "write"] | None = None
    limit: Limit = Limit.OTHER
    hidden: bool = False

    def allows_role(self, role: str) -> bool:
        """Each role includes the rights of the ones before it."""
        return self.role is not None and RANK.get(role, -1) >= RANK[self.role]


_G, _C, _S, _A = Owner.GATEWAY, Owner.CHAT_PROXY, Owner.SESSION_STATE, Owner.AUTH

# fmt: off
RULES: tuple[Rule, ...] = (
    # core chat
    Rule("POST", "/api/chat", _C, anyone=True, visitor=True, limit=Limit.CHAT),
    Rule("POST", "/api/chat/stream", _C, anyone=True, visitor=True, limit=Limit.CHAT),
    Rule("POST", "/api/conversation/new", _C, anyone=True, visitor=True, limit=Limit.CONVERSATION),
    Rule("POST", "/api/conversation/create", _C, anyone=True, visitor=True, limit=Limit.CONVERSATION),
    Rule("POST", "/api/conversation/clear", _C, anyone=True, visitor=True, limit=Limit.CONVERSATION),
    Rule("POST", "/api/sessions/{name}/stop", _C, visitor=True),
    Rule("GET", "/api/bot/info", _C, anyone=True),
    # human takeover
    Rule("POST", "/api/manual/escalate", _S, visitor=True, role="agent", limit=Limit.ESCALATE),
    Rule("POST", "/api/manual/cancel", _S, visitor=True),
    Rule("POST", "/api/manual/messages", _S, visitor=True, role="agent", limit=Limit.MESSAGE),
    Rule("GET", "/api/sessions", _S, role="guest", scope="read"),
    Rule("GET", "/api/sessions/stats", _S, role="guest", scope="read"),
    Rule("GET", "/api/sessions/{name}", _S, visitor=True, role="agent"),
    Rule("GET", "/api/sessions/{name}/messages", _S, visitor=True, role="agent"),
    Rule("POST", "/api/sessions/{name}/takeover", _S, role="agent"),
    Rule("POST", "/api/sessions/{name}/transfer", _S, role="agent"),
    Rule("POST", "/api/sessions/{name}/release", _S, role="agent"),
    Rule("POST", "/api/sessions/{name}/requeue", _S, role="agent"),
    Rule("POST", "/api/sessions/{name}/close", _S, role="agent"),
    Rule("POST", "/api/sessions/{name}/block", _S, role="agent"),
    Rule("POST", "/api/sessions/{name}/typing", _S, visitor=True, role="agent", limit=Limit.TYPING),
    Rule("POST", "/api/sessions/{name}/read", _S, visitor=True, role="agent"),
    Rule("POST", "/api/sessions/{name}/rating", _S, visitor=True),
    Rule("POST", "/api/sessions/{name}/identify", _S, visitor=True),
    Rule("POST", "/api/sessions/{name}/transcript", _S, visitor=True, limit=Limit.ESCALATE),
    Rule("GET", "/api/agents/available", _S, role="agent"),
    Rule("GET", "/api/shift/config", _S, role="guest"),
    Rule("PUT", "/api/shift/config", _S, role="admin"),
    Rule("GET", "/api/shift/status", _S, anyone=True),
    # events
    Rule("GET", "/api/sessions/{name}/events", _G, visitor=True, role="agent"),
    Rule("GET", "/api/agent/events", _G, role="agent"),
    # agents
    Rule("POST", "/api/agent/login", _A, anyone=True, limit=Limit.LOGIN),
    Rule("POST", "/api/agent/refresh", _A, anyone=True, limit=Limit.OTHER),
    Rule("POST", "/api/agent/logout", _A, role="guest"),
    Rule("GET", "/api/agent/profile", _A, role="guest"),
    Rule("PUT", "/api/agent/profile", _A, role="guest"),
    Rule("POST", "/api/agent/change-password", _A, role="guest", limit=Limit.LOGIN),
    Rule("PUT", "/api/agent/status", _A, role="agent"),
    Rule("POST", "/api/agent/status/heartbeat", _A, role="agent"),
    Rule("GET", "/api/agents", _A, role="admin"),
    Rule("POST", "/api/agents", _A, role="admin"),
    Rule("PUT", "/api/agents/{username}", _A, role="admin"),
    Rule("DELETE", "/api/agents/{username}", _A, role="admin"),
    Rule("POST", "/api/agents/{username}/reset-password", _A, role="admin"),
    # others
    Rule("GET", "/api/config", _G, anyone=True),
    Rule("GET", "/api/health", _G, anyone=True, limit=Limit.NONE),
    Rule("GET", "/api/health/detailed", _G, role="admin", scope="ops", hidden=True),
    Rule("GET", "/api/metrics", _G, role="admin", scope="ops", hidden=True),
    Rule("GET", "/api/docs", _G, anyone=True, limit=Limit.NONE),
    Rule("GET", "/api/openapi.json", _G, anyone=True, limit=Limit.NONE),
)
# fmt: on


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$")


class Table:
    """The rules, indexed: exact paths by dict, the others in order of the table."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self._exact = {(r.method, r.path): r for r in rules if "{" not in r.path}
        self._patterns = [(r, _pattern(r.path)) for r in rules if "{" in r.path]
        self._paths = {r.path for r in rules if "{" not in r.path}

    def match(self, method: str, path: str) -> tuple[Rule, dict[str, str]] | None:
        """The rule of a request and its path parameters, or None."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, {}
        for rule, pattern in self._patterns:
            found = pattern.match(path) if rule.method == method else None
            if found is not None and path not in self._paths:
                return rule, found.groupdict()
        return None

    def methods(self, path: str) -> list[str]:
        """Methods the path knows: empty means 404, else 405 with `Allow`."""
        if path in self._paths:
            return sorted(m for m, p in self._exact if p == path)
        return sorted({r.method for r, pattern in self._patterns if pattern.match(path)})
