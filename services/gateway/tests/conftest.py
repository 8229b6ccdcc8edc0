"""A gateway between real sockets: services played by one aiohttp app, the bus written by XADD."""

import asyncio
import contextlib
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
import orjson
import pytest
from aiohttp import web
from common.redis import Keys, RedisClient
from common.redis.streams import xadd
from common.testing.plugin import TestKeys
from common.testing.serving import RunningApp
from gateway.main import create_app
from gateway.settings import GatewaySettings
from multidict import CIMultiDict

GENERATION = "gen0123456789"
SID = "sid-of-a-test"
Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """One call that reached a service."""

    method: str
    path: str
    query: str
    headers: CIMultiDict[str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Session:
    """A session as the played session-state knows it."""

    name: str
    sid: str = SID
    status: str = "bot_active"
    epoch: int = 1
    visible_from: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def seq(self) -> int:
        return self.log[-1]["seq"] if self.log else 0


class Services:
    """session-state, chat-proxy and auth in one app; `on(method, path, handler)` plays a route."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self.redis = redis
        self.keys = keys
        self.url = ""
        self.calls: list[Seen] = []
        self.sessions: dict[str, Session] = {}
        self.generation = GENERATION
        self.isolates = True
        self.log_fails = False
        self.log_gate: asyncio.Event | None = None
        self._routes: dict[tuple[str, str], Handle] = {}

    def on(self, method: str, path: str, handle: Handle) -> None:
        self._routes[(method, path)] = handle

    def asked(self, path: str) -> list[Seen]:
        return [call for call in self.calls if call.path == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = request.headers.copy()
        self.calls.append(
            Seen(request.method, request.path, request.rel_url.raw_query_string, headers, body)
        )
        played = self._routes.get((request.method, request.path))
        if played is not None:
            return await played(request)
        if request.path.startswith("/internal/sessions/"):
            return await self._log(request)
        if request.path == "/health/ready":
            facts = {"status": "ok", "checks": {"redis": "ok"}}
            return web.json_response({**facts, "coze_connected": True, "coze": "simulator"})
        if request.path == "/api/shift/status":
            data = {"is_in_shift": True, "next_open_at": None, "timezone": "UTC"}
            return web.json_response({"success": True, "data": data})
        if self.isolates and _is_foreign(request):
            return failure(403, "SESSION_FORBIDDEN")
        return web.json_response({"success": True, "data": {"by": "fake"}})

    async def _log(self, request: web.Request) -> web.StreamResponse:
        if self.log_gate is not None:
            await self.log_gate.wait()
        session = self.sessions.get(request.path.split("/")[3])
        if self.log_fails:
            return failure(503, "STATE_UNAVAILABLE")
        if session is None:
            return failure(404, "NOT_FOUND")
        after, limit = int(request.query["after"]), int(request.query["limit"])
        visitor = request.query["audience"] == "va"
        start = max(after, session.visible_from) if visitor else after
        rows = [e for e in session.log if e["seq"] > start]
        entries = [e for e in rows[:limit] if not visitor or e["audience"] == "va"]
        page = {
            "session_name": session.name,
            "sid": session.sid,
            "generation": self.generation,
            "status": session.status,
            "epoch": session.epoch,
            "newest_seq": session.seq,
            "entries": entries,
            "complete": len(rows) <= limit,
        }
        return web.json_response(page)

    # --- what session-state's commit does, in the bus format -------------------------------
    def session(self, name: str, **more: Any) -> Session:
        session = self.sessions[name] = Session(name, **more)
        return session

    async def commit(
        self,
        name: str,
        content: str,
        *,
        kind: str = "message.added",
        frame: str = "message_added",
        audience: str = "va",
        role: str = "assistant",
        on_bus: bool = True,
        summary: dict[str, Any] | None = None,
        **more: Any,
    ) -> int:
        """One log entry and its bus entry: the same bytes."""
        session = self.sessions[name]
        seq = session.seq + 1
        fields = {
            "seq": seq,
            "type": frame,
            "message_id": f"m-{name}-{seq}",
            "role": role,
            "content": content,
            "timestamp": 1.0,
            **more,
        }
        data = orjson.dumps(fields)
        if "status" in more:
            session.status = str(more["status"])
        entry = {"seq": seq, "type": frame, "at": 1.0, "audience": audience, "data": data.decode()}
        session.log.append(entry)
        if on_bus:
            await self.publish(
                name, kind, data, seq=seq, frame=frame, audience=audience, summary=summary
            )
        return seq

    async def publish(
        self,
        subject: str,
        kind: str,
        data: bytes,
        *,
        seq: int | None = None,
        frame: str | None = None,
        audience: str = "va",
        summary: dict[str, Any] | None = None,
    ) -> str:
        words: dict[str, Any] = {
            "id": f"e-{time.monotonic_ns()}",
            "type": kind,
            "source": "test",
            "subject": subject,
            "time": "1.000",
            "version": "1",
            "data": data,
        }
        session = self.sessions.get(subject)
        if session is not None:
            words |= {"sid8": session.sid[:8], "epoch": session.epoch, "status": session.status}
        if seq is not None and frame is not None:
            words |= {"seq": seq, "frame": frame, "audience": audience}
        if summary is not None:
            words["summary"] = orjson.dumps(summary)
        (entry_id,) = await self.redis.pipeline([xadd(self.keys.bus(), words)])
        return str(entry_id)


def _is_foreign(request: web.Request) -> bool:
    """Does a visitor's token name another session than the path?"""
    token, parts = request.headers.get("X-Visitor-Token"), request.path.split("/")
    if token is None or parts[:3] != ["", "api", "sessions"] or len(parts) < 4:
        return False
    return bool(jwt.decode(token, options={"verify_signature": False})["sub"] != parts[3])


def failure(status: int, code: str) -> web.Response:
    body = {"success": False, "error": {"code": code, "message": code}, "request_id": "r"}
    return web.json_response(body, status=status)


@dataclass
class Frame:
    event: str
    data: dict[str, Any]
    id: str | None = None
    retry: int | None = None

    @property
    def seq(self) -> int:
        return int(self.data.get("seq", 0))


class EventsReader:
    """An events stream as a browser reads it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.frames: list[Frame] = []
        self.comments = 0
        self.ended = False
        self.last_id: str | None = None
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        block: list[str] = []
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async for raw in self.response.content:
                line = raw.decode().rstrip("\n")
                if line:
                    block.append(line)
                    continue
                self._take(block)
                block = []
        self.ended = True

    def _take(self, block: list[str]) -> None:
        fields = dict(line.split(": ", 1) for line in block if not line.startswith(":"))
        self.comments += sum(line.startswith(":") for line in block)
        if "data" not in fields:
            return
        frame = Frame(
            fields.get("event", "message"),
            orjson.loads(fields["data"]),
            fields.get("id"),
            int(fields["retry"]) if "retry" in fields else None,
        )
        self.last_id = frame.id or self.last_id
        self.frames.append(frame)

    def of(self, event: str) -> list[Frame]:
        return [f for f in self.frames if f.event == event]

    def contents(self) -> list[str]:
        return [f.data["content"] for f in self.frames if "content" in f.data]

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self.response.close()


@dataclass
class Door:
    """A running gateway and a client before it."""

    running: RunningApp
    http: aiohttp.ClientSession
    readers: list[EventsReader] = field(default_factory=list)

    @property
    def wiring(self) -> Any:
        return self.running.wiring

    def call(
        self, method: str, path: str, **more: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self.http.request(method, self.running.url + path, **more)

    async def answer(self, method: str, path: str, **more: Any) -> tuple[int, Any, Any]:
        """Status, JSON, headers."""
        async with self.call(method, path, **more) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, orjson.loads(raw) if is_json else raw, response.headers

    async def events(self, path: str, **headers: str) -> EventsReader:
        """Opened and welcomed."""
        response = await self.http.get(self.running.url + path, headers=headers)
        assert response.status == 200, await response.read()
        reader = EventsReader(response)
        self.readers.append(reader)
        return reader


@pytest.fixture
async def services(redis: RedisClient, keys: Keys) -> AsyncIterator[Services]:
    played = Services(redis, keys)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", played.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    played.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    await redis.set(keys.generation(), GENERATION)
    yield played
    await runner.cleanup()


async def is_ready(running: RunningApp) -> bool:
    return set((await running.chassis.check()).values()) == {"ok"}


OpenDoor = Callable[..., AbstractAsyncContextManager[Door]]


@pytest.fixture
def open_door(
    services: Services,
    make_settings: Any,
    run_app: Any,
    test_keys: TestKeys,
    clock: Any,
    until: Any,
) -> OpenDoor:
    """`async with open_door(rate_chat_session=2) as door`; limits are off unless given."""
    off = {name: 0 for name in GatewaySettings.model_fields if name.startswith("rate_")}

    @asynccontextmanager
    async def open_(**values: Any) -> AsyncIterator[Door]:
        urls = {f"{n}_url": services.url for n in ("session_state", "chat_proxy", "auth")}
        private = {"visitor_token_private_key": test_keys.visitor[0]}
        quick = {"drain_chat_seconds": 0.2, "generation_check_seconds": 0.05}
        settings = make_settings(GatewaySettings, **{**urls, **private, **off, **quick, **values})
        app = create_app(settings, clock)
        async with run_app(app) as running, aiohttp.ClientSession(auto_decompress=False) as http:
            door = Door(running, http)
            await until(lambda: is_ready(running))
            try:
                yield door
            finally:
                for reader in door.readers:
                    await reader.close()

    return open_


@pytest.fixture
async def door(open_door: OpenDoor) -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


@pytest.fixture
def visitor(test_keys: TestKeys) -> Callable[..., dict[str, str]]:
    """Headers of the visitor of a session."""

    def headers(name: str, **more: Any) -> dict[str, str]:
        return {"X-Visitor-Token": test_keys.visitor_token(name, **{"sid": SID, **more})}

    return headers


@pytest.fixture
def dist(tmp_path):
    root = tmp_path / "dist"
    files = {
        "embed/index.html": "<title>window</title>",
        "agent/index.html": "<title>workbench</title>",
        "storefront/index.html": "<title>shop</title>",
        "sdk/fiido-kefu.js": "loader()",
        "assets/app-a1b2c3.js": "app()",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "assets/app-a1b2c3.js.br").write_bytes(b"brotli bytes")
    (root / "assets/app-a1b2c3.js.gz").write_bytes(gzip.compress(b"app()"))
    (tmp_path / "secret.txt").write_text("secret")
    (root / ".hidden").write_text("secret")
    return root
