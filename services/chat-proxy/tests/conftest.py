"""A Coze made of bytes: each connection gets exactly what the test wrote, nothing polite."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class ByteServer:
    """Plays `scripts[path]` for each request, the last one for ever; keeps what was asked."""

    scripts: dict[str, list[Script]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    base: str = ""

    def on(self, path: str, *scripts: Script) -> None:
        self.scripts[path] = list(scripts)

    def asked(self, path: str) -> list[Request]:
        return [r for r in self.requests if r.path.partition("?")[0] == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader)) is not None:
                self.requests.append(request)
                scripts = self.scripts[request.path.partition("?")[0]]
                script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
                await script(reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, json.loads(body) if body else {})


@asynccontextmanager
async def serving(server: ByteServer) -> AsyncIterator[ByteServer]:
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await server.serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            connections.discard(task)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.base = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


class Bytes:
    """Scripts: what a connection gets after its request."""

    STREAM_HEAD = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Tt-Logid: LOG1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )

    @staticmethod
    def chunked(data: bytes) -> bytes:
        return b"%x\r\n%s\r\n" % (len(data), data)

    @staticmethod
    def reply(body: object, *, status: int = 200, media: str = "application/json") -> Script:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nContent-Length: {len(raw)}\r\n"
            f"X-Tt-Logid: LOG1\r\n\r\n"
        )
        return Bytes.raw(head.encode() + raw)

    @staticmethod
    def raw(*parts: bytes, then_close: bool = False) -> Script:
        async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for part in parts:
                writer.write(part)
                await writer.drain()
            if then_close:
                raise ConnectionResetError

        return script

    @staticmethod
    def stream(*events: bytes, end: bool = True) -> Script:
        parts = [Bytes.STREAM_HEAD, *(Bytes.chunked(e) for e in events)]
        return Bytes.raw(*parts, b"0\r\n\r\n" if end else b"", then_close=not end)

    @staticmethod
    def hang(*before: bytes) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for part in before:
                writer.write(part)
            await writer.drain()
            await reader.read()  # until the client gives up

        return script

    @staticmethod
    def drip(data: bytes, *, seconds: float, head: bytes = STREAM_HEAD) -> Script:
        async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(head)
            while True:
                for n in range(len(data)):
                    writer.write(Bytes.chunked(data[n : n + 1]))
                    await writer.drain()
                    await asyncio.sleep(seconds)  # the fault itself: bytes one by one

        return script

    @staticmethod
    def event(name: str, body: object) -> bytes:
        return f"event: {name}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()

    @staticmethod
    def delta(text: str, *, answer_id: str = "M1") -> bytes:
        body = {"id": answer_id, "role": "assistant", "type": "answer", "content": text}
        return Bytes.event("conversation.message.delta", body)

    @staticmethod
    def follow_up(text: str) -> bytes:
        body = {"id": "F", "role": "assistant", "type": "follow_up", "content": text}
        return Bytes.event("conversation.message.completed", body)

    CREATED = (
        b'event: conversation.chat.created\ndata: {"id":"C1","conversation_id":"V1",'
        b'"status":"created"}\n\n'
    )
    COMPLETED = b'event: conversation.chat.completed\ndata: {"id":"C1","status":"completed"}\n\n'
    DONE = b'event: done\ndata: {"debug_url":""}\n\n'

    @staticmethod
    def answer(*texts: str) -> Script:
        deltas = (Bytes.delta(t) for t in texts)
        return Bytes.stream(Bytes.CREATED, *deltas, Bytes.COMPLETED + Bytes.DONE)


TOKEN_PATH = "/api/permission/oauth2/token"
CONVERSATION_PATH = "/v1/conversation/create"
CHAT_PATH = "/v1/workflows/chat"
CANCEL_PATH = "/v3/chat/cancel"


@pytest.fixture
async def coze_bytes() -> AsyncIterator[ByteServer]:
    """A server that grants tokens and conversations and answers "Hello."; tests replace paths."""
    server = ByteServer()
    server.on(TOKEN_PATH, Bytes.reply({"access_token": "czs_1", "expires_in": 900}))
    server.on(CONVERSATION_PATH, Bytes.reply({"code": 0, "msg": "", "data": {"id": "V1"}}))
    server.on(CHAT_PATH, Bytes.answer("Hel", "lo."))
    server.on(CANCEL_PATH, Bytes.reply({"code": 0, "msg": "", "data": {}}))
    async with serving(server):
        yield server


@pytest.fixture
def wire() -> type[Bytes]:
    return Bytes


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
