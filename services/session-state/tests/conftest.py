"""The real app on a real server and a real Redis, and people who call it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from common.bus import Publisher
from common.bus.entry import Entry
from common.contracts.common import Headers
from common.events.agents import AgentCard, AgentStatusChanged
from common.events.base import Event
from common.ids import new_id
from common.redis import Keys, RedisClient
from session_state.commands import Answer
from session_state.main import create_app
from session_state.settings import Settings
from session_state.wiring import Wiring

ROUND_THE_CLOCK = {
    "human_shift_start": "00:00",
    "human_shift_end": "00:00",
    "weekends_disabled": False,
    "timezone": "UTC",
    "default_language": "en",
}


@dataclass
class Service:
    """One replica and the ways to it."""

    url: str
    http: aiohttp.ClientSession
    wired: Wiring
    keys: Any
    redis: RedisClient
    clock: Any
    publisher: Publisher

    def as_service(self, issuer: str = "chat-proxy") -> dict[str, str]:
        return {Headers.INTERNAL_TOKEN: self.keys.internal(issuer).header("session-state")}

    def as_agent(self, agent_id: str = "ann", **more: Any) -> dict[str, str]:
        return dict(self.keys.agent_header(agent_id, **more))

    async def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            raw = await answer.read()
            return answer.status, (await answer.json() if raw else None)

    async def post(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        return await self.call("POST", path, body, headers)

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        return await self.call("GET", path, None, headers)

    # --- what other services do ----------------------------------------------------------
    async def open_turn(self, message: str, **more: Any) -> tuple[int, Any]:
        body = {"message": message, **more}
        return await self.post("/internal/turns/open", body, self.as_service())

    async def tell(self, event: Event, subject: str, event_id: str | None = None) -> None:
        """As another service publishes; session-state's consumer applies it."""
        await self.publisher.publish(event, subject=subject, event_id=event_id)

    async def agent_is(self, status: str, agent_id: str = "ann", **more: Any) -> None:
        card = {
            "id": agent_id,
            "username": agent_id,
            "name": agent_id.title(),
            "role": "agent",
            "status": status,
            "max_sessions": 5,
        }
        event = AgentStatusChanged(agent=AgentCard(**{**card, **more}), at=self.clock())
        await self.wired.sessions.roster.learn(event.agent, at=event.at)

    async def status_of(self, name: str) -> str:
        session = (await self.wired.sessions.store.get(name)).session
        return session.status if session else "gone"

    async def bus(self, kind: str | None = None) -> list[Entry]:
        rows = await self.redis.xrange(Keys().bus())
        entries = [Entry(entry_id, fields) for entry_id, fields in rows]
        return [entry for entry in entries if kind in (None, entry.type)]

    # --- whole ways ----------------------------------------------------------------------
    async def visitor(self, name: str = "v1", message: str = "hello", **more: Any) -> "Visitor":
        """A visitor who has asked one question, which is answered."""
        status, ticket = await self.open_turn(message, session_name=name, **more)
        assert status == 200, ticket
        visitor = Visitor(self, name, ticket["sid"])
        if ticket["verdict"] == "answer":
            await visitor.answered(ticket)
        return visitor


@dataclass
class Visitor:
    """Who carries the token of one session."""

    service: Service
    name: str
    sid: str

    @property
    def headers(self) -> dict[str, str]:
        token = self.service.keys.visitor_token(self.name, self.sid)
        return {Headers.VISITOR_TOKEN: token}

    async def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.service.post(path, body, self.headers)

    async def get(self, path: str) -> tuple[int, Any]:
        return await self.service.get(path, self.headers)

    async def ask(self, message: str, **more: Any) -> tuple[int, Any]:
        return await self.service.open_turn(message, session_name=self.name, sid=self.sid, **more)

    async def escalate(self, **more: Any) -> tuple[int, Any]:
        return await self.post("/api/manual/escalate", {"session_name": self.name, **more})

    async def say(self, content: str, **more: Any) -> tuple[int, Any]:
        body = {"session_name": self.name, "role": "user", "content": content, **more}
        return await self.post("/api/manual/messages", body)

    async def answered(self, ticket: dict[str, Any], content: str = "An answer.") -> None:
        """The AI's answer, applied by the use case the consumer calls."""
        from_bus = await apply_answer(self.service, ticket, content)
        assert from_bus in ("stored", "escalated")

    async def served_by(self, agent_id: str = "ann") -> None:
        await self.escalate()
        path = f"/api/sessions/{self.name}/takeover"
        status, answer = await self.service.post(path, None, self.service.as_agent(agent_id))
        assert status == 200, answer


async def apply_answer(service: Service, ticket: dict[str, Any], content: str) -> str:
    async def prepare(_: Any) -> Answer:
        return Answer(ticket["turn_id"], ticket["message_id"], ticket["epoch"], content)

    done = await service.wired.sessions.apply(ticket["session_name"], prepare, commit_id=new_id())
    return str(done.result["outcome"])


Start = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def start(
    make_settings: Any, run_app: Any, test_keys: Any, redis: RedisClient, clock: Any, until: Any
) -> Start:
    """`async with start(wait_timeout_seconds=5) as service:`; timers only tick when told to."""

    @asynccontextmanager
    async def begin(**values: Any) -> AsyncIterator[Service]:
        given = {**ROUND_THE_CLOCK, "timer_seconds": 3600.0, **values}
        app = create_app(make_settings(Settings, **given), clock=clock)
        publisher = Publisher(redis, Keys(), source="test", clock=clock, new_id=new_id)
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(run_app(app))
            # agents are let in once the tail has heard what was revoked
            await until(running.chassis.revocations.trusted)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            yield Service(
                url=running.url,
                http=http,
                wired=running.wiring,
                keys=test_keys,
                redis=redis,
                clock=clock,
                publisher=publisher,
            )

    return begin


@pytest.fixture
async def service(start: Start) -> AsyncIterator[Service]:
    """In shift, with one agent online."""
    async with start() as running:
        await running.agent_is("online")
        yield running
