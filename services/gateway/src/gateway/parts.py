"""Pieces of the wiring that only turn settings into objects."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from common.app import Chassis
from common.bus.live import Live
from common.clients.http import ServiceClient
from common.clients.lines import Upstream
from common.ids import new_id
from common.redis import Keys, RedisClient, load_script
from common.security.policy import Owner
from common.security.tokens import TokenSigner

from gateway.admission import Admission, Windows
from gateway.calls import Gate
from gateway.fanout import Fanout
from gateway.headers import HeaderRules
from gateway.leases import Leases, Terms
from gateway.presence import Presence
from gateway.proxy import Deadlines, Proxy
from gateway.settings import GatewaySettings
from gateway.shops import Shops
from gateway.streams import Pace
from gateway.visitors import VisitorTokens


def client(url: str, audience: str, chassis: Chassis) -> ServiceClient:
    return ServiceClient(url, audience=audience, signer=chassis.signer)


@asynccontextmanager
async def open_services(settings: GatewaySettings) -> AsyncIterator[dict[str, Upstream]]:
    """The services by name; their lines are closed at the end."""
    urls = {
        Owner.CHAT_PROXY.value: settings.chat_proxy_url,
        Owner.SESSION_STATE.value: settings.session_state_url,
        Owner.AUTH.value: settings.auth_url,
        "notifier": settings.notifier_url,
    }
    services = {name: Upstream(url) for name, url in urls.items() if url}
    yield services
    for service in services.values():
        service.close()


def make_fanout(settings: GatewaySettings, chassis: Chassis) -> Fanout:
    return Fanout(
        chassis.clock,
        is_revoked=chassis.revocations.is_revoked,
        pace=Pace(settings.heartbeat_seconds, settings.idle_close_seconds),
        places=settings.streams_max,
        reserved=settings.streams_reserved,
    )


def make_leases(settings: GatewaySettings, redis: RedisClient, keys: Keys, live: Live) -> Leases:
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


def make_gate(
    settings: GatewaySettings,
    chassis: Chassis,
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
        refusals=chassis.metrics.counter(
            "refusals", "Calls refused by a limit.", ["limit", "code"]
        ),
    )


def make_proxy(
    settings: GatewaySettings,
    chassis: Chassis,
    redis: RedisClient,
    *,
    services: Mapping[str, Upstream],
    gate: Gate,
    signer: TokenSigner,
    shops: Shops,
) -> Proxy:
    tokens = VisitorTokens(signer, chassis.clock)
    return Proxy(
        upstreams={o: services[o.value] for o in Owner if o.value in services},
        gate=gate,
        headers=HeaderRules(tokens=tokens, signer=chassis.signer, shops=shops),
        redis=redis,
        deadlines=Deadlines(
            internal_seconds=settings.upstream_timeout_seconds,
            conversation_seconds=settings.conversation_timeout_seconds,
            chat_seconds=settings.chat_timeout_seconds,
            chat_silence_seconds=settings.chat_silence_seconds,
        ),
        max_body_bytes=settings.max_body_bytes,
        new_id=new_id,
    )


def chat_leases(proxy: Proxy) -> list[tuple[str, str]]:
    return [(key, call_id) for call_id, key in proxy.leases.items()]


async def drain(settings: GatewaySettings, fanout: Fanout, proxy: Proxy) -> None:
    """Events streams end at once and come back elsewhere; answers may end first."""
    fanout.drain(spread_seconds=settings.drain_retry_seconds)
    await proxy.move_streams(after_seconds=settings.drain_chat_seconds)


def watch(chassis: Chassis, fanout: Fanout, proxy: Proxy) -> None:
    streams = chassis.metrics.gauge("event_streams", "Events streams open here.")
    streams.set_function(lambda: fanout.open_streams)
    chats = chassis.metrics.gauge("chat_streams", "Chat streams passing through here.")
    chats.set_function(lambda: proxy.streaming)
