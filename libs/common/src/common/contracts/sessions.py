"""session-state's contract: what is true about every session."""

from typing import Any, Literal

from pydantic import Field

from common.contracts.common import (
    Email,
    Language,
    Lenient,
    MessageText,
    OpaqueId,
    SessionName,
    ShortText,
    Strict,
)
from common.events.sessions import Role, Status


class Paths:
    """Internal paths; the public ones stand in `common.security.policy`."""

    OPEN_TURN = "/internal/turns/open"
    LEASE = "/internal/turns/lease"
    BIND = "/internal/turns/conversation"
    CONVERSATION_CHECK = "/internal/conversations/check"
    CONVERSATION_SET = "/internal/conversations"
    LOG = "/internal/sessions/{name}/log"
    PRESENCE = "/internal/presence"


# --- views ---------------------------------------------------------------------------------


class Message(Lenient):
    id: str
    seq: int
    role: Role
    content: str
    timestamp: float
    agent_id: str | None = None
    agent_name: str | None = None
    client_message_id: str | None = None
    notice: str | None = None
    suggestions: list[str] | None = None
    stopped: bool | None = None


class UserProfile(Lenient):
    nickname: str = ""
    email: str | None = None
    vip: bool = False
    language: str = ""
    country: str = ""
    currency: str = ""
    customer_id: str | None = None
    metadata: dict[str, Any] = {}


class Escalation(Lenient):
    id: str
    reason: Literal["keyword", "fail_loop", "sentiment", "vip", "manual"]
    details: str = ""
    severity: Literal["low", "high"] = "low"
    trigger_at: float


class Assigned(Lenient):
    id: str
    name: str


class Mail(Lenient):
    sent: bool = False
    email_to: list[str] = []
    message_id: str | None = None
    sent_at: float | None = None
    error: str | None = None


class GivenRating(Lenient):
    """What the visitor said of the person who served."""

    score: int
    comment: str | None = None
    agent_name: str | None = None
    given_at: float


class SessionSummary(Lenient):
    """A session in lists and on the agents' stream."""

    session_name: str
    status: Status
    conversation_id: str | None = None
    user_profile: UserProfile
    escalation: Escalation | None = None
    assigned_agent: Assigned | None = None
    mail: Mail = Mail()
    ai_fail_count: int = 0
    created_at: float
    updated_at: float
    last_manual_end_at: float | None = None
    version: int
    last_message_preview: str = ""
    last_message_role: Role | None = None
    # when somebody spoke last; `updated_at` moves with a read mark or a profile too
    last_message_at: float | None = None
    waiting_since: float | None = None
    waiting_seconds: float = 0.0
    unread: int = 0
    shop: str = ""
    blocked_until: float | None = None
    ai_answering: bool = False


class SessionState(Lenient):
    """A session as an agent sees it; `history` is read from the log, never stored. `last_rating` is
    the newest one: a visitor who was served again may rate again."""

    session_name: str
    status: Status
    conversation_id: str | None = None
    user_profile: UserProfile
    history: list[Message] = []
    escalation: Escalation | None = None
    assigned_agent: Assigned | None = None
    mail: Mail = Mail()
    ai_fail_count: int = 0
    created_at: float
    updated_at: float
    last_manual_end_at: float | None = None
    version: int
    unread: int = 0
    shop: str = ""
    blocked_until: float | None = None
    ai_answering: bool = False
    last_rating: GivenRating | None = None


class AuditEntry(Lenient):
    from_: Status | None = Field(default=None, alias="from")
    to: Status
    operator: str | None = None
    reason: str
    timestamp: float


# --- a turn --------------------------------------------------------------------------------


class OpenTurn(Strict):
    """Open a turn; `session_name` and `sid` come from a verified visitor token, or there is only a
    name (a new session, or a plain caller of the old contract with its `conversation_id`)."""

    session_name: SessionName | None = None
    sid: str | None = None
    conversation_id: str | None = None
    vip: bool = False
    shop: str = ""
    message: MessageText
    client_message_id: OpaqueId | None = None
    language: Language | None = None
    address: str = ""


class Ticket(Lenient):
    """What chat-proxy may do now.

    verdict `answer`  ask Coze, then publish `turn.answered` or `turn.failed`
            `notice`  a rule escalated: `notice` is the reply, no Coze call
            `replay`  this client_message_id was answered before: `answer` is the reply
    Refusals are failures: MANUAL_IN_PROGRESS, TURN_IN_PROGRESS, SESSION_FORBIDDEN, BUSY, …
    """

    verdict: Literal["answer", "notice", "replay"]
    session_name: str
    sid: str
    vip: bool = False
    turn_id: str
    message_id: str
    epoch: int
    conversation_id: str | None = None
    language: str
    status: Status
    notice: str | None = None
    answer: str | None = None
    suggestions: list[str] = []
    reason: str | None = None
    timestamp: float
    # the question as stored: on a failed turn asked again, the first wording counts
    message: str = ""


class RenewLease(Strict):
    """Answers 204, or TURN_LOST when the session's open turn is another one."""

    session_name: SessionName
    turn_id: str


class BindConversation(Strict):
    """Set-if-absent under the ticket's epoch; answers `Bound` naming the one that counts,
    or TURN_LOST when epoch or turn moved on. `instead_of` names a conversation that Coze refuses
    (4001, 4002): it counts as absent."""

    session_name: SessionName
    turn_id: str
    epoch: int
    conversation_id: str
    instead_of: str | None = None


class Bound(Lenient):
    conversation_id: str


class ConversationCheck(Strict):
    """May this caller give the session a new conversation? Draws a name where none is given.
    Writes nothing. MANUAL_IN_PROGRESS, SESSION_FORBIDDEN."""

    session_name: SessionName | None = None
    sid: str | None = None


class ConversationAllowed(Lenient):
    session_name: str
    exists: bool


class ConversationSet(Strict):
    """Give the session a new conversation: epoch raised, failures reset, state kept; `clear` also
    moves `visible_from`. Makes the session where it does not exist."""

    session_name: SessionName
    sid: str | None = None
    conversation_id: str
    clear: bool = False
    vip: bool = False
    shop: str = ""
    language: Language | None = None


class SessionRef(Lenient):
    session_name: str
    sid: str
    vip: bool = False
    conversation_id: str | None = None
    language: str = ""


# --- the log, for streams ------------------------------------------------------------------


class LogEntry(Lenient):
    """`data` is the SSE data line, byte for byte as it went over the bus."""

    seq: int
    type: str
    at: float
    audience: Literal["va", "a"]
    data: str


class LogPage(Lenient):
    """Entries with `seq > after` in order, at most `limit`; `complete` when the newest is in.
    `audience=va` leaves out what visitors may not see and what lies before `visible_from`."""

    session_name: str
    sid: str
    generation: str
    status: Status
    epoch: int
    newest_seq: int
    entries: list[LogEntry] = []
    complete: bool = True


class Seen(Strict):
    """Visitors with an open stream or a call since the last report."""

    sessions: list[SessionName] = Field(max_length=2000)


# --- public bodies -------------------------------------------------------------------------


class Escalate(Strict):
    session_name: SessionName
    reason: Literal["user_request", "manual", "ai_failure", "other"] = "user_request"
    message: MessageText | None = None
    email: Email | None = None


class Cancel(Strict):
    session_name: SessionName


class PostMessage(Strict):
    session_name: SessionName
    role: Literal["user", "agent"]
    content: MessageText
    client_message_id: OpaqueId | None = None


class Takeover(Lenient):
    """What older clients say of the agent is passed over: the agent is the token's."""

    reason: ShortText | None = None


class Reason(Strict):
    reason: ShortText | None = None


class Transfer(Strict):
    to_agent_id: OpaqueId
    reason: ShortText | None = None


class Block(Strict):
    reason: ShortText


class ReadMark(Strict):
    seq: int = Field(ge=0, le=2**53)


class Rating(Strict):
    score: int = Field(ge=1, le=5)
    comment: ShortText | None = None


class ProfileIn(Strict):
    nickname: str | None = Field(default=None, max_length=80)
    email: Email | None = None
    language: Language | None = None
    country: str | None = Field(default=None, max_length=60)
    currency: str | None = Field(default=None, max_length=8)
    vip: bool | None = None
    customer_id: str | None = Field(default=None, max_length=128)
    metadata: dict[str, str] | None = Field(default=None, max_length=32)


class Identify(Strict):
    """`signature`: hex HMAC-SHA256, under the shop's secret, of
    `<session_name>.<canonical JSON of the profile's customer_id, email, vip>`."""

    profile: ProfileIn
    signature: str | None = Field(default=None, max_length=200)


class Transcript(Strict):
    """`timezone` (of the IANA's list) is the visitor's: the letter's times are in it."""

    email: Email
    consent: Literal[True]
    language: Language | None = None
    timezone: str = Field(default="", max_length=64)
