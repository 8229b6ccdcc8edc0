"""A caller who does not read is written to no more; their answer is finished all the same."""

import asyncio
import json

from chat_proxy.routes.stream import EventStream

CHAT = "/v1/workflows/chat"


async def test_a_caller_who_never_reads_does_not_hold_the_turn(
    start_chat, chat_settings, state, coze_bytes, wire, until
) -> None:
    text = "x" * 2000
    coze_bytes.on(
        CHAT, wire.stream(wire.CREATED, *[wire.delta(text)] * 30, wire.COMPLETED + wire.DONE)
    )
    async with start_chat(chat_settings(send_deadline_seconds=0.3)) as chat:
        body = json.dumps({"message": "Hi"})
        token = chat.token("session_a")["X-Visitor-Token"]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(chat.url.rpartition(":")[2]), limit=1
        )
        writer.transport.pause_reading()
        writer.write(
            f"POST /api/chat/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"X-Visitor-Token: {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        await until(lambda: state.ended)
        assert state.ended[0].content == text * 30
        writer.close()
        del reader


class Socket:
    """Stands where the caller's connection is."""

    def __init__(self, *, taken: int, gone: bool = False) -> None:
        self.written: list[bytes] = []
        self.gone, self.aborted = gone, False
        self._taken = taken

    @property
    def paused(self) -> bool:
        """As uvicorn: once so much lies unsent."""
        return sum(map(len, self.written)) > self._taken

    def write(self, data: bytes) -> None:
        if not self.gone:
            self.written.append(data)

    async def drained(self) -> None:
        await asyncio.Event().wait()

    def abort(self) -> None:
        self.aborted = True


async def test_a_caller_who_takes_nothing_is_given_up_after_the_deadline(until) -> None:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    socket = Socket(taken=64 * 1024)
    stream = EventStream(send, socket, deadline_seconds=0.05)
    for _ in range(10):
        stream.write(b"x" * 8 * 1024)
    assert len(socket.written) == 10

    def is_given_up() -> bool:
        before = len(socket.written)
        stream.write(b"y")
        return len(socket.written) == before

    await until(is_given_up)
    async with asyncio.timeout(5):
        await stream.close()
    assert sent == []


async def test_a_caller_who_is_gone_is_no_failure() -> None:
    async def send(message: dict) -> None:
        raise ConnectionResetError

    socket = Socket(taken=64 * 1024, gone=True)
    stream = EventStream(send, socket, deadline_seconds=5)
    stream.write(b"x")
    await stream.close()
    assert socket.written == []
