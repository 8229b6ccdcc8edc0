"""chat-proxy's public endpoints: core chat, whose shapes are frozen."""

from common.contracts.answers import BotAnswer, ChatAnswer, ConversationAnswer, Stopping
from common.contracts.chat import ChatRequest, ConversationCreate, ConversationNew
from common.contracts.endpoints.endpoint import Endpoint
from common.errors import (
    AiUnavailable,
    Busy,
    Conflict,
    ManualInProgress,
    SessionBlocked,
    SessionForbidden,
    TooManyStreams,
    TurnInProgress,
    TurnLost,
    Unconfirmed,
)

_TURN = (
    SessionBlocked,
    ManualInProgress,
    TurnInProgress,
    Conflict,
    TooManyStreams,
    Busy,
    Unconfirmed,
    SessionForbidden,
)
_NEW = (ManualInProgress, Conflict, AiUnavailable, Busy, Unconfirmed, SessionForbidden)
_QUESTION = {"message": "How far does the battery go?", "user_id": "session_a", "language": "en"}
_MADE = {"success": True, "conversation_id": "7374752000000000001"}
_STREAM = """One `data:` line of JSON a frame, no `event:` and no `id:`.

| type | fields | when |
| --- | --- | --- |
| `meta` | `session_name`, `conversation_id`, `turn_id`, `message_id` | first |
| `message` | `content` | each piece of the answer, as it comes |
| `suggestions` | `items` | follow-up questions, where there are some |
| `status_change` | `status`, `reason`, `agent_info?`, `timestamp` | a person was called |
| `manual_message` | `message_id`, `role`, `content`, `timestamp`, … | somebody spoke |
| `error` | `code`, `content` | the turn failed; the stream ends |
| `done` | `content: ""` | the turn is over |

A client that knows `message`, `done` and `error` only keeps working: unknown types are to be passed
over. `: hb` comments come every 15 s while nothing else does. Who leaves in the middle loses
nothing: the answer is read to its end, kept, and sent on the session's events."""
_FRAMES = (
    'data: {"type":"meta","session_name":"session_a","conversation_id":"7374","turn_id":"t1",'
    '"message_id":"m2"}\n\n'
    'data: {"type":"message","content":"Up to 120 km."}\n\n'
    'data: {"type":"done","content":""}\n\n'
)

ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/chat",
        "Ask, and get the whole answer",
        "Without `user_id` a fresh session is made and named in `X-Session-Name`; its first answer "
        "carries `X-Visitor-Token`, which every later call for the session must send. Unknown "
        "fields are passed over. While a person serves: 409 `MANUAL_IN_PROGRESS`, and messages go "
        "to `/api/manual/messages`. `client_message_id` makes asking again safe.",
        body=ChatRequest,
        answer=ChatAnswer,
        enveloped=False,
        errors=(*_TURN, TurnLost, AiUnavailable),
        signs=True,
        sample=_QUESTION,
        example={"success": True, "message": "Up to 120 km with the large battery."},
    ),
    Endpoint(
        "POST",
        "/api/chat/stream",
        "Ask, and get the answer as it comes (SSE)",
        _STREAM,
        body=ChatRequest,
        media="events",
        errors=_TURN,
        signs=True,
        sample=_QUESTION,
        example=_FRAMES,
    ),
    Endpoint(
        "POST",
        "/api/conversation/new",
        "Begin a new conversation in a session",
        "Keeps the session and gives it a new conversation with the AI, which forgets the old one. "
        "Makes the session where there is none.",
        body=ConversationNew,
        answer=ConversationAnswer,
        enveloped=False,
        errors=_NEW,
        signs=True,
        sample={"session_id": "session_a"},
        example=_MADE,
    ),
    Endpoint(
        "POST",
        "/api/conversation/create",
        "The older name of `/api/conversation/new`",
        body=ConversationCreate,
        answer=ConversationAnswer,
        enveloped=False,
        errors=_NEW,
        signs=True,
        sample={"user_id": "session_a"},
        example=_MADE,
    ),
    Endpoint(
        "POST",
        "/api/conversation/clear",
        "Begin anew with an empty history",
        "As `new`; what the visitor sees of the session begins anew too. Agents still see all.",
        body=ConversationNew,
        answer=ConversationAnswer,
        enveloped=False,
        errors=_NEW,
        signs=True,
        sample={"session_id": "session_a"},
        example={**_MADE, "message": "The conversation was cleared."},
    ),
    Endpoint(
        "POST",
        "/api/sessions/{name}/stop",
        "Stop the answer that is being given",
        "What was said so far is kept. Nothing to stop is no failure.",
        answer=Stopping,
        example={"stopping": True},
    ),
    Endpoint(
        "GET",
        "/api/bot/info",
        "Who answers: name, icon, welcome",
        answer=BotAnswer,
        enveloped=False,
    ),
)
