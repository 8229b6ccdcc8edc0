"""What a decision is made in and what it carries to the commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from common.events.base import Event
from common.events.sessions import (
    Status,
)

from session_state.commands import Actor
from session_state.session import Session

Audience = Literal["va", "a"]

# timers; the member in the due zset is `<kind>:<name>`
LEASE, WAIT, SHIFT_END, ABANDON, OPENING, EXPIRE = (
    "lease",
    "wait",
    "shift",
    "abandon",
    "open",
    "expire",
)
SESSION_TIMERS = (LEASE, WAIT, SHIFT_END, ABANDON, OPENING, EXPIRE)

# api.md "States" as pairs; which command moves along which is the machine's business
TRANSITIONS: frozenset[tuple[Status, Status]] = frozenset(
    {
        ("bot_active", "pending_manual"),
        ("bot_active", "after_hours_email"),
        ("pending_manual", "manual_live"),
        ("pending_manual", "bot_active"),
        ("pending_manual", "after_hours_email"),
        ("pending_manual", "closed"),
        ("manual_live", "bot_active"),
        ("manual_live", "manual_live"),
        ("manual_live", "pending_manual"),
        ("manual_live", "closed"),
        ("after_hours_email", "manual_live"),
        ("after_hours_email", "pending_manual"),
        ("after_hours_email", "bot_active"),
        ("closed", "bot_active"),
        # escalate reopens and escalates in one step
        ("closed", "pending_manual"),
        ("closed", "after_hours_email"),
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the settings that decisions need, in seconds where they are times."""

    lease_seconds: float = 15.0
    wait_timeout_seconds: float = 600.0
    abandon_seconds: float = 900.0
    expire_seconds: float = 86_400.0
    expire_short_seconds: float = 3_600.0
    block_seconds: float = 86_400.0
    fail_threshold: int = 3

    def expires_at(self, session: Session) -> float:
        """When a session that nobody touches any more goes; a visitor who wrote once or never
        goes sooner."""
        short = session.user_messages <= 1
        idle = self.expire_short_seconds if short else self.expire_seconds
        return session.updated_at + idle


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner set for all sessions."""

    limits: Limits
    ai_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Context:
    """The world at the moment of a decision: time, ids and the shift come in from outside.
    `anybody` tells whether an agent is online; only commands that may call for one need it."""

    now: float
    new_id: Callable[[], str]
    day: str = "1970-01-01"  # the shop's own, for counters
    in_shift: bool = True
    shift_ends_at: float | None = None
    next_open_at: float | None = None
    anybody: bool = True
    ai_enabled: bool = True
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the session's log, which goes over the bus with the same bytes."""

    event: Event
    frame: str
    audience: Audience = "va"
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the audit trail."""

    before: Status
    after: Status
    operator: str | None
    reason: str
    note: str  # an agent's own words; visitors never see it
    at: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What one commit writes. `changed` is false for an answer that needs none."""

    session: Session
    entries: Sequence[Logged] = ()
    events: Sequence[Event] = ()
    timers: dict[str, float] = field(default_factory=dict)
    disarmed: Sequence[str] = ()
    steps: Sequence[Step] = ()
    ids: dict[str, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    gains: Actor | None = None
    loses: str | None = None
    by_visitor: bool = False
    result: dict[str, Any] = field(default_factory=dict)
    changed: bool = True


def unchanged(
    session: Session, *, timers: dict[str, float] | None = None, **result: Any
) -> Decision:
    """The answer of a command that finds its wish fulfilled, or its time not come: nothing is
    written but, for a timer that came early, when it should come again."""
    return Decision(session=session, timers=timers or {}, changed=False, result=result)
