"""What a wiring may ask of the chassis: checks, facts, background work, the bus's tail."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from common.app import build_app
from common.events.agents import TokensRevoked
from common.settings import ServiceSettings


class HandTail:
    """A tail the test reads by hand."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Any], None]] = []
        self.filled = asyncio.Event()
        self.failing = 0.0

    def listen(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def ready(self) -> None:
        await self.filled.wait()

    def failing_for(self, now: float) -> float:
        return self.failing

    def say(self, event: Any) -> None:
        for listener in self.listeners:
            listener(SimpleNamespace(type=event.type, event=lambda: event))


@pytest.fixture
def build(make_settings, clock):
    def made(use: Callable[[Any], None]) -> Any:
        @asynccontextmanager
        async def wire(chassis):
            use(chassis)
            yield None

        settings = make_settings(ServiceSettings)
        return build_app(name="session-state", settings=settings, wire=wire, clock=clock)

    return made


async def ready(http) -> tuple[int, dict[str, Any]]:
    async with http.get("/health/ready") as response:
        return response.status, await response.json()


async def test_readiness_names_each_check_and_its_state(build, run_app):
    broken = True

    async def redis() -> None:
        if broken:
            raise ConnectionError("redis://:password@10.0.0.1 refused")

    async def fine() -> None: ...

    def use(chassis):
        chassis.add_check("redis", redis)
        chassis.add_check("fine", fine)
        chassis.add_fact("coze", lambda: "simulator")

    async with run_app(build(use)) as running, aiohttp.ClientSession(running.url) as http:
        status, body = await ready(http)
        assert status == 503
        assert body["status"] == "not_ready"
        assert body["checks"] == {"redis": "ConnectionError", "fine": "ok"}
        assert body["coze"] == "simulator"
        broken = False
        assert (await ready(http))[0] == 200


async def test_a_draining_service_is_not_ready_but_still_answers(build, run_app):
    draining, go = asyncio.Event(), asyncio.Event()

    async def hook() -> None:
        draining.set()
        await go.wait()

    async with (
        run_app(build(lambda chassis: chassis.on_drain(hook))) as running,
        aiohttp.ClientSession(running.url) as http,
    ):
        assert (await ready(http))[0] == 200
        running.terminate()
        await draining.wait()
        status, body = await ready(http)
        assert (status, body["status"]) == (503, "draining")
        assert (await http.get("/health/live")).status == 200
        go.set()
        await running.task


async def test_one_failing_hook_does_not_keep_the_others_from_draining(build, run_app):
    drained = []

    async def fails() -> None:
        raise ValueError

    async def works() -> None:
        drained.append("works")

    def use(chassis):
        chassis.on_drain(fails)
        chassis.on_drain(works)

    async with run_app(build(use)):
        pass
    assert drained == ["works"]


async def test_background_work_outlives_its_request_and_its_failure_is_counted(
    build, run_app, until
):
    async def fails() -> None:
        raise ValueError("boom")

    async with run_app(build(lambda _: None)) as running:
        chassis = running.chassis
        task = chassis.spawn(fails(), "a turn")
        await until(task.done)
        await until(lambda: b"kefu_background_failures_total 1.0" in chassis.metrics.render())
        assert chassis.failed is None


async def test_supervised_tasks_are_cancelled_and_awaited_at_the_end(build, run_app):
    ended = []

    async def consumer() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("put in order")

    async with run_app(build(lambda chassis: chassis.supervise(consumer(), "c"))) as running:
        pass
    assert ended == ["put in order"]
    assert running.chassis.failed is None


async def test_agents_wait_until_the_tail_has_told_what_is_revoked(build, run_app, until):
    tail = HandTail()
    async with (
        run_app(build(lambda chassis: chassis.follow(tail))) as running,
        aiohttp.ClientSession(running.url) as http,
    ):
        revocations = running.chassis.revocations
        assert not revocations.trusted()
        assert (await ready(http))[1]["checks"] == {"tail": "Unavailable"}
        tail.filled.set()
        await until(revocations.trusted)
        assert (await ready(http))[0] == 200
        tail.failing = 1.5
        assert not revocations.trusted()
        tail.say(TokensRevoked(agent_id="ada", not_before=1.0, reason="logout"))
        assert len(revocations) == 1
