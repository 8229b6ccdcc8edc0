"""The document's own words: introduction, groups, credentials, headers, the failure envelope."""

from typing import Any

DESCRIPTION = """Customer service for a shop: an AI answers, people take over.

**Answers.** Success is `{"success": true, "data": …}`, failure is
`{"success": false, "error": {"code", "message", "details"?}, "request_id"}` with the fitting
status. The core chat endpoints keep their own frozen shapes. `message` is for a person, in the
language of `Accept-Language`; a program decides by `code`. Beside each code stands what to do:
*fix* the request, *retry* later (after `Retry-After`), *reauthenticate*, *reload* what is shown,
or *stop*.

**Who is calling.** A visitor is anonymous: the first answer carries `X-Visitor-Token` and
`X-Session-Name`, and every later call for that session must carry the token. An agent sends
`Authorization: Bearer …`. A shop's own server sends `X-API-Key`.

**Everywhere.** `/api/v1/…` is an alias of `/api/…`. Times are UTC seconds with milliseconds.
`X-Request-ID` (8 to 64 of `A-Za-z0-9_-`) is taken from the caller, else made, and echoed. Unknown
fields of a body are refused, but for core chat. Bodies end at 64 KB. Event streams are SSE."""

TAGS = {
    "chat-proxy": ("Chat", "Ask the AI. Shapes are frozen: old storefronts go on working."),
    "session-state": ("Sessions", "Ask for a person, serve, read, rate; the shop's hours."),
    "auth": ("Agents", "Logins, one's own account, everybody's accounts."),
    "gateway": ("Streams and operation", "Event streams, configuration, health, documents."),
}

WHO = {"anyone": "anyone", "visitor": "the session's visitor"}

SCHEMES: dict[str, Any] = {
    "visitor": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Visitor-Token",
        "description": "Bound to one session; from the answer that made or renewed it.",
    },
    "agent": {
        "type": "http",
        "scheme": "bearer",
        "description": "From `/api/agent/login`; roles `guest`, `agent`, `supervisor`, `admin`.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "For the shop's own back end; made and revoked by an admin, scoped.",
    },
}

HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "Names this request in every log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
    },
    "API-Version": {"required": True, "schema": {"type": "string", "const": "1"}},
    "X-Visitor-Token": {
        "description": "A new visitor token, where there is one: keep it for later calls.",
        "schema": {"type": "string"},
    },
    "X-Session-Name": {
        "description": "The session the token is for.",
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {"schema": {"type": "integer"}},
    "RateLimit-Remaining": {"schema": {"type": "integer"}},
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}},
}

FAILURE: dict[str, Any] = {
    "type": "object",
    "description": "Every failure; `details` holds what a client may need.",
    "required": ["success", "error", "request_id"],
    "properties": {
        "success": {"const": False},
        "request_id": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "pattern": "^[A-Z_]+$"},
                "message": {"type": "string", "minLength": 1},
                "details": {"type": "object"},
            },
        },
    },
}

STREAM_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "One event of a stream. `data` is JSON that names its `type`.",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "pattern": r'^\{"type":"[a-z_]+"[,}]',
        },
        "event": {"type": "string"},
        "id": {"type": "string"},
        "retry": {"type": ["integer", "string"]},
    },
}
