"""The one OpenAPI document, made from what already is the truth: policy table and contracts.

The services' hot routes are bare ASGI and describe nothing by themselves; the table lists every
public endpoint, and the contracts hold every body. A rule without an entry here is an error that
`test_gateway_documents.py` finds.
"""

import html
import re
from functools import cache
from typing import Any

from common.contracts import auth, chat, sessions
from common.contracts.common import SESSION_NAME_PATTERN
from common.security.policy import RULES, Rule
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_REF = "#/components/schemas/{model}"
_TAGS = {
    "chat-proxy": "chat",
    "session-state": "sessions",
    "auth": "agents",
    "gateway": "gateway",
}
# bodies, and whether one may be left out
_BODIES: dict[tuple[str, str], tuple[type[BaseModel], bool]] = {
    ("POST", "/api/chat"): (chat.ChatRequest, True),
    ("POST", "/api/chat/stream"): (chat.ChatRequest, True),
    ("POST", "/api/conversation/new"): (chat.ConversationNew, True),
    ("POST", "/api/conversation/create"): (chat.ConversationCreate, True),
    ("POST", "/api/conversation/clear"): (chat.ConversationNew, True),
    ("POST", "/api/manual/escalate"): (sessions.Escalate, True),
    ("POST", "/api/manual/cancel"): (sessions.Cancel, True),
    ("POST", "/api/manual/messages"): (sessions.PostMessage, True),
    ("POST", "/api/sessions/{name}/transfer"): (sessions.Transfer, True),
    ("POST", "/api/sessions/{name}/release"): (sessions.Reason, False),
    ("POST", "/api/sessions/{name}/requeue"): (sessions.Reason, False),
    ("POST", "/api/sessions/{name}/block"): (sessions.Block, True),
    ("POST", "/api/sessions/{name}/read"): (sessions.ReadMark, True),
    ("POST", "/api/sessions/{name}/rating"): (sessions.Rating, True),
    ("POST", "/api/sessions/{name}/identify"): (sessions.Identify, True),
    ("POST", "/api/sessions/{name}/transcript"): (sessions.Transcript, True),
    ("POST", "/api/agent/login"): (auth.Login, True),
    ("POST", "/api/agent/refresh"): (auth.Refresh, False),
    ("PUT", "/api/agent/profile"): (auth.ProfileUpdate, True),
    ("POST", "/api/agent/change-password"): (auth.ChangePassword, True),
    ("PUT", "/api/agent/status"): (auth.StatusUpdate, True),
    ("POST", "/api/agents"): (auth.NewAgent, True),
    ("PUT", "/api/agents/{username}"): (auth.AgentUpdate, True),
    ("POST", "/api/agents/{username}/reset-password"): (auth.ResetPassword, False),
}
# endpoints whose body has no contract: JSON objects the owner checks
_OPEN_BODIES = frozenset((("PUT", "/api/shift/config"), ("POST", "/api/api-keys")))
_WITHOUT_BODY = ("GET", "DELETE")
_NO_BODY = frozenset(
    f"/api/sessions/{{name}}/{verb}" for verb in ("stop", "takeover", "close", "typing")
) | {"/api/agent/logout", "/api/agent/status/heartbeat"}
_EVENTS = frozenset(("/api/chat/stream", "/api/sessions/{name}/events", "/api/agent/events"))
_NO_CONTENT = frozenset(("/api/sessions/{name}/typing",))
_CREATED = frozenset((("POST", "/api/agents"), ("POST", "/api/api-keys")))
_STATUSES = ["bot_active", "pending_manual", "manual_live", "after_hours_email", "closed"]
_PAGING = [
    ("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}),
    ("offset", {"type": "integer", "minimum": 0, "default": 0}),
]
_QUERIES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "/api/sessions": [
        ("status", {"type": "string", "enum": _STATUSES}),
        *((name, {"type": "string"}) for name in ("agent", "reason", "q", "sort")),
        ("vip", {"type": "boolean"}),
        *((name, {"type": "number"}) for name in ("since", "until")),
        *_PAGING,
    ],
    "/api/sessions/{name}/messages": [
        ("after", {"type": "string"}),
        ("before", {"type": "string"}),
        _PAGING[0],
    ],
    "/api/sessions/{name}/events": [("last_event_id", {"type": "string"})],
    "/api/agent/events": [("last_event_id", {"type": "string"})],
    "/api/config": [("shop", {"type": "string"})],
    "/api/agents": _PAGING,
}
_SUMMARIES = {
    "/api/chat": "Ask, and get the whole answer",
    "/api/chat/stream": "Ask, and get the answer as it comes (SSE)",
    "/api/sessions/{name}/events": "Everything that happens in a session (SSE)",
    "/api/agent/events": "Everything that happens in the queue (SSE)",
    "/api/health": "Is the product well? 503 and `degraded` otherwise",
    "/api/openapi.json": "This document",
}


@cache
def openapi() -> dict[str, Any]:
    """OpenAPI 3.1 of every public endpoint."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in RULES:
        paths.setdefault(rule.path, {})[rule.method.lower()] = _operation(rule)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fiido Kefu", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _SCHEMES},
    }


def undescribed() -> list[str]:
    """Rules whose body is neither described nor known to be none."""
    return [
        f"{rule.method} {rule.path}"
        for rule in RULES
        if rule.method not in _WITHOUT_BODY
        and rule.path not in _NO_BODY
        and (rule.method, rule.path) not in _BODIES
        and (rule.method, rule.path) not in _OPEN_BODIES
    ]


def _operation(rule: Rule) -> dict[str, Any]:
    key = (rule.method, rule.path)
    operation: dict[str, Any] = {
        "tags": [_TAGS[rule.owner.value]],
        "summary": _SUMMARIES.get(rule.path, _said(rule)),
        "operationId": re.sub(r"\W+", "_", f"{rule.method.lower()}{rule.path}").strip("_"),
        "parameters": _parameters(rule),
        "responses": _responses(rule),
        "security": _security(rule),
    }
    if key in _BODIES:
        model, required = _BODIES[key]
        operation["requestBody"] = _body(_REF.format(model=model.__name__), required=required)
    elif key in _OPEN_BODIES:
        schema = {"type": "object"}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _said(rule: Rule) -> str:
    words = rule.path.removeprefix("/api/").replace("{", "").replace("}", "")
    return f"{rule.method} {words.replace('/', ' › ')}"


def _body(ref: str, *, required: bool) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": {"$ref": ref}}}}


def _parameters(rule: Rule) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(name)}
        for name in re.findall(r"\{(\w+)\}", rule.path)
    ]
    if rule.method == "GET":
        found += [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in _QUERIES.get(rule.path, [])
        ]
    return found


def _path_schema(name: str) -> dict[str, Any]:
    if name == "name":
        return {"type": "string", "pattern": SESSION_NAME_PATTERN}
    return {"type": "string", "maxLength": 128}


def _responses(rule: Rule) -> dict[str, Any]:
    good = "201" if (rule.method, rule.path) in _CREATED else "200"
    if rule.path in _NO_CONTENT:
        answers: dict[str, Any] = {"204": {"description": "Done"}}
    else:
        answers = {good: {"description": "Success", "content": _content(rule)}}
    failure = {"application/json": {"schema": {"$ref": _REF.format(model="Failure")}}}
    answers["default"] = {"description": "The failure envelope", "content": failure}
    if rule.path == "/api/health":
        answers["503"] = {"description": "Degraded", "content": _content(rule)}
    return answers


def _content(rule: Rule) -> dict[str, Any]:
    if rule.path in _EVENTS:
        return {"text/event-stream": {"schema": {"type": "string"}}}
    if rule.path == "/api/metrics":
        return {"text/plain": {"schema": {"type": "string"}}}
    if rule.path == "/api/docs":
        return {"text/html": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": {"type": "object"}}}


def _security(rule: Rule) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{}] if rule.anyone else []
    if rule.visitor:
        ways.append({"visitor": []})
    if rule.role is not None:
        ways.append({"agent": [rule.role]})
    if rule.scope is not None:
        ways.append({"key": [rule.scope]})
    return ways


def _schemas() -> dict[str, Any]:
    models = {model for model, _ in _BODIES.values()}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    schemas: dict[str, Any] = dict(found.get("$defs", {}))
    schemas["Failure"] = _FAILURE
    return schemas


@cache
def page() -> str:
    """The documentation page: plain HTML, nothing fetched from anywhere."""
    rows = []
    for rule in RULES:
        who = ", ".join(_who(rule))
        body = _BODIES.get((rule.method, rule.path))
        takes = body[0].__name__ if body else ""
        cells = (rule.method, rule.path, who, takes, rule.limit.value)
        rows.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    return _PAGE.replace("{rows}", "\n".join(rows))


def _who(rule: Rule) -> list[str]:
    ways = ["anyone"] if rule.anyone else []
    ways += ["its visitor"] if rule.visitor else []
    ways += [f"{rule.role} and above"] if rule.role else []
    return ways + ([f"API key: {rule.scope}"] if rule.scope else [])


_DESCRIPTION = (
    "Customer service for a shop: an AI answers, people take over. "
    "Answers come as `{success, data}`, failures as `{success, error, request_id}`; "
    "the core chat endpoints keep their frozen shapes. `/api/v1/…` is an alias of `/api/…`."
)
_SCHEMES = {
    "visitor": {"type": "apiKey", "in": "header", "name": "X-Visitor-Token"},
    "agent": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_FAILURE = {
    "type": "object",
    "required": ["success", "error", "request_id"],
    "properties": {
        "success": {"const": False},
        "request_id": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "pattern": "^[A-Z_]+$"},
                "message": {"type": "string"},
                "details": {"type": "object"},
            },
        },
    },
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Fiido Kefu API</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #ccc;padding:.35rem .6rem;text-align:left}
td:nth-child(-n+2){font-family:ui-monospace,monospace}
@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8cf}}
</style>
<h1>Fiido Kefu API</h1>
<p>The machine-readable document: <a href="openapi.json">openapi.json</a>.</p>
<table><thead><tr><th>Method<th>Path<th>Who<th>Body<th>Limit</tr></thead>
<tbody>
{rows}
</tbody></table>
</html>
"""
