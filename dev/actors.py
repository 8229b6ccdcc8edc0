"""A visitor and an agent as scripts: what e2e tests and benchmarks drive the product with."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from common.testing.waiting import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Frame:
    """One SSE frame; comments are left out."""

    event: str
    id: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status, headers, JSON body (or text where it is none)."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: Any

    @property
    def code(self) -> str | None:
        """The envelope's error code, None on success."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error.get("code") if isinstance(error, dict) else None


async def frames(response: aiohttp.ClientResponse) -> AsyncIterator[Frame]:
    """The frames of an open event stream until it ends."""
    event, ident, data = "message", None, b""
    async for raw in response.content:
        line = raw.rstrip(b"\r\n")
        if not line:
            if data:
                yield Frame(event, ident, json.loads(data))
            event, data = "message", b""
        elif line.startswith(b"data:"):
            data += line[5:].strip()
        elif line.startswith(b"event:"):
            event = line[6:].strip().decode()
        elif line.startswith(b"id:"):
            ident = line[3:].strip().decode()


@dataclass
class Caller:
    """Whoever calls the gateway; `headers` are its credentials."""

    base: str
    http: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One call; never raises on a status."""
        kwargs: dict[str, Any] = {"headers": {**self.headers, **(headers or {})}}
        if raw is not None:
            kwargs["data"] = raw
            kwargs["headers"].setdefault("Content-Type", "application/json")
        elif body is not None:
            kwargs["json"] = body
        async with self.http.request(method, self.base + path, **kwargs) as response:
            text = await response.text()
            try:
                parsed = json.loads(text)
            except ValueError:
                parsed = text
            return Answer(response.status, response.headers.copy(), parsed)

    async def get(self, path: str) -> Answer:
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None) -> Answer:
        return await self.call("POST", path, body={} if body is None else body)

    async def messages(self, session: str) -> list[dict[str, Any]]:
        """All messages of the log that this caller may see, oldest first."""
        out: list[dict[str, Any]] = []
        while True:
            after = out[-1]["seq"] if out else 0
            answer = await self.get(f"/api/sessions/{session}/messages?after={after}&limit=100")
            assert answer.status == 200, answer
            out += answer.body["data"]["messages"]
            if not answer.body["data"]["has_more"]:
                return out


class Events:
    """An open events stream that remembers everything it got."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._changed = asyncio.Condition()
        self.frames: list[Frame] = []
        self.ended = False

    async def pump(self) -> None:
        try:
            async for frame in frames(self._response):
                self.frames.append(frame)
                async with self._changed:
                    self._changed.notify_all()
        except aiohttp.ClientError:
            pass
        finally:
            self.ended = True
            async with self._changed:
                self._changed.notify_all()

    async def until(
        self,
        wanted: Callable[[Frame], bool] | str,
        *,
        after: int = 0,
        timeout_seconds: float = PATIENCE_SECONDS,
    ) -> Frame:
        """The first frame (at index `after` or later) that fits; a string means the event name."""
        fits = (lambda f: f.event == wanted) if isinstance(wanted, str) else wanted
        async with asyncio.timeout(timeout_seconds), self._changed:
            while True:
                for frame in self.frames[after:]:
                    if fits(frame):
                        return frame
                if self.ended:
                    raise EOFError([f.event for f in self.frames])
                await self._changed.wait()

    def of(self, *events: str) -> list[Frame]:
        return [f for f in self.frames if f.event in events]

    @property
    def last_id(self) -> str | None:
        return next((f.id for f in reversed(self.frames) if f.id), None)


@asynccontextmanager
async def open_events(
    caller: Caller, path: str, *, last_id: str | None = None
) -> AsyncIterator[Events]:
    """An events stream, read in the background until the block ends."""
    headers = {**caller.headers, "Accept": "text/event-stream"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with caller.http.get(caller.base + path, headers=headers, timeout=timeout) as response:
        if response.status != 200:
            raise AssertionError(f"{path}: {response.status} {await response.text()}")
        events = Events(response)
        pump = asyncio.ensure_future(events.pump())
        try:
            yield events
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)


@dataclass
class Visitor(Caller):
    """A visitor of the storefront, who keeps the token of the first answer."""

    name: str | None = None

    def keep(self, headers: Mapping[str, str]) -> None:
        if token := headers.get("X-Visitor-Token"):
            self.headers["X-Visitor-Token"] = token
        self.name = headers.get("X-Session-Name") or self.name

    async def new(self, name: str | None = None) -> Answer:
        """`POST /api/conversation/new`."""
        answer = await self.post("/api/conversation/new", {"session_id": name} if name else {})
        self.keep(answer.headers)
        self.name = self.name or name
        return answer

    async def chat(self, message: str, **more: Any) -> Answer:
        """`POST /api/chat`."""
        body = {"message": message, **({"user_id": self.name} if self.name else {}), **more}
        answer = await self.post("/api/chat", body)
        self.keep(answer.headers)
        return answer

    async def stream(self, message: str, **more: Any) -> list[dict[str, Any]]:
        """`POST /api/chat/stream` read to its end; a refusal comes as one `refused` item."""
        return [item async for item in self.streaming(message, **more)]

    async def streaming(self, message: str, **more: Any) -> AsyncIterator[dict[str, Any]]:
        """`POST /api/chat/stream`, item by item."""
        body = {"message": message, **({"user_id": self.name} if self.name else {}), **more}
        url = self.base + "/api/chat/stream"
        timeout = aiohttp.ClientTimeout(total=180)
        async with self.http.post(
            url, json=body, headers=self.headers, timeout=timeout
        ) as response:
            self.keep(response.headers)
            if response.status != 200:
                yield {"type": "refused", "status": response.status, **await response.json()}
                return
            async for frame in frames(response):
                yield frame.data

    async def say(self, content: str, **more: Any) -> Answer:
        """A message to the person who serves."""
        body = {"session_name": self.name, "role": "user", "content": content, **more}
        return await self.post("/api/manual/messages", body)

    async def escalate(self, **more: Any) -> Answer:
        return await self.post("/api/manual/escalate", {"session_name": self.name, **more})

    async def state(self) -> dict[str, Any]:
        answer = await self.get(f"/api/sessions/{self.name}")
        assert answer.status == 200, answer
        session: dict[str, Any] = answer.body["data"]["session"]
        return session

    def events(self, last_id: str | None = None) -> Any:
        return open_events(self, f"/api/sessions/{self.name}/events", last_id=last_id)


def text_of(items: list[dict[str, Any]]) -> str:
    """The answer that a chat stream's items spell."""
    return "".join(i["content"] for i in items if i["type"] == "message")


@dataclass
class Agent(Caller):
    """A person in the workbench."""

    id: str = ""
    refresh_token: str = ""
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        """One call; whose token ran out meanwhile logs in again first."""
        answer = await super().call(method, path, **more)
        if answer.code == "TOKEN_EXPIRED" and self.credentials:
            await self.login(*self.credentials)
            answer = await super().call(method, path, **more)
        return answer

    async def login(self, username: str, password: str) -> Self:
        answer = await self.post("/api/agent/login", {"username": username, "password": password})
        assert answer.status == 200, answer
        self.take(answer.body)
        self.credentials = username, password
        return self

    def take(self, body: dict[str, Any]) -> None:
        """Use the tokens of a login or refresh answer."""
        self.headers["Authorization"] = f"Bearer {body['token']}"
        self.refresh_token = body["refresh_token"]
        self.id = body.get("agent", {}).get("id", self.id)

    async def takeover(self, session: str) -> Answer:
        return await self.post(f"/api/sessions/{session}/takeover")

    async def say(self, session: str, content: str, **more: Any) -> Answer:
        body = {"session_name": session, "role": "agent", "content": content, **more}
        return await self.post("/api/manual/messages", body)

    async def release(self, session: str) -> Answer:
        return await self.post(f"/api/sessions/{session}/release")

    async def state(self, session: str) -> dict[str, Any]:
        answer = await self.get(f"/api/sessions/{session}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.body["data"]["session"]
        return found

    def events(self, last_id: str | None = None) -> Any:
        return open_events(self, "/api/agent/events", last_id=last_id)

    def watch(self, session: str, last_id: str | None = None) -> Any:
        return open_events(self, f"/api/sessions/{session}/events", last_id=last_id)
