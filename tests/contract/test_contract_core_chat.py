"""Core chat is frozen: what storefronts call today answers to the letter as it did, end to end."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dev.actors import Answer, Visitor
from dev.rig import Rig, running_rig

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("contract")]
ENVELOPE = {"success", "error", "request_id"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def product(tmp_path_factory) -> AsyncIterator[Rig]:
    """With the switch for plain callers of the old contract on, and little patience with Coze."""
    env = {
        "LEGACY_CHAT": "true",
        "COZE_BACKOFF_SECONDS": "0.01",
        "COZE_BREAKER_FAILURES": "100000",
    }
    async with running_rig(tmp_path_factory.mktemp("contract"), env=env) as rig:
        yield rig


@pytest.fixture
def visitor(product: Rig) -> Visitor:
    return product.visitor()


def frozen_success(answer: Answer, *keys: str) -> None:
    assert answer.status == 200, answer
    assert list(answer.body) == ["success", *keys]
    assert answer.body["success"] is True
    assert answer.headers["Content-Type"] == "application/json"


def frozen_failure(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer
    assert set(answer.body) == ENVELOPE
    assert answer.body["success"] is False
    assert answer.body["error"]["message"]
    assert answer.body["request_id"] == answer.headers["X-Request-ID"]


async def raw_stream(caller: Visitor, body: dict, path: str = "/api/chat/stream") -> list[bytes]:
    """The frames as they came over the wire, comments left out."""
    url = caller.base + path
    async with caller.http.post(url, json=body, headers=caller.headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert answer.headers["X-Accel-Buffering"] == "no"
        caller.keep(answer.headers)
        whole = await answer.read()
    assert whole.endswith(b"\n\n")
    return [frame for frame in whole.split(b"\n\n") if frame and not frame.startswith(b":")]


# --- conversations ---------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
@pytest.mark.parametrize(
    ("call", "field", "keys"),
    [
        ("new", "session_id", ("conversation_id",)),
        ("create", "user_id", ("conversation_id",)),
        ("clear", "session_id", ("conversation_id", "message")),
    ],
)
async def test_a_conversation_is_begun(product: Rig, visitor, prefix, call, field, keys) -> None:
    name = f"shop_{call}_{prefix.count('/')}"
    answer = await visitor.post(f"{prefix}/conversation/{call}", {field: name})
    frozen_success(answer, *keys)
    assert isinstance(answer.body["conversation_id"], str)
    assert answer.headers["X-Session-Name"] == name
    assert answer.headers["X-Visitor-Token"].count(".") == 2
    assert answer.headers["API-Version"] == "1"


async def test_conversations_are_cozes_and_never_shared(product: Rig) -> None:
    ids = [(await product.visitor().new()).body["conversation_id"] for _ in range(5)]
    assert len(set(ids)) == 5
    assert all(number.isdecimal() and len(number) > 15 for number in ids), ids


async def test_a_new_conversation_keeps_the_session(visitor: Visitor) -> None:
    first = await visitor.new("shop_keeps")
    again = await visitor.new("shop_keeps")
    assert again.headers["X-Session-Name"] == "shop_keeps"
    assert again.body["conversation_id"] != first.body["conversation_id"]


# --- /api/chat -------------------------------------------------------------------------------


async def test_an_answer_is_success_and_message(visitor: Visitor) -> None:
    frozen_success(await visitor.chat("How far does the battery go?"), "message")


async def test_an_old_clients_unknown_fields_are_passed_over(visitor: Visitor) -> None:
    await visitor.new("shop_old_client")
    answer = await visitor.chat("Hello", source="web", version=3, parameters={"unknown": True})
    frozen_success(answer, "message")


async def test_a_plain_caller_goes_on_with_the_conversation_alone(product: Rig) -> None:
    """No token, as before tokens were: the session's own conversation opens it."""
    made = await product.visitor().new("shop_plain")
    plain = product.visitor()
    body = {
        "message": "Hello",
        "user_id": "shop_plain",
        "conversation_id": made.body["conversation_id"],
    }
    frozen_success(await plain.post("/api/chat", body), "message")
    frames = await raw_stream(product.visitor(), body)
    assert json.loads(frames[-1][6:]) == {"type": "done", "content": ""}
    wrong = await product.visitor().post("/api/chat", {**body, "conversation_id": "1"})
    frozen_failure(wrong, 403, "SESSION_FORBIDDEN")


async def test_a_caller_without_a_name_gets_one(product: Rig) -> None:
    answer = await product.visitor().post("/api/chat", {"message": "Hello"})
    frozen_success(answer, "message")
    assert answer.headers["X-Session-Name"]


async def test_a_message_a_rule_escalates_is_answered_with_the_notice(visitor: Visitor) -> None:
    answer = await visitor.chat("I want to talk to a human agent")
    frozen_success(answer, "message", "status")
    assert answer.body["status"] == "pending_manual"
    frozen_failure(await visitor.chat("Hello?"), 409, "MANUAL_IN_PROGRESS")
    refused = await visitor.post("/api/chat/stream", {"message": "Hello?", "user_id": visitor.name})
    frozen_failure(refused, 409, "MANUAL_IN_PROGRESS")


async def test_coze_down_is_a_friendly_failure(visitor: Visitor) -> None:
    answer = await visitor.chat("Hello [[sim:http_500]]")
    frozen_failure(answer, 503, "AI_UNAVAILABLE")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "VALIDATION_ERROR"),
        ({"message": ""}, 422, "VALIDATION_ERROR"),
        ({"message": "   "}, 422, "VALIDATION_ERROR"),
        ({"message": "x" * 5001}, 422, "VALIDATION_ERROR"),
        ({"message": "a", "user_id": "not a name"}, 422, "VALIDATION_ERROR"),
        ([], 422, "VALIDATION_ERROR"),
    ],
)
async def test_a_wrong_question_is_refused_field_by_field(visitor, body, status, code) -> None:
    for path in ("/api/chat", "/api/chat/stream"):
        answer = await visitor.post(path, body)
        frozen_failure(answer, status, code)
        assert answer.body["error"]["details"]["fields"]


async def test_what_is_no_json_is_400(visitor: Visitor) -> None:
    for path in ("/api/chat", "/api/chat/stream", "/api/conversation/new"):
        frozen_failure(await visitor.call("POST", path, raw=b'{"message"'), 400, "BAD_JSON")


# --- /api/chat/stream ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/chat/stream", "/api/v1/chat/stream"])
async def test_a_stream_is_meta_messages_and_done(visitor: Visitor, path: str) -> None:
    frames = await raw_stream(visitor, {"message": "How far does the battery go?"}, path)
    meta = json.loads(frames[0].removeprefix(b"data: "))
    assert list(meta) == ["type", "session_name", "conversation_id", "turn_id", "message_id"]
    assert meta["type"] == "meta"
    assert meta["session_name"] == visitor.name
    assert frames[-1] == b'data: {"type":"done","content":""}'
    middle = [json.loads(frame.removeprefix(b"data: ")) for frame in frames[1:-1]]
    assert {item["type"] for item in middle} <= {"message", "suggestions"}
    deltas = [frame for frame in frames if b'"type":"message"' in frame]
    assert len(deltas) > 1
    for frame in deltas:
        assert frame.startswith(b'data: {"type":"message","content":"')
        assert list(json.loads(frame[6:])) == ["type", "content"]
    for item in middle:
        if item["type"] == "suggestions":
            assert list(item) == ["type", "items"]
            assert all(isinstance(text, str) for text in item["items"])


async def test_a_client_of_the_first_hour_reads_the_whole_answer(product: Rig) -> None:
    """It knows `message`, `done` and `error`, and nothing else."""
    told, asked = product.visitor(), product.visitor()
    whole = (await asked.chat("How far does the battery go?")).body["message"]
    text, is_done = "", False
    for frame in await raw_stream(told, {"message": "How far does the battery go?"}):
        item = json.loads(frame.removeprefix(b"data: "))
        assert item["type"] != "error"
        text += item["content"] if item["type"] == "message" else ""
        is_done = is_done or item["type"] == "done"
    assert is_done
    assert text == whole


async def test_a_failed_turn_is_an_error_frame_and_the_end(visitor: Visitor) -> None:
    frames = await raw_stream(visitor, {"message": "Hello [[sim:http_500]]"})
    items = [json.loads(frame.removeprefix(b"data: ")) for frame in frames]
    errors = [item for item in items if item["type"] == "error"]
    assert [list(item) for item in errors] == [["type", "code", "content"]]
    assert errors[0]["code"] == "AI_UNAVAILABLE"
    assert items.index(errors[0]) >= len(items) - 2


async def test_an_escalated_stream_is_meta_status_notice_and_done(visitor: Visitor) -> None:
    frames = await raw_stream(visitor, {"message": "I want to talk to a human agent"})
    items = [json.loads(frame.removeprefix(b"data: ")) for frame in frames]
    assert [item["type"] for item in items] == ["meta", "status_change", "message", "done"]
    assert list(items[1]) == ["type", "status", "reason", "timestamp"]
    assert items[1]["status"] == "pending_manual"


# --- health ----------------------------------------------------------------------------------


async def test_health_keeps_its_own_shape(product: Rig) -> None:
    answer = await product.visitor().get("/api/health")
    assert list(answer.body) == [
        "status",
        "coze_connected",
        "session_isolation",
        "version",
        "coze",
    ]
    assert (answer.status, answer.body["status"]) == (200, "healthy")
    assert answer.body["coze_connected"] is True
    assert answer.body["session_isolation"] is True


async def test_the_bots_card_keeps_its_shape(product: Rig) -> None:
    answer = await product.visitor().get("/api/bot/info")
    frozen_success(answer, "bot")
    assert list(answer.body["bot"]) == [
        "name",
        "description",
        "icon_url",
        "welcome",
        "suggested_questions",
    ]
