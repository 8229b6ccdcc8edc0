"""What can be asked of a session: one frozen value each, imperative, with all that it needs."""

from dataclasses import dataclass, field
from typing import Any, Literal

from session_state.session import Profile

# what only the shop's server may say of a visitor: agents and limits rely on it
SIGNED_FIELDS = frozenset({"vip", "email", "customer_id"})


@dataclass(frozen=True, slots=True)
class Actor:
    """The agent who asks; `max_sessions` and `role` are those of now, not of the login."""

    id: str
    name: str
    role: Literal["guest", "agent", "supervisor", "admin"] = "agent"
    max_sessions: int = 5

    @property
    def leads(self) -> bool:
        """Supervisors and admins may act on sessions that others hold."""
        return self.role in ("supervisor", "admin")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the regulator that matched."""

    reason: Literal["keyword", "fail_loop", "sentiment", "vip", "manual"]
    details: str = ""
    severity: Literal["low", "high"] = "low"


@dataclass(frozen=True, slots=True)
class Birth:
    """What a session is made with when the command finds none."""

    name: str
    sid: str
    profile: Profile = field(default_factory=Profile)
    shop: str = ""


# --- turns -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Ask:
    """Open a turn. `question_id` is set when a failed question is asked again: it is in the log
    already."""

    content: str
    client_message_id: str | None = None
    language: str | None = None
    rule: Rule | None = None
    question_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The AI's answer. `failure`: its words are a failure phrase."""

    turn_id: str
    message_id: str
    epoch: int
    content: str
    suggestions: tuple[str, ...] = ()
    stopped: bool = False
    failure: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """The AI gave no answer; `lost` when its lease ran out."""

    turn_id: str
    epoch: int
    reason: str
    counted: bool = True
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Bind:
    """Set-if-absent of the conversation made for a running turn; one that Coze refuses
    (`instead_of`) counts as absent."""

    turn_id: str
    epoch: int
    conversation_id: str
    instead_of: str | None = None


@dataclass(frozen=True, slots=True)
class Renew:
    """A new conversation; `clear` also hides what was said from the visitor."""

    conversation_id: str
    clear: bool = False


# --- people ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Escalate:
    """A person is asked for, by the visitor or (`actor`) an agent."""

    details: str = ""
    message: str | None = None
    email: str | None = None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The visitor stops waiting."""


@dataclass(frozen=True, slots=True)
class Say:
    """A message by hand, of the visitor or (`actor`) an agent."""

    content: str
    client_message_id: str | None = None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Takeover:
    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """`to` is looked up before; `online` tells whether it may be given work."""

    actor: Actor
    to: Actor
    online: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Requeue:
    """Back to the queue, by an agent or, with no `actor`, because `absent` went offline."""

    actor: Actor | None = None
    absent: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class MarkRead:
    """`unread` is what the log says stands after `seq`, counted at `counted_at` (a seq)."""

    seq: int
    by_agent: bool
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    score: int
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Identify:
    """`trusted` when the shop's signature was good."""

    changes: dict[str, Any]
    trusted: bool

    @property
    def taken(self) -> dict[str, Any]:
        """What counts; what only the shop may say needs its signature."""
        return {k: v for k, v in self.changes.items() if self.trusted or k not in SIGNED_FIELDS}

    @property
    def not_taken(self) -> list[str]:
        return sorted(self.changes.keys() - self.taken.keys())


@dataclass(frozen=True, slots=True)
class SendTranscript:
    """Told in the visitor's language and clock where they are named, else in the session's."""

    email: str
    language: str | None = None
    timezone: str = ""


# --- time ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class WaitTooLong:
    """Nobody came in WAIT_TIMEOUT_SECONDS."""


@dataclass(frozen=True, slots=True)
class EndShift:
    """The shift ended while the session waits."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """The visitor has been gone since `last_seen`."""

    last_seen: float


@dataclass(frozen=True, slots=True)
class Reopen:
    """Opening time."""


# --- mail ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class RecordMail:
    """The notifier's report on the letters of an escalation."""

    escalation_id: str
    kind: str
    message_id: str
    at: float
    email_to: tuple[str, ...] = ()
    error: str | None = None


Command = (
    Ask
    | Answer
    | Fail
    | Bind
    | Renew
    | Escalate
    | Cancel
    | Say
    | Takeover
    | Transfer
    | Release
    | Requeue
    | Close
    | Block
    | MarkRead
    | Rate
    | Identify
    | SendTranscript
    | WaitTooLong
    | EndShift
    | Abandon
    | Reopen
    | RecordMail
)
