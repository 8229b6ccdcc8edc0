"""One open events stream: who reads it, how far it got, and when it ends by itself."""

from dataclasses import dataclass, field
from typing import Literal

from common.security.tokens import AgentClaims

from gateway.frames import HEARTBEAT, control
from gateway.outlet import Outlet

Audience = Literal["va", "a"]
# A visitor who waits or is being served is never closed for silence.
IDLE_STATUSES = frozenset(("bot_active", "after_hours_email", "closed"))


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a stream beats and how long it may be silent."""

    heartbeat_seconds: float
    idle_close_seconds: float


@dataclass(slots=True, eq=False)
class Stream:
    """`agent` is None for a visitor's. `active_at` moves with events and acts of the client."""

    id: str
    outlet: Outlet
    agent: AgentClaims | None
    expires_at: float
    active_at: float
    session: str = ""
    lease: str = ""
    left: bool = False  # the client has gone or was sent away: the wheel lets go of it
    _next_beat: float = field(default=0.0)

    @property
    def is_visitors(self) -> bool:
        return self.agent is None

    def offer_passing(self, chunk: bytes, now: float) -> None:
        self.active_at = now
        self.outlet.offer_passing(chunk)

    def beat(self, now: float, *, pace: Pace, status: str | None) -> float | None:
        """Do what is due; answers when the next is. `status` None: never closed for silence."""
        if self.left or self.outlet.ended is not None:
            return None
        if now >= self.expires_at:
            self.outlet.end(control("reauth"))
            return None
        may_idle = status in IDLE_STATUSES
        idle_at = self.active_at + pace.idle_close_seconds
        if may_idle and now >= idle_at:
            self.outlet.end(control("idle_close"))
            return None
        if now >= self._next_beat:
            if self._next_beat:
                self.outlet.offer_passing(HEARTBEAT)
            self._next_beat = now + pace.heartbeat_seconds
        soonest = min(self._next_beat, self.expires_at)
        return min(soonest, idle_at) if may_idle else soonest
