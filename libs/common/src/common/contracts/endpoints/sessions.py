"""session-state's public endpoints: asking for a person, serving, reading."""

from typing import get_args

from common.contracts import answers, sessions
from common.contracts.endpoints.endpoint import PAGING, TEXT, Endpoint, Query
from common.contracts.shift import ShiftChange, ShiftInfo
from common.errors import (
    AgentAtCapacity,
    AgentOffline,
    AlreadyRated,
    AlreadyTaken,
    Busy,
    Conflict,
    InvalidStatus,
    ManualInProgress,
    NotAssigned,
    NotFound,
    SessionBlocked,
    Unconfirmed,
)
from common.events.sessions import Status

_STATUSES = "|".join(get_args(Status))
_SORTS = ("updated_at", "created_at", "waiting", "unread")
_MOMENT = {"type": "number", "minimum": 0, "maximum": 1e11}
_LIST = (
    Query(
        "status",
        {"type": "string", "pattern": f"^({_STATUSES})(,({_STATUSES}))*$"},
        "one status, or several with commas",
    ),
    Query("agent", TEXT, "id of the agent who serves"),
    Query("reason", TEXT, "why a person was asked for"),
    Query("vip", {"type": "boolean"}),
    Query("q", TEXT, "part of the name or nickname, within the newest 1,000"),
    Query("since", _MOMENT, "changed at or after, UTC seconds"),
    Query("until", _MOMENT, "changed before, UTC seconds"),
    Query(
        "sort",
        {
            "type": "string",
            "enum": [sign + key for key in _SORTS for sign in ("", "-")],
        },
        "a leading minus is descending",
    ),
    *PAGING,
)
_PAGE = (
    Query("after", TEXT, "message id or seq: newer than this"),
    Query("before", TEXT, "message id or seq: older than this"),
    PAGING[0],
)
_COMMIT = (Conflict, Unconfirmed)
_OPEN = (NotFound,)
_DO = (*_OPEN, *_COMMIT, InvalidStatus)
_HELD = (*_DO, NotAssigned)
_WHY = {"reason": "solved"}


def _act(verb: str, summary: str, text: str = "", **more: object) -> Endpoint:
    path = f"/api/sessions/{{name}}/{verb}"
    return Endpoint("POST", path, summary, text, answer=answers.Session, **more)  # type: ignore[arg-type]


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/manual/escalate",
        "Ask for a person",
        "In shift the session waits (`pending_manual`); out of shift a mail goes to the team "
        "(`after_hours_email`) and the AI goes on serving. Asking again changes nothing; in "
        "`after_hours_email` it adds `message` and `email`.",
        body=sessions.Escalate,
        answer=answers.Escalated,
        enveloped=False,
        errors=(*_OPEN, *_COMMIT, ManualInProgress, SessionBlocked, Busy, InvalidStatus),
        signs=True,
        sample={"session_name": "session_a", "message": "My bike makes a noise."},
    ),
    Endpoint(
        "POST",
        "/api/manual/cancel",
        "Stop waiting for a person",
        body=sessions.Cancel,
        answer=answers.Session,
        errors=_DO,
        sample={"session_name": "session_a"},
    ),
    Endpoint(
        "POST",
        "/api/manual/messages",
        "Talk to the person who serves, or as that person",
        "`user` while waiting or being served, `agent` while serving. The same `client_message_id` "
        "again answers the first result and stores nothing twice.",
        body=sessions.PostMessage,
        answer=answers.Posted,
        errors=(*_HELD, SessionBlocked),
        sample={"session_name": "session_a", "role": "user", "content": "Thank you!"},
        example={"message_id": "5a0f", "timestamp": 1763973603.12},
    ),
    Endpoint(
        "GET", "/api/sessions", "Sessions, page by page", query=_LIST, answer=answers.SessionPage
    ),
    Endpoint(
        "GET", "/api/sessions/stats", "Figures of now and of today", answer=answers.Statistics
    ),
    Endpoint(
        "GET",
        "/api/sessions/{name}",
        "A session and its trail",
        "Visitors see less: no details, addresses or operators.",
        answer=answers.SessionShown,
        errors=_OPEN,
    ),
    Endpoint(
        "GET",
        "/api/sessions/{name}/messages",
        "A session's messages, page by page",
        "The newest page without `after` and `before`; `after` wins over `before`.",
        query=_PAGE,
        answer=answers.MessagePage,
        errors=_OPEN,
    ),
    _act(
        "takeover",
        "Take a conversation over",
        "Exactly one of any number of racing agents wins; the others are told the winner's name.",
        body=sessions.Takeover,
        body_optional=True,
        sample={"reason": "knows the customer"},
        errors=(*_DO, AlreadyTaken, AgentAtCapacity),
    ),
    _act(
        "transfer",
        "Hand a conversation to a colleague",
        body=sessions.Transfer,
        errors=(*_HELD, AgentOffline, AgentAtCapacity),
        sample={"to_agent_id": "a1b2", "reason": "speaks German"},
    ),
    _act(
        "release",
        "Give a conversation back to the AI",
        body=sessions.Reason,
        body_optional=True,
        errors=_HELD,
        sample=_WHY,
    ),
    _act(
        "requeue",
        "Put a conversation back into the queue, ahead of newer ones",
        body=sessions.Reason,
        body_optional=True,
        errors=_HELD,
        sample=_WHY,
    ),
    _act(
        "close",
        "End a conversation",
        "The visitor's next message begins a new episode with the AI.",
        body=sessions.Reason,
        body_optional=True,
        errors=_HELD,
        sample=_WHY,
    ),
    _act(
        "block",
        "Silence an abuser for a day",
        body=sessions.Block,
        errors=(*_OPEN, *_COMMIT),
        sample={"reason": "insults"},
    ),
    Endpoint(
        "POST",
        "/api/sessions/{name}/typing",
        "Show the other side that somebody types",
        status=204,
        errors=(*_OPEN, NotAssigned),
    ),
    Endpoint(
        "POST",
        "/api/sessions/{name}/read",
        "Say up to where one has read",
        body=sessions.ReadMark,
        answer=answers.ReadUpTo,
        errors=(*_OPEN, *_COMMIT),
        sample={"seq": 12},
        example={"seq": 12},
    ),
    Endpoint(
        "POST",
        "/api/sessions/{name}/rating",
        "Rate the person who served, once",
        body=sessions.Rating,
        answer=answers.Rated,
        errors=(*_DO, AlreadyRated),
        sample={"score": 5, "comment": "Quick and kind."},
        example={"score": 5},
    ),
    Endpoint(
        "POST",
        "/api/sessions/{name}/identify",
        "Say who the visitor is",
        "`vip`, `email` and `customer_id` count only with a signature made by the shop's server: "
        "hex HMAC-SHA256, under the shop's secret, of "
        "`<session_name>.<canonical JSON of customer_id, email, vip>`. Without one, or with one "
        "that does not fit, the rest counts, and `not_taken` names what does not.",
        body=sessions.Identify,
        answer=answers.Identified,
        enveloped=False,
        errors=(*_OPEN, *_COMMIT),
        signs=True,
        sample={"profile": {"nickname": "Ada", "language": "en"}},
    ),
    Endpoint(
        "POST",
        "/api/sessions/{name}/transcript",
        "Have the conversation sent by mail",
        body=sessions.Transcript,
        answer=answers.Queued,
        errors=(*_OPEN, *_COMMIT, InvalidStatus),
        sample={"email": "ada@example.com", "consent": True},
        example={"queued": True},
    ),
    Endpoint(
        "GET",
        "/api/agents/available",
        "Colleagues who could take a conversation over",
        answer=answers.AvailableAgents,
    ),
    Endpoint("GET", "/api/shift/config", "The shop's hours", answer=ShiftInfo),
    Endpoint(
        "PUT",
        "/api/shift/config",
        "Change the shop's hours",
        "What is left out stays as it is. Start and end alike is round the clock.",
        body=ShiftChange,
        answer=ShiftInfo,
        errors=_COMMIT,
        sample={"shift_start": "09:00", "shift_end": "18:00", "holidays": ["2026-12-25"]},
    ),
    Endpoint("GET", "/api/shift/status", "Is somebody on duty now?", answer=ShiftInfo),
)
