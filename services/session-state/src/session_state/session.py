"""What a session is: one frozen value, stored as JSON, changed only through decisions."""

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal

import orjson
from common.events.sessions import Role, Status

RatingPhase = Literal["none", "open", "given"]

PREVIEW_CHARS = 50


@dataclass(frozen=True, slots=True)
class Turn:
    """The AI turn under way."""

    turn_id: str
    message_id: str  # of the answer to come
    epoch: int
    question_id: str
    client_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """The open request for a person. `letters` counts the mails asked for it, `additions` what
    the visitor added since the last one while it was not yet sent."""

    id: str
    reason: str
    trigger_at: float
    details: str = ""
    severity: Literal["low", "high"] = "low"
    email: str | None = None
    message: str | None = None
    was_after_hours: bool = False
    letters: int = 0
    settled: int = 0
    additions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who serves."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    """How the team's letter about the open escalation went."""

    sent: bool = False
    email_to: tuple[str, ...] = ()
    message_id: str | None = None
    sent_at: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of the visitor."""

    nickname: str = ""
    email: str | None = None
    vip: bool = False
    language: str = ""
    country: str = ""
    currency: str = ""
    customer_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenRating:
    """What the visitor said of whoever served last."""

    score: int
    given_at: float
    comment: str | None = None
    agent_name: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Every fact about a session but its log. `version` counts transitions and every other
    commit, `epoch` what silenced the AI or changed its context, `seq` the log's entries."""

    name: str
    sid: str
    status: Status
    created_at: float
    updated_at: float
    version: int = 0
    epoch: int = 0
    seq: int = 0
    shop: str = ""
    profile: Profile = Profile()
    conversation_id: str | None = None
    escalation: Escalation | None = None
    agent: Assigned | None = None
    mail: Mail = Mail()
    turn: Turn | None = None
    ai_fail_count: int = 0
    fired: tuple[str, ...] = ()  # rules that fired in this episode
    visible_from: int = 0  # the visitor sees entries after this seq
    waiting_since: float | None = None
    serving_since: float | None = None
    last_manual_end_at: float | None = None
    blocked_until: float | None = None
    rating: RatingPhase = "none"
    served_by: str | None = None  # who served last, for the rating
    last_rating: GivenRating | None = None
    user_messages: int = 0
    unread: int = 0  # visitor's messages the agents have not read
    read_by_visitor: int = 0
    read_by_agent: int = 0
    preview: str = ""
    preview_role: Role | None = None
    preview_at: float | None = None

    @property
    def language(self) -> str:
        """The session's language; empty until one is known."""
        return self.profile.language

    def blocked(self, now: float) -> bool:
        """Whether an agent silenced this visitor."""
        return self.blocked_until is not None and self.blocked_until > now


def dump(session: Session) -> bytes:
    """The state as stored."""
    return orjson.dumps(session)


def load(state: bytes, *, version: int, epoch: int, seq: int) -> Session:
    """The session of a stored state; the hash's own counters count. Fields of a newer release are
    passed over, so that two releases can run side by side."""
    raw = orjson.loads(state)
    for name, cls in _NESTED.items():
        if raw.get(name) is not None:
            raw[name] = _build(cls, raw[name])
    raw["fired"] = tuple(raw.get("fired", ()))
    raw["version"], raw["epoch"], raw["seq"] = version, epoch, seq
    built: Session = _build(Session, raw)
    return built


def evolve(session: Session, changes: dict[str, Any]) -> Session:
    """`dataclasses.replace` at half its cost: this is done several times a turn."""
    values = dict(zip(_ORDER, _VALUES(session), strict=True))
    values.update(changes)
    return Session(**values)


def preview_of(content: str) -> str:
    """The first characters of a message on one line."""
    flat = " ".join(content.split())
    return flat if len(flat) <= PREVIEW_CHARS else flat[: PREVIEW_CHARS - 1] + "…"


def _names(cls: Any) -> frozenset[str]:
    return frozenset(f.name for f in fields(cls))


_NESTED: dict[str, type[Any]] = {
    "profile": Profile,
    "escalation": Escalation,
    "agent": Assigned,
    "mail": Mail,
    "turn": Turn,
    "last_rating": GivenRating,
}
_FIELDS: dict[type[Any], frozenset[str]] = {
    Session: _names(Session),
    **{cls: _names(cls) for cls in _NESTED.values()},
}
_ORDER = tuple(f.name for f in fields(Session))
_VALUES = attrgetter(*_ORDER)
_TUPLES = ("additions", "email_to")


def _build(cls: type[Any], raw: dict[str, Any]) -> Any:
    known = _FIELDS[cls]
    if not raw.keys() <= known:
        raw = {key: value for key, value in raw.items() if key in known}
    for key in _TUPLES:
        if key in raw:
            raw[key] = tuple(raw[key])
    return cls(**raw)
