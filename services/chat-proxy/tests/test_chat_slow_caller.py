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
    settings = chat_settings(
        send_deadline_seconds=0.3, coze_gap_seconds=20, coze_read_timeout_seconds=20
    )
    async with start_chat(settings) as chat:
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
        await until(lambda: state.ended, timeout=20)
        assert state.ended[0].content == text * 30
        writer.close()
        del reader


async def test_a_send_that_waits_for_ever_is_given_up_after_its_deadline() -> None:
    sent: list[int] = []

    async def send(message: dict) -> None:
        sent.append(len(message["body"]))
        if sum(sent) > 64 * 1024:  # as uvicorn: it waits once so much lies unsent
            await asyncio.Event().wait()

    stream = EventStream(send, deadline_seconds=0.05)
    async with asyncio.timeout(5):
        for _ in range(20):
            await stream.write(b"x" * 8 * 1024)
        await stream.close()
    assert len(sent) == 9


async def test_a_caller_who_is_gone_is_no_failure() -> None:
    async def send(message: dict) -> None:
        raise ConnectionResetError

    stream = EventStream(send, deadline_seconds=5)
    await stream.write(b"x")
    await stream.close()
