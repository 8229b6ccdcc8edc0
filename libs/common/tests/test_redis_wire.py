"""The bytes: replies in pieces, garbage, one write for many callers, and the place in the line."""

import asyncio

import pytest
from common.redis.command import pack
from common.redis.errors import Lost, Refused
from common.redis.wire import Wire


class Server:
    """Says what the test tells it to, and remembers each write it got."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.arrived = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        while data := await reader.read(65536):
            self.got.append(data)
            self.arrived.set()
        writer.close()

    def say(self, data: bytes) -> None:
        self.writer.write(data)


@pytest.fixture
async def told():
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    yield server, listening.sockets[0].getsockname()[1]
    listening.close()


async def _dial(port: int, **more) -> Wire:
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(
        lambda: Wire(timeout_seconds=more.pop("timeout_seconds", 5.0), **more), "127.0.0.1", port
    )
    return wire


GET = pack("GET", "k")


async def test_what_many_ask_in_one_turn_leaves_in_one_write(told):
    server, port = told
    wire = await _dial(port)
    asked = [wire.send([GET]) for _ in range(50)]
    await server.arrived.wait()
    assert server.got == [GET * 50]
    server.say(b"".join(b":%d\r\n" % n for n in range(50)))
    assert await asyncio.gather(*asked) == [[n] for n in range(50)]
    wire.abort("end")


async def test_replies_may_come_in_any_pieces(told):
    server, port = told
    wire = await _dial(port)
    asked = [wire.send([GET]), wire.send([GET, GET])]
    await server.arrived.wait()
    for byte in b"$5\r\nhello\r\n*2\r\n:1\r\n$-1\r\n-NOGROUP no such group\r\n":
        server.say(bytes([byte]))
        await server.writer.drain()
    assert await asked[0] == [b"hello"]
    pair, refused = await asked[1]
    assert pair == [1, None]
    assert isinstance(refused, Refused)
    assert refused.code == "NOGROUP"
    wire.abort("end")


async def test_a_cancelled_caller_keeps_its_place(told):
    server, port = told
    wire = await _dial(port)
    first, second = wire.send([GET]), wire.send([GET])
    await server.arrived.wait()
    first.cancel()
    server.say(b"+one\r\n+two\r\n")
    assert await second == [b"two"]
    wire.abort("end")


async def test_canary_without_its_place_the_next_caller_gets_its_reply(told):
    server, port = told
    wire = await _dial(port)
    first, second = wire.send([GET]), wire.send([GET])
    await server.arrived.wait()
    first.cancel()
    wire._asked.popleft()  # what a client does that forgets a cancelled caller
    server.say(b"+one\r\n")
    assert await second == [b"one"]
    wire.abort("end")


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*-7\r\n", b"!!!\r\n"])
async def test_garbage_ends_the_connection(told, garbage):
    server, port = told
    wire = await _dial(port)
    asked = wire.send([GET])
    await server.arrived.wait()
    server.say(garbage)
    with pytest.raises(Lost) as lost:
        await asked
    assert lost.value.sent is True
    assert wire.lost


async def test_a_reply_nobody_asked_for_ends_the_connection(told, until):
    server, port = told
    wire = await _dial(port)
    await until(lambda: server.writer is not None)
    server.say(b"+hello\r\n")
    await until(lambda: wire.lost)


async def test_what_never_left_is_known_not_to_be_applied(told, until):
    server, port = told
    wire = await _dial(port)
    sent = wire.send([GET])
    await server.arrived.wait()
    queued = wire.send([GET])
    wire.abort("now")
    with pytest.raises(Lost) as first:
        await sent
    with pytest.raises(Lost) as second:
        await queued
    assert (first.value.sent, second.value.sent) == (True, False)
    with pytest.raises(Lost):
        wire.send([GET])


async def test_silence_while_an_answer_is_due_ends_the_connection(told):
    _, port = told
    wire = await _dial(port, timeout_seconds=0.1)
    with pytest.raises(Lost, match="no answer"):
        await wire.send([GET])


async def test_a_retired_wire_answers_what_is_asked_and_closes(told, until):
    server, port = told
    wire = await _dial(port)
    asked = wire.send([GET])
    await server.arrived.wait()
    wire.retire()
    with pytest.raises(Lost):
        wire.send([GET])
    server.say(b"+last\r\n")
    assert await asked == [b"last"]
    await until(lambda: wire.lost)


async def test_a_published_message_is_not_taken_for_a_reply(told):
    server, port = told
    heard = []
    wire = await _dial(port, on_message=heard.append)
    asked = wire.send([pack("SUBSCRIBE", "c")])
    await server.arrived.wait()
    server.say(
        b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
    )
    assert await asked == [[b"subscribe", b"c", 1]]
    assert heard == [b"hi"]
    wire.abort("end")
