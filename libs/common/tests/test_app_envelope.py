"""Every failure of every app is the one envelope, and tells nothing it should not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import aiohttp
import pytest
from common.app import Chassis, authorize_scope, bare, build_app, context, ok, read_json, send_json
from common.app.build import authorize
from common.contracts.common import Strict
from common.errors import AlreadyTaken, Busy, Unavailable
from common.security.caller import Caller
from common.settings import ServiceSettings
from fastapi import APIRouter, Depends
from starlette.responses import Response

Who = Annotated[Caller, Depends(authorize)]
router = APIRouter()


class Word(Strict):
    word: str
    times: int = 1


@router.post("/internal/fast/{name}")
async def by_fastapi(name: str, body: Word, caller: Who) -> Response:
    if body.word == "crash":
        raise RuntimeError("the store says: password=hunter22")
    if body.word == "taken":
        raise AlreadyTaken(winner="Ada")
    if body.word == "busy":
        raise Busy(retry_after=1.2)
    if body.word == "away":
        raise Unavailable(service="session-state", reason="ConnectionRefusedError", retry_after=2)
    return ok({"word": body.word, "by": caller.service, "name": name})


async def by_hand(scope: Any, receive: Any, send: Any) -> None:
    body = await read_json(receive, Word)
    if body.word == "crash":
        raise RuntimeError("the store says: password=hunter22")
    if body.word == "taken":
        raise AlreadyTaken(winner="Ada")
    if body.word == "busy":
        raise Busy(retry_after=1.2)
    if body.word == "away":
        raise Unavailable(service="session-state", reason="ConnectionRefusedError", retry_after=2)
    found = context(scope)
    answer = {"word": body.word, "by": authorize_scope(scope).service, **found.path_params}
    await send_json(send, {"success": True, "data": answer})


@asynccontextmanager
async def wire(chassis: Chassis) -> AsyncIterator[None]:
    yield None


@pytest.fixture
async def http(make_settings, test_keys, clock, run_app):
    app = build_app(
        name="session-state",
        settings=make_settings(ServiceSettings),
        wire=wire,
        routers=[router],
        hot=[bare("POST", "/internal/bare/{name}", by_hand)],
        clock=clock,
    )
    credential = {"X-Internal-Token": test_keys.internal("gateway").header("session-state")}
    async with (
        run_app(app) as running,
        aiohttp.ClientSession(running.url, headers=credential) as session,
    ):
        yield session


both = pytest.mark.parametrize("path", ["/internal/fast/a", "/internal/bare/a"])


async def failure(response, status: int, code: str) -> dict[str, Any]:
    assert response.status == status
    body = await response.json()
    assert body["success"] is False
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body


@both
async def test_a_good_body_is_answered(http, path):
    response = await http.post(path, json={"word": "hi"})
    assert response.status == 200
    assert (await response.json())["data"] == {"word": "hi", "by": "gateway", "name": "a"}


@both
@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b'{"word": NaN}', b'{"word": "\\ud800"}', b"[" * 20_000, b'{"a":1}x'],
    ids=["cut", "no utf-8", "nan", "surrogate", "nested", "trailing"],
)
async def test_what_is_not_json_is_bad_json(http, path, body):
    response = await http.post(path, data=body, headers={"Content-Type": "application/json"})
    await failure(response, 400, "BAD_JSON")


@both
async def test_wrong_fields_are_named_without_their_values(http, path):
    response = await http.post(path, json={"times": "secret-of-a-visitor", "more": 1})
    body = await failure(response, 422, "VALIDATION_ERROR")
    fields = {f["field"]: f["rule"] for f in body["error"]["details"]["fields"]}
    assert fields == {"word": "missing", "times": "int_parsing", "more": "extra_forbidden"}
    assert "secret-of-a-visitor" not in await response.text()


@both
async def test_a_missing_body_is_a_failure_of_the_caller(http, path):
    response = await http.post(path, headers={"Content-Type": "application/json"})
    assert response.status in (400, 422)
    assert (await response.json())["success"] is False


@both
async def test_only_json_is_taken(http, path):
    await failure(await http.post(path, data=b"word=hi"), 415, "UNSUPPORTED_MEDIA_TYPE")
    form = await http.post(path, data={"word": "hi"})
    await failure(form, 415, "UNSUPPORTED_MEDIA_TYPE")
    named = await http.post(
        path, data=b'{"word":"hi"}', headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert named.status == 200


@both
async def test_large_bodies_are_refused_with_or_without_a_length(http, path):
    large = b'{"word": "' + b"x" * 70_000 + b'"}'
    kind = {"Content-Type": "application/json"}
    await failure(await http.post(path, data=large, headers=kind), 413, "BODY_TOO_LARGE")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 1000):
            yield large[start : start + 1000]

    await failure(await http.post(path, data=pieces(), headers=kind), 413, "BODY_TOO_LARGE")


@both
async def test_a_crash_tells_nothing(http, path):
    response = await http.post(path, json={"word": "crash"})
    await failure(response, 500, "INTERNAL_ERROR")
    text = await response.text()
    assert "hunter22" not in text
    assert "RuntimeError" not in text
    assert "Traceback" not in text


@both
async def test_a_declared_failure_keeps_its_details(http, path):
    response = await http.post(path, json={"word": "taken"})
    body = await failure(response, 409, "ALREADY_TAKEN")
    assert body["error"]["details"] == {"winner": "Ada"}


@both
async def test_retry_after_is_said_in_whole_seconds_rounded_up(http, path):
    response = await http.post(path, json={"word": "busy"})
    await failure(response, 503, "BUSY")
    assert response.headers["Retry-After"] == "2"


@both
async def test_which_of_our_services_failed_is_nobodys_business(http, path, caplog):
    response = await http.post(path, json={"word": "away"})
    body = await failure(response, 503, "UNAVAILABLE")
    assert body["error"]["details"] == {"retry_after": 2}
    assert any(getattr(r, "details", {}).get("service") == "session-state" for r in caplog.records)


async def test_unknown_paths_and_methods(http):
    await failure(await http.get("/nowhere"), 404, "NOT_FOUND")
    await failure(await http.get("/internal/nowhere"), 404, "NOT_FOUND")
    await failure(await http.get("/api/agent/login"), 404, "NOT_FOUND")
    for path in ("/internal/fast/a", "/internal/bare/a"):
        response = await http.get(path)
        await failure(response, 405, "METHOD_NOT_ALLOWED")
        assert response.headers["Allow"] == "POST"
    response = await http.delete("/api/shift/config")
    await failure(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == "GET, PUT"


async def test_too_many_or_too_long_headers(http):
    many = {f"X-Filler-{number}": "x" for number in range(120)}
    await failure(await http.get("/nowhere", headers=many), 431, "HEADERS_TOO_LARGE")
    long = {f"X-Long-{number}": "x" * 7000 for number in range(6)}
    await failure(await http.get("/nowhere", headers=long), 431, "HEADERS_TOO_LARGE")


async def test_the_request_id_is_the_callers_where_it_is_well_formed(http):
    response = await http.get("/nowhere", headers={"X-Request-ID": "abc_DEF-123"})
    assert response.headers["X-Request-ID"] == "abc_DEF-123"
    for wrong in ("short", "has space in it", "x" * 65, 'quote"quote'):
        response = await http.get("/nowhere", headers={"X-Request-ID": wrong})
        made = response.headers["X-Request-ID"]
        assert made != wrong
        assert len(made) == 32


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ("en", "Not found."),
        ("en-GB,zh;q=0.5", "Not found."),
        ("fr,en;q=0.4,zh;q=0.9", "没有找到。"),
        ("zh-CN", "没有找到。"),
        ("fr", "没有找到。"),
        ("", "没有找到。"),
        ("en;q=x, zh", "没有找到。"),
    ],
)
async def test_people_read_their_language(http, wish, text):
    response = await http.get("/nowhere", headers={"Accept-Language": wish})
    assert (await response.json())["error"]["message"] == text


async def test_metrics_count_by_template_not_by_path(http):
    for name in ("a", "b", "c"):
        await http.post(f"/internal/bare/{name}", json={"word": "hi"})
        await http.get(f"/nowhere/{name}")
    text = await (await http.get("/metrics")).text()
    assert (
        'kefu_requests_total{method="POST",route="/internal/bare/{name}",status="200"} 3.0' in text
    )
    assert 'kefu_requests_total{method="GET",route="unmatched",status="404"} 3.0' in text
    assert "/nowhere" not in text


async def test_health_and_metrics_are_not_for_those_behind_a_proxy(http):
    outside = {"X-Forwarded-For": "203.0.113.9"}
    for path in ("/metrics", "/health/ready", "/health/live"):
        assert (await http.get(path)).status == 200
        await failure(await http.get(path, headers=outside), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("peer", "near"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("::1", True),
        ("fd00::7", True),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("", False),
        ("nonsense", False),
    ],
)
async def test_metrics_are_for_the_services_own_network(make_settings, peer, near):
    app = build_app(name="session-state", settings=make_settings(ServiceSettings), wire=wire)
    statuses = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "headers": [],
        "client": (peer, 1),
    }
    await app({**scope, "query_string": b"", "root_path": ""}, receive, send)
    assert (statuses[0] == 200) is near
