"""`new`, `create` and `clear`: a conversation made by Coze, or nothing changed at all."""

from collections.abc import Mapping

import pytest
from common.errors import ManualInProgress

CREATE = "/v1/conversation/create"


async def call(chat, path: str, body: dict, **kw) -> tuple[int, dict, Mapping[str, str]]:
    async with chat.post(f"/api/conversation/{path}", body, **kw) as response:
        return response.status, await response.json(), response.headers.copy()


@pytest.mark.parametrize(
    ("path", "body"), [("new", {"session_id": "session_a"}), ("create", {"user_id": "session_a"})]
)
async def test_a_new_conversation_is_made_by_coze_and_set(
    chat, state, coze_bytes, wire, path, body
) -> None:
    coze_bytes.on(CREATE, wire.reply({"code": 0, "data": {"id": "V42"}}))
    status, answer, headers = await call(chat, path, body)
    assert (status, answer) == (200, {"success": True, "conversation_id": "V42"})
    assert headers["X-Session-Name"] == "session_a"
    assert headers["X-Session-Sid"] == "sid-of-a-test"
    assert state.set[0]["conversation_id"] == "V42"
    assert state.set[0]["clear"] is False


async def test_clear_starts_the_visible_history_anew(chat, state) -> None:
    _, answer, _ = await call(chat, "clear", {"session_id": "session_a"}, name="session_a")
    assert answer["conversation_id"] == "V1"
    assert answer["message"]
    assert (state.set[0]["clear"], state.set[0]["sid"]) == (True, "sid-of-a-test")


async def test_without_a_name_a_session_is_drawn(chat) -> None:
    _, _, headers = await call(chat, "new", {})
    assert headers["X-Session-Name"] == "s_drawn"


async def test_coze_down_is_a_503_and_nothing_was_changed(chat, state, coze_bytes, wire) -> None:
    coze_bytes.on(CREATE, wire.reply({"code": 5000, "msg": "x"}))
    status, answer, _ = await call(chat, "new", {"session_id": "session_a"})
    assert (status, answer["error"]["code"]) == (503, "AI_UNAVAILABLE")
    assert state.set == []


async def test_a_refusal_costs_no_conversation(chat, state, coze_bytes) -> None:
    state.refusal = ManualInProgress()
    status, answer, _ = await call(chat, "clear", {"session_id": "session_a"}, name="session_a")
    assert (status, answer["error"]["code"]) == (409, "MANUAL_IN_PROGRESS")
    assert coze_bytes.asked(CREATE) == []


async def test_a_token_does_not_open_another_session(chat, state) -> None:
    status, answer, _ = await call(chat, "new", {"session_id": "session_b"}, name="session_a")
    assert (status, answer["error"]["code"]) == (403, "SESSION_FORBIDDEN")
    assert state.set == []


@pytest.mark.parametrize("session_id", ["a b", "", "x" * 129, "../x", 7])
async def test_a_malformed_name_is_422(chat, session_id) -> None:
    status, answer, _ = await call(chat, "new", {"session_id": session_id})
    assert (status, answer["error"]["code"]) == (422, "VALIDATION_ERROR")


async def test_a_new_session_speaks_the_language_of_its_visitors_browser(chat, state) -> None:
    """Old storefronts send no `language`; notices must not come in the shop's own by default."""
    await call(chat, "new", {"session_id": "session_a"}, **{"Accept-Language": "zh-CN"})
    asked = {"session_id": "session_b", "language": "de"}
    await call(chat, "new", asked, **{"Accept-Language": "zh-CN"})
    await call(chat, "new", {"session_id": "session_c"})
    assert [one.get("language") for one in state.set] == ["zh", "de", None]
