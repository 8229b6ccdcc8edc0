"""How auth is put together; top to bottom is the order of construction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.app import Chassis
from common.bus.pace import UNHURRIED_SECONDS
from common.bus.publisher import Publisher
from common.bus.tail import Tail
from common.clock import Clock
from common.ids import new_id
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.security.tokens import TokenSigner

from auth.agents import Agents
from auth.first_admin import ensure_first_admin
from auth.gauges import LoginGauges
from auth.keys import ApiKeys
from auth.logins import Lifetimes, Logins
from auth.passwords import Hasher
from auth.presence import Attendance
from auth.settings import AuthSettings
from auth.store import SOURCE, Store
from auth.throttle import Limits
from auth.tokens import RefreshTokens

_REMEMBER_SECONDS = 1200


@dataclass(frozen=True)
class Wiring:
    settings: AuthSettings
    logins: Logins
    agents: Agents
    attendance: Attendance
    api_keys: ApiKeys


@asynccontextmanager
async def wire(settings: AuthSettings, chassis: Chassis) -> AsyncIterator[Wiring]:
    clock = chassis.clock
    redis = RedisClient.open(settings.redis_url, name="auth")
    keys = Keys(settings.redis_tag)
    hasher = Hasher(rounds=settings.bcrypt_rounds, threads=settings.bcrypt_threads)
    try:
        await redis.check_server(
            allow_eviction=settings.allow_evicting_redis,
            require_persistence=settings.production,
        )
        chassis.add_check("redis", redis.ping)
        tail = Tail(
            redis,
            keys,
            clock=clock,
            replay_seconds=_REMEMBER_SECONDS,
            linger_seconds=UNHURRIED_SECONDS,
            metrics=chassis.metrics,
        )
        chassis.follow(tail)
        store = Store(redis, keys, clock=clock, new_id=new_id)
        logins = make_logins(
            settings,
            store,
            hasher,
            Publisher(redis, keys, source=SOURCE, clock=clock, new_id=new_id),
            gauges=LoginGauges(chassis.metrics),
            clock=clock,
        )
        agents = Agents(store=store, hasher=hasher, logins=logins, clock=clock, new_id=new_id)
        attendance = Attendance(
            store,
            timeout_seconds=settings.presence_timeout_seconds,
            sweep_seconds=settings.presence_sweep_seconds,
            settle_seconds=settings.presence_settle_seconds,
            clock=clock,
        )
        chassis.supervise(attendance.run(), "presence sweep")
        await ensure_first_admin(
            agents,
            store,
            username=settings.admin_username,
            password=settings.first_password,
        )
        yield Wiring(settings, logins, agents, attendance, ApiKeys(redis, keys))
    finally:
        hasher.close()
        await redis.close()


def make_logins(
    settings: AuthSettings,
    store: Store,
    hasher: Hasher,
    publisher: Publisher,
    *,
    gauges: LoginGauges,
    clock: Clock,
) -> Logins:
    private_key = settings.agent_token_private_key.get_secret_value()
    return Logins(
        store=store,
        hasher=hasher,
        signer=TokenSigner(private_key, clock=clock),
        refresh_tokens=RefreshTokens(private_key),
        publisher=publisher,
        limits=Limits(
            window_seconds=settings.login_window_seconds,
            pair=settings.login_pair_limit,
            address=settings.login_address_limit,
            slow_from=settings.login_slow_from,
            slow_seconds=settings.login_slow_seconds,
        ),
        lifetimes=Lifetimes(
            access=settings.access_token_seconds,
            refresh=settings.refresh_token_seconds,
            grace=settings.refresh_grace_seconds,
        ),
        logins_per_agent=settings.logins_per_agent,
        gauges=gauges,
        clock=clock,
        new_id=new_id,
    )
