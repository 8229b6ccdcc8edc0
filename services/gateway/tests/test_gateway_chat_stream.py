"""The AI stream through the gateway: at once, whole frames, an honest end."""

import asyncio

import orjson
import pytest
from aiohttp import web

PATH = "/api/chat/stream"
ASK = {"json": {"message": "hi"}}


def delta(text: str) -> bytes:
    return b'data: {"type":"message","content":"%b"}\n\n' % text.encode()


DONE = b'data: {"type":"done","content":""}\n\n'


class Script:
    """A chat stream that the test speaks."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self.started = asyncio.Event()

    async def play(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "X-Session-Name": "session_a"}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        self.started.set()
        while (words := await self.said.get()) is not None:
            if words == "break":
                assert request.transport is not None
                request.transport.abort()
                return response
            await response.write(words)
        await response.write_eof()
        return response


@pytest.fixture
def script(services):
    script = Script()
    services.on("POST", PATH, script.play)
    return script


def frames(raw: bytes) -> list[dict]:
    return [orjson.loads(block[6:]) for block in raw.split(b"\n\n") if block.startswith(b"data: ")]


async def test_each_delta_comes_at_once_and_unchanged(door, script, visitor):
    async with door.call("POST", PATH, headers=visitor("session_a"), **ASK) as response:
        for text in ("a", "b", "你好"):
            script.said.put_nowait(delta(text))
            # the next is only spoken when this one has come
            assert await response.content.readuntil(b"\n\n") == delta(text)
        script.said.put_nowait(DONE)
        script.said.put_nowait(None)
        assert await response.content.read() == DONE
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Cache-Control"] == "no-store, no-transform"


async def test_a_frame_split_on_the_way_is_passed_on_whole(door, script, visitor):
    async with door.call("POST", PATH, headers=visitor("session_a"), **ASK) as response:
        whole = delta("abcdef")
        script.said.put_nowait(whole[:10])
        script.said.put_nowait(whole[10:] + DONE[:5])
        assert await response.content.readuntil(b"\n\n") == whole
        script.said.put_nowait(DONE[5:])
        script.said.put_nowait(None)
        assert await response.content.read() == DONE


async def test_a_broken_upstream_is_turn_lost_and_never_half_a_frame(door, script, visitor):
    async with door.call("POST", PATH, headers=visitor("session_a"), **ASK) as response:
        script.said.put_nowait(delta("a"))
        await response.content.readuntil(b"\n\n")
        script.said.put_nowait(delta("half")[:12])
        script.said.put_nowait("break")
        rest = frames(await response.content.read())
    assert [f["type"] for f in rest] == ["error"]
    assert rest[0]["code"] == "TURN_LOST"
    assert rest[0]["content"]


async def test_a_silent_upstream_is_turn_lost(open_door, script, visitor):
    async with (
        open_door(chat_silence_seconds=0.2) as door,
        door.call("POST", PATH, headers=visitor("session_a"), **ASK) as response,
    ):
        rest = frames(await response.content.read())
        script.said.put_nowait(None)
    assert rest[0]["code"] == "TURN_LOST"


async def test_a_draining_gateway_says_stream_moved(open_door, script, visitor, until):
    async with open_door(drain_chat_seconds=0.1) as door:
        async with door.call("POST", PATH, headers=visitor("session_a"), **ASK) as response:
            script.said.put_nowait(delta("a"))
            await response.content.readuntil(b"\n\n")
            door.running.terminate()
            rest = frames(await response.content.read())
        script.said.put_nowait(None)
        await door.running.task
    assert rest[0]["code"] == "STREAM_MOVED"


async def test_a_draining_gateway_lets_a_stream_end_by_itself(open_door, script, visitor, until):
    async with open_door(drain_chat_seconds=4) as door:
        async with door.call("POST", PATH, headers=visitor("session_a"), **ASK) as response:
            script.said.put_nowait(delta("a"))
            await response.content.readuntil(b"\n\n")
            door.running.terminate()
            await until(lambda: door.running.chassis.draining)
            script.said.put_nowait(DONE)
            script.said.put_nowait(None)
            assert await response.content.read() == DONE
        await door.running.task


async def test_a_refusal_before_the_stream_is_an_answer(services, door, visitor):
    async def refused(_request):
        failure = {"code": "MANUAL_IN_PROGRESS", "message": "a colleague"}
        return web.json_response({"success": False, "error": failure}, status=409)

    services.on("POST", PATH, refused)
    status, body, _ = await door.answer("POST", PATH, headers=visitor("session_a"), **ASK)
    assert (status, body["error"]["code"]) == (409, "MANUAL_IN_PROGRESS")


async def test_a_fourth_request_in_flight_is_429(
    services, door, script, visitor, redis, keys, until
):
    headers = visitor("session_a")
    opened = [await door.http.post(door.running.url + PATH, headers=headers, **ASK) for _ in "123"]
    status, body, answer = await door.answer("POST", PATH, headers=headers, **ASK)
    assert (status, body["error"]["code"]) == (429, "TOO_MANY_STREAMS")
    assert answer["Retry-After"]
    other = await door.http.post(door.running.url + PATH, headers=visitor("session_b"), **ASK)
    assert other.status == 200
    for _ in range(4):
        script.said.put_nowait(None)
    for response in (*opened, other):
        await response.read()

    async def free():
        return await redis.zcard(keys.chats("session_a")) == 0

    await until(free)


async def test_leases_count_over_all_gateways(open_door, script, visitor, services):
    headers = visitor("session_a")
    async with open_door() as one, open_door() as two:
        opened = [
            await d.http.post(d.running.url + PATH, headers=headers, **ASK) for d in (one, two, one)
        ]
        status, _, _ = await two.answer("POST", PATH, headers=headers, **ASK)
        assert status == 429
        for _ in opened:
            script.said.put_nowait(None)
        for response in opened:
            await response.read()


async def test_the_fourth_passes_where_the_limit_is_off(open_door, script, visitor):
    """The canary of the limit above."""
    headers = visitor("session_a")
    async with open_door(chats_per_visitor=0) as door:
        opened = [
            await door.http.post(door.running.url + PATH, headers=headers, **ASK) for _ in "1234"
        ]
        assert [response.status for response in opened] == [200] * 4
        for _ in opened:
            script.said.put_nowait(None)
        for response in opened:
            await response.read()


async def test_a_lost_gateway_frees_its_places(open_door, script, visitor, redis, keys, until):
    """A lease that nobody renews runs out by itself."""
    async with open_door(lease_renew_seconds=60) as door:
        headers = visitor("session_a")
        for n in range(3):
            await redis.run(
                door.wiring.gate._admission._admit,
                [keys.chats("session_a")],
                [f"dead-{n}", 0, 3, 3000],
            )

        async def passes():
            status, _, _ = await door.answer(
                "POST", "/api/chat", headers=headers, json={"message": "x"}
            )
            return status == 200

        assert not await passes()
        await until(passes)
