"""Bad input meets the envelope, whatever it is and wherever it goes; never a 500."""

import asyncio
import json

import pytest
from common.security.policy import RULES

from dev.actors import Agent, Answer, Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("e2e")]


def assert_envelope(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.body["success"] is False
    assert answer.body["error"]["message"]
    assert answer.body["request_id"] == answer.headers["X-Request-ID"]
    assert "Traceback" not in str(answer.body)


async def test_malformed_json_is_a_400(visitor: Visitor) -> None:
    for path in ("/api/chat", "/api/chat/stream", "/api/conversation/new", "/api/agent/login"):
        assert_envelope(await visitor.call("POST", path, raw=b'{"message": '), 400, "BAD_JSON")


async def test_a_wrong_type_is_a_422_that_names_the_field(visitor: Visitor) -> None:
    answer = await visitor.post("/api/chat", {"message": 12})
    assert_envelope(answer, 422, "VALIDATION_ERROR")
    assert "message" in str(answer.body["error"]["details"]["fields"])


@pytest.mark.parametrize("message", ["", "   \n ", "x" * 5001, "a\x00b", "a\x1b[31mb"])
async def test_texts_outside_the_limits_are_refused(visitor: Visitor, message: str) -> None:
    for path in ("/api/chat", "/api/chat/stream"):
        assert_envelope(await visitor.post(path, {"message": message}), 422, "VALIDATION_ERROR")


async def test_a_text_of_exactly_5000_characters_is_answered(visitor: Visitor) -> None:
    assert (await visitor.chat("电" * 5000)).status == 200


@pytest.mark.parametrize("name", ["a b", "x" * 129, "../etc", "名字", ""])
async def test_ids_outside_the_pattern_are_refused(visitor: Visitor, name: str) -> None:
    answer = await visitor.post("/api/chat", {"message": "hi", "user_id": name})
    assert_envelope(answer, 422, "VALIDATION_ERROR")


async def test_core_chat_passes_over_unknown_fields_and_the_rest_refuses_them(
    visitor: Visitor,
) -> None:
    assert (await visitor.chat("hello", shop_theme="dark")).status == 200
    answer = await visitor.escalate(color="red")
    assert_envelope(answer, 422, "VALIDATION_ERROR")


async def test_a_wrong_content_type_is_a_415(visitor: Visitor) -> None:
    await visitor.new()
    for path in ("/api/chat", "/api/manual/escalate", "/api/agent/login"):
        answer = await visitor.call(
            "POST", path, raw=b"message=hi", headers={"Content-Type": "text/plain"}
        )
        assert_envelope(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_over_64_kb_is_a_413(visitor: Visitor) -> None:
    await visitor.new()
    big = json.dumps({"message": "x" * 70_000}).encode()
    for path in ("/api/chat", "/api/chat/stream", "/api/manual/messages"):
        assert_envelope(await visitor.call("POST", path, raw=big), 413, "BODY_TOO_LARGE")


async def test_unknown_paths_and_methods(visitor: Visitor) -> None:
    assert_envelope(await visitor.get("/api/nothing"), 404, "NOT_FOUND")
    answer = await visitor.call("DELETE", "/api/chat")
    assert_envelope(answer, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]
    assert_envelope(await visitor.get("/internal/turns/open"), 404, "NOT_FOUND")
    assert_envelope(await visitor.get("/api/internal/turns/open"), 404, "NOT_FOUND")


async def test_the_versioned_alias_is_the_same_door(visitor: Visitor) -> None:
    answer = await visitor.get("/api/v1/health")
    assert answer.status == 200
    assert answer.headers["API-Version"] == "1"


async def test_messages_are_in_the_callers_language(visitor: Visitor) -> None:
    zh = await visitor.call("GET", "/api/nothing", headers={"Accept-Language": "zh-CN"})
    en = await visitor.call("GET", "/api/nothing", headers={"Accept-Language": "en-GB"})
    assert zh.body["error"]["message"] != en.body["error"]["message"]


async def test_a_request_id_is_taken_when_it_is_sound_and_made_when_not(visitor: Visitor) -> None:
    good = await visitor.call("GET", "/api/health", headers={"X-Request-ID": "abcdefgh-1"})
    assert good.headers["X-Request-ID"] == "abcdefgh-1"
    bad = await visitor.call("GET", "/api/health", headers={"X-Request-ID": "no good!"})
    assert bad.headers["X-Request-ID"] != "no good!"


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"123",
    b"{}",
    b'{"message": {"a": []}}',
    b"\xff\xfe",
    b'{"a":' * 3000,
]


# logging out would end the shared admin's login
BODIES = [r for r in RULES if r.method in ("POST", "PUT") and not r.path.endswith("/logout")]


@pytest.mark.parametrize("rule", BODIES, ids=lambda r: r.path)
async def test_garbage_in_any_body_never_makes_a_5xx(
    visitor: Visitor, admin: Agent, rule, new_visitor
) -> None:
    path = rule.path.replace("{name}", "nobody").replace("{username}", "nobody")
    for raw in GARBAGE:
        for caller in (visitor, admin):
            answer = await caller.call(rule.method, path, raw=raw)
            assert answer.status < 500, (rule.path, raw[:40], answer)
            if answer.status >= 400:
                assert answer.code, (rule.path, raw[:40], answer)


async def test_the_openapi_document_knows_every_public_endpoint(visitor: Visitor) -> None:
    document = (await visitor.get("/api/openapi.json")).body
    listed = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    missing = {(r.method, r.path) for r in RULES} - listed
    assert missing == set()
    assert not [p for p in document["paths"] if p.startswith("/internal")]
    assert (await visitor.get("/api/docs")).status == 200


async def test_slow_and_half_requests_do_not_disturb_others(stack, visitor: Visitor) -> None:
    host, port = stack.gateway_address()
    half = [await asyncio.open_connection(host, port) for _ in range(20)]
    for _, writer in half:
        writer.write(b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    assert (await visitor.chat("hello")).status == 200
    for _, writer in half:
        writer.close()
