"""A Coze made of bytes, a session-state made of a table, and chat-proxy between them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from chat_proxy.main import create_app
from chat_proxy.settings import Settings
from common.bus.publisher import Publisher
from common.contracts.sessions import Paths
from common.errors import ServiceError
from common.events import Event, TurnClosed, decode
from common.ids import new_id
from common.redis import Keys, RedisClient
from common.redis.streams import xadd
from common.testing.clock import FakeClock
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
    def drip(
        data: bytes, *, seconds: float, head: bytes = STREAM_HEAD, whole: bool = False
    ) -> Script:
        step = len(data) if whole else 1

        async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(head)
            while True:
                for n in range(0, len(data), step):
                    writer.write(Bytes.chunked(data[n : n + step]))
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


# --- a session-state of one table ------------------------------------------------------------


class State:
    """What session-state does for a turn, as far as chat-proxy can tell: HTTP and the bus are
    real, the decisions are the test's."""

    def __init__(self, redis: RedisClient, keys: Keys, clock: FakeClock) -> None:
        self.redis = redis
        self.keys = keys
        self.clock = clock
        self.conversations: dict[str, str] = {}
        self.epochs: dict[str, int] = {}
        self.asked: list[dict[str, Any]] = []
        self.bound: list[dict[str, Any]] = []
        self.set: list[dict[str, Any]] = []
        self.leases: list[dict[str, Any]] = []
        self.ended: list[Event] = []
        self.refusal: ServiceError | None = None
        self.lease_refusal: ServiceError | None = None
        self.bind_refusal: ServiceError | None = None
        self.before_bind_answer: Callable[[str], Awaitable[None]] | None = None
        self.ticket: dict[str, Any] = {}
        self.closing: dict[str, Any] | None = {"outcome": "stored", "status": "bot_active"}
        self.before_closing: Callable[[str], Awaitable[None]] | None = None
        self.before_ticket: Callable[[str], Awaitable[None]] | None = None
        self.url = ""
        self._publisher = Publisher(redis, keys, source="session-state", clock=clock, new_id=new_id)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(Paths.OPEN_TURN, self._open),
            web.post(Paths.LEASE, self._lease),
            web.post(Paths.BIND, self._bind),
            web.post(Paths.CONVERSATION_CHECK, self._check),
            web.post(Paths.CONVERSATION_SET, self._set),
        ]

    async def _open(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        if self.refusal is not None:
            return refused(self.refusal)
        name = body.get("session_name") or "s_drawn"
        ticket = {
            "verdict": "answer",
            "session_name": name,
            "sid": "sid-of-a-test",
            "turn_id": f"T{len(self.asked)}",
            "message_id": f"A{len(self.asked)}",
            "epoch": self.epochs.get(name, 0),
            "conversation_id": self.conversations.get(name),
            "language": body.get("language", "en"),
            "status": "bot_active",
            "timestamp": self.clock(),
            "message": body["message"],
            **self.ticket,
        }
        if self.before_ticket is not None:
            await self.before_ticket(name)
        return web.json_response(ticket)

    async def _lease(self, request: web.Request) -> web.Response:
        self.leases.append(await request.json())
        return refused(self.lease_refusal) if self.lease_refusal else web.Response(status=204)

    async def _bind(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bound.append(body)
        if self.before_bind_answer is not None:
            await self.before_bind_answer(body["session_name"])
        if self.bind_refusal is not None:
            return refused(self.bind_refusal)
        held = self.conversations.get(body["session_name"])
        if held is None or held == body.get("instead_of"):
            self.conversations[body["session_name"]] = body["conversation_id"]
        return web.json_response({"conversation_id": self.conversations[body["session_name"]]})

    async def _check(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.refusal is not None:
            return refused(self.refusal)
        name = body.get("session_name") or "s_drawn"
        return web.json_response({"session_name": name, "exists": name in self.conversations})

    async def _set(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.set.append(body)
        self.conversations[body["session_name"]] = body["conversation_id"]
        ref = {"session_name": body["session_name"], "sid": "sid-of-a-test"}
        return web.json_response({**ref, "conversation_id": body["conversation_id"]})

    async def apply_ends(self) -> None:
        """Reads the bus for ever and closes each turn as `closing` says; None: stays silent."""
        reader, last = self.redis.blocking(), "0"
        while True:
            read = await reader.xread({self.keys.bus(): last}, block_ms=500)
            for entry_id, fields in read.get(self.keys.bus(), []):
                last = entry_id
                if fields[b"type"] in (b"turn.answered", b"turn.failed"):
                    await self._end(decode(fields))

    async def _end(self, event: Any) -> None:
        self.ended.append(event)
        if self.closing is None:
            return
        if self.before_closing is not None:
            await self.before_closing(event.session_name)
        closed = {"timestamp": self.clock(), **self.closing}
        if event.type == "turn.failed" and closed["outcome"] == "stored":
            closed["outcome"] = "failed"
        await self._publisher.publish(
            TurnClosed(session_name=event.session_name, turn_id=event.turn_id, **closed),
            subject=event.session_name,
        )

    async def transition(self, name: str, status: str, *, epoch: int, reason: str = "") -> None:
        """What a commit of session-state puts on the bus: the change, and a notice to read."""
        at = self.clock() + 1
        change = {"seq": 7, "type": "status_change", "status": status, "previous": "bot_active"}
        change |= {"reason": reason, "timestamp": at, "version": 3}
        change |= {"agent_info": {"id": "agent-1", "name": "Ann"}}
        notice = {"seq": 8, "type": "manual_message", "message_id": "N1", "role": "system"}
        notice |= {"content": "Ann has joined.", "timestamp": at}
        entry = self._entry(name, "session.status_changed", change, epoch=epoch, status=status)
        said = self._entry(name, "message.added", notice, epoch=epoch, status=status)
        await self.redis.transaction([xadd(self.keys.bus(), entry), xadd(self.keys.bus(), said)])

    async def anew(self, name: str, *, epoch: int) -> None:
        """`new` or `clear`: the epoch rises, the status stays."""
        body = {"seq": 9, "type": "history_cleared", "timestamp": self.clock() + 1}
        kind = "session.history_cleared"
        entry = self._entry(name, kind, body, epoch=epoch, status="bot_active")
        await self.redis.xadd(self.keys.bus(), entry)

    def _entry(self, name: str, kind: str, body: dict[str, Any], *, epoch: int, status: str):
        return {
            "id": new_id(),
            "type": kind,
            "source": "session-state",
            "subject": name,
            "time": f"{body['timestamp']:.3f}",
            "version": "1",
            "data": json.dumps(body),
            "seq": str(body["seq"]),
            "frame": body["type"],
            "audience": "va",
            "epoch": str(epoch),
            "status": status,
        }


def refused(error: ServiceError) -> web.Response:
    body = {"code": error.code, "message": error.en, "details": error.details}
    return web.json_response({"success": False, "error": body}, status=error.status)


@pytest.fixture
async def state(redis: RedisClient, keys: Keys, clock: FakeClock) -> AsyncIterator[State]:
    clock.now = time.time()
    table = State(redis, keys, clock)
    app = web.Application()
    app.add_routes(table.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    table.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    ends = asyncio.create_task(table.apply_ends())
    try:
        yield table
    finally:
        ends.cancel()
        await asyncio.gather(ends, return_exceptions=True)
        await runner.cleanup()


# --- the service itself --------------------------------------------------------------------


@dataclass
class Chat:
    """chat-proxy running, and a visitor who talks to it as the gateway would pass it on."""

    url: str
    http: aiohttp.ClientSession
    running: Any
    keys: Any

    def token(self, name: str, **more: Any) -> dict[str, str]:
        return {"X-Visitor-Token": self.keys.visitor_token(name, **more)}

    def post(self, path: str, body: Any, *, name: str | None = None, **headers: str):
        sent = {**(self.token(name) if name else {}), **headers}
        return self.http.post(self.url + path, json=body, headers=sent)

    async def ask(
        self, message: str = "Hi", *, name: str | None = "session_a", **more: Any
    ) -> tuple[int, dict[str, Any]]:
        async with self.post("/api/chat", {"message": message, **more}, name=name) as response:
            return response.status, await response.json()

    async def stream(
        self, message: str = "Hi", *, name: str | None = "session_a", **more: Any
    ) -> list[dict[str, Any]]:
        async with self.post(
            "/api/chat/stream", {"message": message, **more}, name=name
        ) as response:
            assert response.status == 200, await response.text()
            return [frame async for frame in frames_of(response)]


async def frames_of(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Each frame as it comes; comments are left out."""
    async for line in response.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


@pytest.fixture
def chat_settings(make_settings, state: State, coze_bytes: ByteServer, private_key: str):
    """Settings with deadlines that nothing meets but a fault which a test gives less time."""

    def make(**values: Any) -> Settings:
        patient = {
            "session_state_url": state.url,
            "coze_api_base": coze_bytes.base,
            "coze_workflow_id": "wf-1",
            "coze_app_id": "app-1",
            "coze_public_key_id": "kid",
            "coze_private_key": private_key,
            "coze_connect_timeout_seconds": 30,
            "coze_read_timeout_seconds": 30,
            "coze_first_delta_seconds": 30,
            "coze_gap_seconds": 30,
            "coze_turn_timeout_seconds": 60,
            "coze_backoff_seconds": 0.01,
            "coze_breaker_failures": 1000,
            "turn_closed_wait_seconds": 30,
        }
        return make_settings(Settings, **{**patient, **values})

    return make


@pytest.fixture
def start_chat(run_app, clock: FakeClock, test_keys, until):
    """`async with start_chat(settings) as chat`: a server that hears the bus, and a client."""

    @asynccontextmanager
    async def start(settings: Settings) -> AsyncIterator[Chat]:
        async with (
            run_app(create_app(settings, clock=clock)) as running,
            aiohttp.ClientSession() as http,
        ):
            await until(running.chassis.revocations.trusted)
            yield Chat(running.url, http, running, test_keys)

    return start


@pytest.fixture
async def chat(start_chat, chat_settings) -> AsyncIterator[Chat]:
    async with start_chat(chat_settings()) as running:
        yield running
