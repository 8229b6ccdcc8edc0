"""What a second pair of eyes found: each story went wrong once."""

from collections.abc import Callable

import pytest

from dev.actors import Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("e2e")]


async def test_a_conversation_id_never_turns_into_a_visitors_token(
    new_visitor: Callable[[], Visitor],
) -> None:
    owner, plain = new_visitor(), new_visitor()
    await owner.new()
    conversation = (await owner.state())["conversation_id"]
    known = {"message": "hi", "user_id": owner.name, "conversation_id": conversation}
    for path in ("/api/chat", "/api/chat/stream"):
        answer = await plain.post(path, known)
        assert answer.status == 200
        assert "X-Visitor-Token" not in answer.headers
    stray = {"message": "hi", "conversation_id": "7" * 19}
    made = await new_visitor().post("/api/chat", stray)
    assert "X-Visitor-Token" in made.headers  # a session of its own


async def test_notices_come_in_the_language_of_the_visitors_browser(
    new_visitor: Callable[[], Visitor],
) -> None:
    visitor = new_visitor()
    visitor.headers["Accept-Language"] = "zh-CN,zh;q=0.9"
    await visitor.new()
    answer = await visitor.chat("转人工")
    assert answer.body["status"] == "pending_manual"
    assert "客服" in answer.body["message"]
    assert (await visitor.state())["user_profile"]["language"] == "zh"
