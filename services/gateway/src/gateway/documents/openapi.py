"""The one OpenAPI document, made from what already is the truth: policy table and contracts.

    common.security.policy     who may call it, which limit it spends  ─┐
    common.contracts.endpoints what it takes, gives and may answer      ─┼─▶ openapi()
    common.errors              status, words and advice of each code    ─┘

The services' hot routes are bare ASGI and describe nothing by themselves, so nothing here asks
FastAPI; `tests/contract` holds the table against every service's real routes.
"""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from common.contracts.answers import ChatFrame
from common.contracts.common import SESSION_NAME_PATTERN
from common.contracts.endpoints import ENDPOINTS, Endpoint
from common.security.policy import RULES, Rule
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from gateway.documents.failures import by_status, failures_of
from gateway.documents.words import DESCRIPTION, FAILURE, HEADERS, SCHEMES, STREAM_EVENT, TAGS, WHO

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_MEDIA = {
    "json": "application/json",
    "events": "text/event-stream",
    "text": "text/plain",
    "html": "text/html",
}
_MODE: JsonSchemaMode = "validation"
_USERNAME = r"^[A-Za-z0-9._-]{3,64}$"


@cache
def openapi() -> Json:
    """OpenAPI 3.1 of every public endpoint."""
    paths: dict[str, Json] = {}
    for rule in RULES:
        endpoint = ENDPOINTS[rule.method, rule.path]
        paths.setdefault(rule.path, {})[rule.method.lower()] = _operation(rule, endpoint)
    shared = _share(paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fiido Kefu", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.values()],
        "paths": paths,
        "components": {
            "schemas": {**_schemas(), "Failure": FAILURE, "StreamEvent": STREAM_EVENT},
            "responses": shared,
            "headers": HEADERS,
            "securitySchemes": SCHEMES,
        },
    }


def _share(paths: dict[str, Json]) -> Json:
    """Failures that many endpoints have alike, named once; the paths then refer to them."""
    shared: Json = {}
    for operation in (o for methods in paths.values() for o in methods.values()):
        for status, answer in operation["responses"].items():
            if int(status) < 300 or "x-codes" not in answer:
                continue
            name = f"{status}_{'_'.join(answer.pop('x-codes'))}"
            shared[name] = answer
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(shared.items()))


def _operation(rule: Rule, endpoint: Endpoint) -> Json:
    operation: Json = {
        "tags": [TAGS[rule.owner.value][0]],
        "summary": endpoint.summary,
        "description": "\n\n".join(filter(None, (endpoint.text, _who(rule)))),
        "operationId": re.sub(r"\W+", "_", f"{rule.method.lower()}{rule.path}").strip("_"),
        "parameters": list(_parameters(endpoint)),
        "responses": dict(_responses(rule, endpoint)),
        "security": _security(rule),
    }
    if endpoint.body is not None:
        content: Json = {"schema": _ref(endpoint.body)}
        if endpoint.sample is not None:
            content["example"] = endpoint.sample
        operation["requestBody"] = {
            "required": not endpoint.body_optional,
            "content": {"application/json": content},
        }
    return operation


def _who(rule: Rule) -> str:
    who = [WHO["anyone"]] if rule.anyone else []
    who += [WHO["visitor"]] if rule.visitor else []
    who += [f"an agent (`{rule.role}` and above)"] if rule.role else []
    who += [f"an API key of scope `{rule.scope}`"] if rule.scope else []
    hidden = " To all others it answers 404." if rule.hidden else ""
    return f"**Who:** {', '.join(who)}.{hidden} **Limit:** `{rule.limit.value}`."


def _security(rule: Rule) -> list[dict[str, list[str]]]:
    # OpenAPI keeps the lists of these kinds for scopes and roles
    ways: list[dict[str, list[str]]] = [{}] if rule.anyone else []
    if rule.visitor:
        ways.append({"visitor": []})
    if rule.role is not None:
        ways.append({"agent": [rule.role]})
    if rule.scope is not None:
        ways.append({"key": [rule.scope]})
    return ways


# --- what goes in --------------------------------------------------------------------------


def _parameters(endpoint: Endpoint) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", endpoint.path):
        pattern = SESSION_NAME_PATTERN if name == "name" else _USERNAME
        schema = {"type": "string", "pattern": pattern}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for query in endpoint.query:
        yield {
            "name": query.name,
            "in": "header" if query.header else "query",
            "required": False,
            "description": query.text,
            "schema": query.schema,
        }


# --- what comes out ------------------------------------------------------------------------


def _responses(rule: Rule, endpoint: Endpoint) -> Iterator[tuple[str, Json]]:
    good = _success(endpoint)
    yield str(endpoint.status), good
    for status in endpoint.also:
        yield str(status), {**good, "description": endpoint.text}
    for status, errors in by_status(failures_of(rule, endpoint)).items():
        if status in endpoint.also:
            continue
        yield str(status), _failure(status, [error.code for error in errors], errors)


def _success(endpoint: Endpoint) -> Json:
    headers = ["X-Request-ID", "API-Version", "RateLimit-Limit", "RateLimit-Remaining"]
    headers += ["X-Visitor-Token", "X-Session-Name"] if endpoint.signs else []
    answer: Json = {"description": "Done", "headers": _headers(headers)}
    if endpoint.status == 204:
        return answer
    content: Json = {"schema": _answer_schema(endpoint)}
    example = endpoint.example
    if example is not None:
        wrapped = endpoint.enveloped and endpoint.media == "json"
        content["example"] = {"success": True, "data": example} if wrapped else example
    return {**answer, "content": {_MEDIA[endpoint.media]: content}}


def _answer_schema(endpoint: Endpoint) -> Json:
    if endpoint.media == "events":
        return {"$ref": _REF.format(model="StreamEvent")}
    if endpoint.media != "json":
        return {"type": "string"}
    schema = _ref(endpoint.answer)
    if not endpoint.enveloped:
        return schema
    return {
        "type": "object",
        "required": ["success", "data"],
        "properties": {"success": {"const": True}, "data": schema},
    }


def _failure(status: int, codes: list[str], errors: list[Any]) -> Json:
    names = ["X-Request-ID", "API-Version", *(["Retry-After"] if status in (429, 503) else [])]
    lines = [f"- `{e.code}`: {e.en} ({e.action.value})" for e in errors]
    # enumerated, so that an answer with a code nobody told of is found
    code = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    schema = {"allOf": [{"$ref": _REF.format(model="Failure")}, code]}
    example = {
        "success": False,
        "error": {"code": codes[0], "message": errors[0].en},
        "request_id": "5f0c2a1174a34b1f",
    }
    return {
        "x-codes": codes,
        "description": "\n".join(lines),
        "headers": _headers(names),
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _headers(names: list[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


# --- models --------------------------------------------------------------------------------


def _ref(kind: Any) -> Json:
    """A reference to a model, `anyOf` for a union, an open object for `dict`."""
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return {"$ref": _REF.format(model=kind.__name__)}
    schema = TypeAdapter(kind).json_schema(mode=_MODE, ref_template=_REF)
    return {key: value for key, value in schema.items() if key != "$defs"}


def _schemas() -> Json:
    kinds = [k for e in ENDPOINTS.values() for k in (e.body, e.answer) if k is not None]
    found: Json = {}
    for kind in (*kinds, ChatFrame):
        schema = TypeAdapter(kind).json_schema(mode=_MODE, ref_template=_REF)
        found.update(schema.pop("$defs", {}))
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            found[kind.__name__] = schema
    return dict(sorted(found.items()))
