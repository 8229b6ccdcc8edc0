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
from common.clients.http import ServiceClient
from common.clients.session_state import SessionStateClient
from common.clock import Clock
from common.ids import new_id
from common.redis import Keys, RedisClient, load_script
from common.security.policy import Owner
from common.security.tokens import TokenSigner

from gateway.admission import Admission, Windows
from gateway.calls import Gate
from gateway.fanout import Fanout
from gateway.headers import HeaderRules
from gateway.health import Health
from gateway.leases import Leases, Terms
from gateway.listener import Generation, Listener
from gateway.presence import Presence
from gateway.proxy import Deadlines, Proxy
from gateway.recent import Recent
from gateway.replay import BusHistory
from gateway.settings import GatewaySettings
from gateway.shops import Shops
from gateway.streams import Pace
from gateway.upstreams import open_upstreams
from gateway.visitors import VisitorTokens
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
    web: WebRoot
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
            _client(settings.session_state_url, "session-state", chassis)
        )
        auth_http = await stack.enter_async_context(_client(settings.auth_url, "auth", chassis))
        session_state, auth = SessionStateClient(state), AuthClient(auth_http, chassis.clock)
        fanout = _fanout(settings, chassis)
        presence = Presence(
            session_state=session_state,
            auth=auth,
            fanout=fanout,
            seconds=settings.presence_seconds,
        )
        live = Live(redis, keys)
        leases = _leases(settings, redis, keys, live)
        gate = _gate(settings, redis, keys, fanout=fanout, presence=presence)
        upstreams = await stack.enter_async_context(open_upstreams(_urls(settings)))
        private_key = settings.visitor_token_private_key.get_secret_value()
        signer = TokenSigner(private_key, clock=chassis.clock)
        proxy = Proxy(
            upstreams=upstreams,
            gate=gate,
            headers=HeaderRules(
                tokens=VisitorTokens(signer, chassis.clock), signer=chassis.signer, shops=shops
            ),
            redis=redis,
            deadlines=_deadlines(settings),
            max_body_bytes=settings.max_body_bytes,
            new_id=new_id,
        )
        tail = Tail(
            redis,
            keys,
            clock=chassis.clock,
            replay_seconds=_REVOCATIONS_SECONDS,
            metrics=chassis.metrics,
        )
        tail.listen(Listener(fanout).hear)
        tail.listen_resets(partial(fanout.resync_all, "restored"))
        live.listen(fanout.on_live)
        chassis.follow(tail)
        chassis.verify_keys_with(auth.verify_key)
        chassis.on_agent_call(presence.agent)
        generation = Generation(
            redis, keys, fanout=fanout, every_seconds=settings.generation_check_seconds
        )
        chassis.supervise(live.run(), "live")
        chassis.supervise(generation.run(), "generation")
        chassis.supervise(leases.run(fanout, lambda: _chats(proxy)), "leases")
        chassis.supervise(presence.run(), "presence")
        chassis.supervise(turn_for_ever(fanout.wheel), "wheel")
        chassis.on_drain(partial(_drain, settings, fanout, proxy))
        _watch(chassis, fanout, proxy)
        yield Wiring(
            settings=settings,
            clock=chassis.clock,
            shops=shops,
            fanout=fanout,
            gate=gate,
            proxy=proxy,
            leases=leases,
            presence=presence,
            health=Health(settings, chassis, upstreams=upstreams, signer=signer, tail=tail),
            session_state=session_state,
            shift=Recent(session_state.shift_status, seconds=_SHIFT_SECONDS, clock=chassis.clock),
            web=WebRoot(settings.web_dir),
            redis=redis,
            keys=keys,
        )


def _client(url: str, audience: str, chassis: Chassis) -> ServiceClient:
    return ServiceClient(url, audience=audience, signer=chassis.signer)


def _urls(settings: GatewaySettings) -> dict[Owner, str]:
    return {
        Owner.CHAT_PROXY: settings.chat_proxy_url,
        Owner.SESSION_STATE: settings.session_state_url,
        Owner.AUTH: settings.auth_url,
    }


def _fanout(settings: GatewaySettings, chassis: Chassis) -> Fanout:
    return Fanout(
        chassis.clock,
        pace=Pace(settings.heartbeat_seconds, settings.idle_close_seconds),
        places=settings.streams_max,
        reserved=settings.streams_reserved,
    )


def _leases(settings: GatewaySettings, redis: RedisClient, keys: Keys, live: Live) -> Leases:
    return Leases(
        redis,
        keys,
        # an agent who takes over must get through when Redis is full
        lease=load_script("gateway_lease", allow_oom=True),
        renew=load_script("gateway_renew", allow_oom=True),
        tell=live.send,
        terms=Terms(
            places=settings.streams_per_visitor,
            chat_places=settings.chats_per_visitor,
            seconds=settings.lease_seconds,
            renew_seconds=settings.lease_renew_seconds,
        ),
    )


def _gate(
    settings: GatewaySettings,
    redis: RedisClient,
    keys: Keys,
    *,
    fanout: Fanout,
    presence: Presence,
) -> Gate:
    admit = load_script("gateway_admit", allow_oom=True)
    return Gate(
        keys,
        admission=Admission(redis, admit, lease_seconds=settings.lease_seconds),
        windows=Windows(keys, settings.rates()),
        fanout=fanout,
        presence=presence,
        chats_per_visitor=settings.chats_per_visitor,
    )


def _deadlines(settings: GatewaySettings) -> Deadlines:
    return Deadlines(
        internal_seconds=settings.upstream_timeout_seconds,
        conversation_seconds=settings.conversation_timeout_seconds,
        chat_seconds=settings.chat_timeout_seconds,
        chat_silence_seconds=settings.chat_silence_seconds,
    )


def _chats(proxy: Proxy) -> list[tuple[str, str]]:
    return [(key, call_id) for call_id, key in proxy.leases.items()]


async def _drain(settings: GatewaySettings, fanout: Fanout, proxy: Proxy) -> None:
    """Events streams end at once and come back elsewhere; answers may end first."""
    fanout.drain(spread_seconds=settings.drain_retry_seconds)
    await proxy.move_streams(after_seconds=settings.drain_chat_seconds)


def _watch(chassis: Chassis, fanout: Fanout, proxy: Proxy) -> None:
    streams = chassis.metrics.gauge("event_streams", "Events streams open here.")
    streams.set_function(lambda: fanout.open_streams)
    chats = chassis.metrics.gauge("chat_streams", "Chat streams passing through here.")
    chats.set_function(lambda: proxy.streaming)
