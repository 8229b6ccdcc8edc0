"""Redis away while an answer is spoken: the visitor has it, and it is told once Redis is back."""

from collections.abc import Iterator

import pytest
from common.testing.server import Server, running_server

CHAT = "/v1/workflows/chat"


@pytest.fixture
def own_server(tmp_path) -> Iterator[Server]:
    with running_server(tmp_path, options=("--maxmemory-policy", "noeviction")) as server:
        yield server
        server.thaw()


@pytest.fixture
def redis_url(own_server: Server) -> str:
    """A server of its own, which these tests may freeze."""
    return own_server.url()


async def test_an_answer_given_while_redis_hangs_is_told_later_and_once(
    start_chat, chat_settings, state, coze_bytes, wire, own_server, until
) -> None:
    async with start_chat(chat_settings(turn_closed_wait_seconds=0.2)) as chat:
        assert (await chat.ask("warm"))[0] == 200

        async def speak_while_redis_hangs(_, writer) -> None:
            own_server.freeze()
            writer.write(wire.STREAM_HEAD)
            writer.write(wire.chunked(wire.CREATED + wire.delta("kept") + wire.COMPLETED))
            writer.write(b"0\r\n\r\n")

        coze_bytes.on(CHAT, speak_while_redis_hangs)
        assert [f["type"] for f in await chat.stream("Hi")] == ["meta", "message", "done"]
        assert len(state.ended) == 1
        own_server.thaw()
        await until(lambda: len(state.ended) == 2)
        await until(lambda: len(chat.running.wiring.roster) == 0)
        assert [e.content for e in state.ended] == ["Hello.", "kept"]


async def test_a_token_is_got_from_coze_where_the_cache_is_away(
    start_chat, chat_settings, state, coze_bytes, own_server
) -> None:
    async with start_chat(chat_settings(turn_closed_wait_seconds=0.2)) as chat:
        own_server.freeze()
        assert await chat.ask("Hi") == (200, {"success": True, "message": "Hello."})
        own_server.thaw()
