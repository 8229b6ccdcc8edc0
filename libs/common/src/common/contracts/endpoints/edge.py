"""The gateway's own endpoints: event streams, configuration, health, documents."""

from common.contracts import answers
from common.contracts.endpoints.endpoint import EVENT_ID, TEXT, Endpoint, Query
from common.errors import BadEventId, GatewayFull, NotFound, Unavailable

_SESSION = """Frames have `id`, `event` and one `data` line of JSON with the same `type`.

| event | when |
| --- | --- |
| `ready` | first; `status` and the newest `seq` |
| `message_added` | the visitor's or the AI's message, one's own too |
| `manual_message` | a person's or the system's |
| `status_change` | the session moved to another state |
| `typing` | the other side types; no id, never sent again |
| `rating_request`, `session_closed`, `history_cleared` | what they say |
| `resync` | what was missed can't be told any more: load the session anew |
| `idle_close`, `replaced`, `drain`, `reauth` | the stream ends; `retry:` says when to come back |

Come back with the last id in `Last-Event-ID`: what was missed comes first, in order, once. A
comment comes every 30 s. At most three streams a visitor: a fourth replaces the oldest."""
_QUEUE = """As a session's stream, for the whole queue.

| event | when |
| --- | --- |
| `session_created`, `session_updated` | `session` is a SessionSummary |
| `session_expired` | `session_name` was idle for too long and is gone from every list |
| `message_added`, `manual_message` | of the conversations one serves |
| `agent_status` | a colleague came or left |
| `transfer` | a conversation was handed over to one |
| `kicked` | the account was deactivated or logged out elsewhere; the stream ends |"""
_READY = 'id: g1-5f0c2a11-7\nevent: ready\ndata: {"type":"ready","status":"bot_active","seq":7}\n\n'

ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/sessions/{name}/events",
        "Everything that happens in a session (SSE)",
        _SESSION,
        query=EVENT_ID,
        media="events",
        errors=(BadEventId, NotFound, GatewayFull, Unavailable),
        example=_READY,
    ),
    Endpoint(
        "GET",
        "/api/agent/events",
        "Everything that happens in the queue (SSE)",
        _QUEUE,
        query=EVENT_ID,
        media="events",
        errors=(BadEventId, GatewayFull, Unavailable),
        example='id: 1763973603120-0\nevent: ready\ndata: {"type":"ready"}\n\n',
    ),
    Endpoint(
        "GET",
        "/api/config",
        "What the chat window needs to know",
        query=(Query("shop", TEXT, "the shop's id; unknown ones get the default"),),
        answer=answers.WidgetConfig,
    ),
    Endpoint(
        "GET",
        "/api/health",
        "Is the product well?",
        "503 and `degraded` otherwise.",
        answer=answers.Health,
        enveloped=False,
        also=(503,),
        example={
            "status": "healthy",
            "coze_connected": True,
            "session_isolation": True,
            "version": "0.1.0",
            "coze": "real",
        },
    ),
    Endpoint(
        "GET",
        "/api/health/detailed",
        "Health by service and dependency",
        answer=answers.DetailedHealth,
    ),
    Endpoint("GET", "/api/metrics", "Prometheus text", media="text"),
    Endpoint("GET", "/api/docs", "This reference as a page", media="html"),
    Endpoint("GET", "/api/openapi.json", "This document", answer=dict, enveloped=False),
)
