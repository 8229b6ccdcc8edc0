"""Redis away, restarted, or lost (SESS-5, SESS-8, R14): 503 or the truth, never a guess."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from common.redis import Keys, RedisClient
from common.testing.server import Server
from session_state.main import create_app
from session_state.settings import Settings


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path, options=("--appendonly", "yes", "--appendfsync", "always"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def app(
    server: Server, make_settings: Any, run_app: Any, clock: Any, until: Any
) -> AsyncIterator[Any]:
    settings = make_settings(
        Settings,
        redis_url=server.url(),
        human_shift_start="00:00",
        human_shift_end="00:00",
        weekends_disabled=False,
    )
    async with run_app(create_app(settings, clock=clock)) as running:
        await until(running.chassis.revocations.trusted)
        yield running


async def call(
    running: Any, test_keys: Any, path: str, body: Any, headers: Any = None
) -> tuple[int, Any]:
    if headers is None:
        headers = {"X-Internal-Token": test_keys.internal("chat-proxy").header("session-state")}
    async with (
        aiohttp.ClientSession() as http,
        http.post(running.url + path, json=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def open_turn(
    running: Any, test_keys: Any, name: str, sid: str | None = None
) -> tuple[int, Any]:
    body = {"message": "hello", "session_name": name}
    if sid:
        body["sid"] = sid
    return await call(running, test_keys, "/internal/turns/open", body)


async def test_a_restart_of_redis_is_felt_as_a_pause_and_nothing_is_lost(
    server: Server, app: Any, test_keys: Any, until: Any
) -> None:
    status, ticket = await open_turn(app, test_keys, "v1")
    assert status == 200
    server.kill()
    status, answer = await open_turn(app, test_keys, "v2")
    assert (status, answer["error"]["code"]) == (503, "STATE_UNAVAILABLE")
    server.start()

    async def back() -> bool:
        return (await open_turn(app, test_keys, "v3"))[0] == 200

    await until(back)
    # the session of before is there, and its turn still open
    status, answer = await open_turn(app, test_keys, "v1", ticket["sid"])
    assert (status, answer["error"]["code"]) == (409, "TURN_IN_PROGRESS")
    assert not app.task.done()


async def test_while_redis_is_frozen_callers_get_503_and_afterwards_the_truth(
    server: Server, app: Any, test_keys: Any, until: Any
) -> None:
    status, ticket = await open_turn(app, test_keys, "v1")
    server.freeze()
    try:
        headers = {"X-Visitor-Token": test_keys.visitor_token("v1", ticket["sid"])}
        body = {"session_name": "v1"}
        status, answer = await call(app, test_keys, "/api/manual/escalate", body, headers)
        assert (status, answer["error"]["code"]) == (503, "STATE_UNAVAILABLE")
    finally:
        server.thaw()

    async def told() -> bool:
        status, answer = await call(app, test_keys, "/api/manual/escalate", body, headers)
        return status == 200 and answer["data"]["status"] == "pending_manual"

    await until(told)
    # asked twice, and perhaps applied at the first time: one escalation all the same
    redis = RedisClient.open(server.url())
    rows = await redis.xrange(Keys().bus())
    await redis.close()
    kinds = [fields[b"type"] for _, fields in rows]
    assert kinds.count(b"session.escalated") == 1


async def test_two_replicas_serve_one_session_as_one(start: Any) -> None:
    async with start() as one, start() as two:
        await one.agent_is("online")
        visitor = await one.visitor("v1")
        elsewhere = type(visitor)(two, "v1", visitor.sid)
        await elsewhere.escalate()
        agents = [f"agent{number}" for number in range(10)]
        calls = [
            service.post("/api/sessions/v1/takeover", None, service.as_agent(agent))
            for agent, service in zip(agents, [one, two] * 5, strict=True)
        ]
        answers = await asyncio.gather(*calls)
        assert sorted(status for status, _ in answers) == [200, *[409] * 9]
        winner = next(answer for status, answer in answers if status == 200)
        name = winner["data"]["assigned_agent"]["name"]
        for status, answer in answers:
            if status == 409:
                assert answer["error"]["code"] == "ALREADY_TAKEN"
                assert answer["error"]["details"]["agent_name"] == name


async def test_the_service_refuses_a_server_that_would_lose_data(
    tmp_path: Path, make_settings: Any, run_app: Any
) -> None:
    server = Server(tmp_path, options=("--maxmemory-policy", "allkeys-lru"))
    server.start()
    try:
        settings = make_settings(Settings, redis_url=server.url())
        with pytest.raises(RuntimeError):
            async with run_app(create_app(settings)):
                pass
    finally:
        server.stop()
