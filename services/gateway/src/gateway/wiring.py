"""How the gateway is put together; top to bottom is the order of construction."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from common.app import Chassis
from common.bus.live import Live
from common.bus.tail import Tail
from common.clients.auth import AuthClient
from common.clients.session_state import SessionStateClient
from common.clock import Clock
from common.redis import Keys, RedisClient
from common.security.tokens import TokenSigner

from gateway import parts
from gateway.calls import Gate
from gateway.fanout import Fanout
from gateway.health import Health
from gateway.leases import Leases
from gateway.listener import Generation, Listener
from gateway.loaders import ShopWeb
from gateway.presence import Presence
from gateway.proxy import Proxy
from gateway.recent import Recent
from gateway.replay import BusHistory
from gateway.settings import GatewaySettings
from gateway.shops import Shops
from gateway.webroot import WebRoot
from gateway.wheel import turn_for_ever

NAME = "gateway"
_SHIFT_SECONDS = 5.0
_REVOCATIONS_SECONDS = 1200.0  # what the bus tells of tokens revoked before we started


@dataclass(frozen=True)
class Wiring:
    settings: GatewaySettings
    clock: Clock
    shops: Shops
    fanout: Fanout
    gate: Gate
    proxy: Proxy
    leases: Leases
    presence: Presence
    health: Health
    session_state: SessionStateClient
    shift: Recent[dict[str, Any]]
    web: ShopWeb
    redis: RedisClient
    keys: Keys

    def bus_history(self, agent_id: str) -> BusHistory:
        limit = self.settings.agent_replay_entries
        return BusHistory(self.redis, self.keys, agent_id=agent_id, limit=limit)


@asynccontextmanager
async def wire(settings: GatewaySettings, shops: Shops, chassis: Chassis) -> AsyncIterator[Wiring]:
    async with AsyncExitStack() as stack:
        redis = RedisClient.open(settings.redis_url, name=NAME)
        stack.push_async_callback(redis.close)
        chassis.add_check("redis", redis.ping)
        keys = Keys(settings.redis_tag)
        state = await stack.enter_async_context(
            parts.client(settings.session_state_url, "session-state", chassis)
        )
        auth_http = await stack.enter_async_context(
            parts.client(settings.auth_url, "auth", chassis)
        )
        session_state, auth = SessionStateClient(state), AuthClient(auth_http, chassis.clock)
        fanout = parts.make_fanout(settings, chassis)
        presence = Presence(
            session_state=session_state,
            auth=auth,
            fanout=fanout,
            seconds=settings.presence_seconds,
        )
        live = Live(redis, keys)
        leases = parts.make_leases(settings, redis, keys, live)
        gate = parts.make_gate(settings, chassis, redis, keys, fanout=fanout, presence=presence)
        services = await stack.enter_async_context(parts.open_services(settings))
        private_key = settings.visitor_token_private_key.get_secret_value()
        signer = TokenSigner(private_key, clock=chassis.clock)
        proxy = parts.make_proxy(
            settings, chassis, redis, services=services, gate=gate, signer=signer, shops=shops
        )
        tail = Tail(
            redis,
            keys,
            clock=chassis.clock,
            replay_seconds=_REVOCATIONS_SECONDS,
            metrics=chassis.metrics,
        )
        chassis.follow(tail)  # before the fan-out, which asks it what a revocation covers
        tail.listen(Listener(fanout).hear)
        tail.listen_resets(partial(fanout.resync_all, "restored"))
        live.listen(fanout.on_live)
        chassis.verify_keys_with(auth.verify_key)
        chassis.on_agent_call(presence.agent)
        generation = Generation(
            redis, keys, fanout=fanout, every_seconds=settings.generation_check_seconds
        )
        chassis.supervise(live.run(), "live")
        chassis.add_check("live", live.ready)
        chassis.supervise(generation.run(), "generation")
        chassis.supervise(leases.run(fanout, lambda: parts.chat_leases(proxy)), "leases")
        chassis.supervise(presence.run(), "presence")
        chassis.supervise(turn_for_ever(fanout.wheel), "wheel")
        chassis.on_drain(partial(parts.drain, settings, fanout, proxy))
        parts.watch(chassis, fanout, proxy)
        yield Wiring(
            settings=settings,
            clock=chassis.clock,
            shops=shops,
            fanout=fanout,
            gate=gate,
            proxy=proxy,
            leases=leases,
            presence=presence,
            health=Health(chassis, services=services, signer=signer, tail=tail),
            session_state=session_state,
            shift=Recent(session_state.shift_status, seconds=_SHIFT_SECONDS, clock=chassis.clock),
            web=ShopWeb(WebRoot(settings.web_dir), shops),
            redis=redis,
            keys=keys,
        )
