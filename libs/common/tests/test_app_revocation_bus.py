"""A revocation on the bus closes every service to its tokens; a bus not heard closes it to all."""

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Annotated

import aiohttp
import pytest
from common.app import authorize, build_app, ok
from common.bus.publisher import Publisher
from common.bus.tail import Tail
from common.clock import system_clock
from common.events.agents import TokensRevoked
from common.ids import new_id
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.security.caller import Caller
from common.security.tokens import TokenSigner
from common.settings import ServiceSettings
from common.testing.server import running_server
from fastapi import APIRouter, Depends
from starlette.responses import Response

Who = Annotated[Caller, Depends(authorize)]
router = APIRouter()
PATH = "/api/shift/config"


@router.get(PATH)
async def shift(caller: Who) -> Response:
    return ok(caller.kind)


@asynccontextmanager
async def wire(chassis):
    redis = RedisClient.open(chassis.settings.redis_url)
    keys = Keys(chassis.settings.redis_tag)
    chassis.add_check("redis", redis.ping)
    chassis.follow(Tail(redis, keys, clock=chassis.clock, replay_seconds=1200))
    yield None
    await redis.close()


@pytest.fixture
def build(make_settings):
    def made(**values):
        settings = make_settings(ServiceSettings, **values)
        return build_app(name="session-state", settings=settings, wire=wire, routers=[router])

    return made


@pytest.fixture
def login(test_keys):
    signer = TokenSigner(test_keys.agent[0], clock=system_clock)

    def made(agent_id: str) -> dict[str, str]:
        token = signer.sign_agent(
            agent_id=agent_id,
            username=agent_id,
            name=agent_id,
            role="agent",
            max_sessions=5,
            jti=new_id(),
            family=new_id(),
        )
        return {"Authorization": f"Bearer {token}"}

    return made


async def answered(http, headers) -> int:
    async with http.get(PATH, headers=headers) as response:
        return response.status


def publisher(redis, keys) -> Publisher:
    return Publisher(redis, keys, source="auth", clock=system_clock, new_id=new_id)


def everything_of(agent_id: str) -> TokensRevoked:
    return TokensRevoked(agent_id=agent_id, not_before=time.time() + 0.001, reason="test")


async def test_revoked_before_the_start_and_after_it(build, login, redis, keys, run_app, until):
    early, late, other = login("early"), login("late"), login("other")
    await publisher(redis, keys).publish(everything_of("early"), subject="early")
    async with run_app(build()) as running, aiohttp.ClientSession(running.url) as http:
        await until(running.chassis.revocations.trusted)
        assert await answered(http, early) == 401
        assert await answered(http, late) == 200
        await publisher(redis, keys).publish(everything_of("late"), subject="late")

        async def is_dead() -> bool:
            return await answered(http, late) == 401

        await until(is_dead)
        assert await answered(http, other) == 200


async def test_who_calls_in_a_moment_of_silence_is_answered_when_it_is_over(
    build, login, run_app, until
):
    """The canary is the test below: a longer silence is a refusal."""
    async with run_app(build()) as running, aiohttp.ClientSession(running.url) as http:
        revocations, looks = running.chassis.revocations, []
        await until(revocations.trusted)
        heard = revocations._failing_for

        def silent(_now):
            looks.append(1)
            return 9.0

        revocations.watch(silent)
        asking = asyncio.create_task(answered(http, login("ada")))
        await until(lambda: len(looks) > 1)
        revocations.watch(heard)
        assert await asking == 200


async def test_a_frozen_redis_closes_the_service_to_agents_until_it_is_back(
    build, login, tmp_path, run_app, until
):
    with running_server(tmp_path / "redis") as server:
        headers = login("ada")
        app = build(redis_url=server.url())
        async with run_app(app) as running, aiohttp.ClientSession(running.url) as http:
            await until(running.chassis.revocations.trusted)
            assert await answered(http, headers) == 200
            server.freeze()

            async def is_closed() -> bool:
                return await answered(http, headers) == 503

            async def is_open() -> bool:
                return await answered(http, headers) == 200

            await until(is_closed)
            async with http.get("/health/ready") as response:
                assert response.status == 503
                assert "ok" not in (await response.json())["checks"].values()
            server.thaw()
            await until(is_open)
