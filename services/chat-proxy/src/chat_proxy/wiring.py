"""How chat-proxy is put together; top to bottom is the order of construction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from common.app import Chassis
from common.bus.publisher import Publisher
from common.bus.tail import Tail
from common.clients.http import ServiceClient
from common.clients.session_state import SessionStateClient
from common.contracts.sessions import Ticket
from common.events import Event, TurnStopRequested
from common.ids import new_id
from common.redis import Keys, RedisClient

from chat_proxy.assistant import Assistant
from chat_proxy.card import BotCard
from chat_proxy.connection import connect, make_assistant
from chat_proxy.metrics import CozeMetrics
from chat_proxy.pulse import Pulse
from chat_proxy.roster import Roster
from chat_proxy.settings import Settings
from chat_proxy.token_cache import RedisTokenCache
from chat_proxy.turns import TurnLimits, Turns

NAME = "chat-proxy"
_REVOCATIONS_SECONDS = 1200.0  # what the bus tells of tokens revoked before we started


@dataclass(frozen=True)
class Wiring:
    settings: Settings
    sessions: SessionStateClient
    assistant: Assistant
    roster: Roster
    turns: Turns
    card: BotCard
    request_stop: Callable[[str, str], Awaitable[None]]
    draining: Callable[[], bool]


@asynccontextmanager
async def wire(settings: Settings, chassis: Chassis) -> AsyncIterator[Wiring]:
    async with AsyncExitStack() as stack:
        redis = RedisClient.open(settings.redis_url, name=NAME)
        stack.push_async_callback(redis.close)
        await redis.check_server(
            allow_eviction=settings.allow_evicting_redis,
            require_persistence=settings.production,
        )
        chassis.add_check("redis", redis.ping)
        keys = Keys(settings.redis_tag)
        publisher = Publisher(redis, keys, source=NAME, clock=chassis.clock, new_id=new_id)
        http = ServiceClient(
            settings.session_state_url, audience="session-state", signer=chassis.signer
        )
        sessions = SessionStateClient(await stack.enter_async_context(http))

        loop = asyncio.get_running_loop()
        metrics = CozeMetrics(chassis.metrics)
        coze, tokens = await connect(
            settings,
            stack,
            cache=partial(RedisTokenCache, redis, keys, now=chassis.clock),
            metrics=metrics,
            now=chassis.clock,
        )
        assistant = make_assistant(settings, coze, metrics)
        roster = Roster(
            sessions,
            partial(chassis.spawn, name="turn keeping"),
            clock=loop.time,
            renew_seconds=settings.turn_lease_renew_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
        )
        metrics.watch_turns(lambda: len(roster))
        turns = Turns(
            assistant=assistant,
            binder=sessions,
            publish=partial(_publish_end, publisher),
            roster=roster,
            spawn=partial(chassis.spawn, name="turn"),
            metrics=metrics,
            limits=TurnLimits(
                whole=settings.coze_turn_timeout_seconds,
                closed_wait=settings.turn_closed_wait_seconds,
                publish=settings.turn_publish_seconds,
            ),
            clock=loop.time,
        )
        tail = Tail(
            redis,
            keys,
            clock=chassis.clock,
            replay_seconds=_REVOCATIONS_SECONDS,
            metrics=chassis.metrics,
        )
        tail.listen(lambda entry: roster.hear(entry.fields))
        chassis.follow(tail)
        chassis.supervise(roster.keep(), "turn keeper")
        chassis.on_drain(partial(turns.drain, settings.drain_seconds))

        pulse = Pulse(tokens, now=chassis.clock, every_seconds=settings.coze_probe_seconds)
        chassis.supervise(pulse.beat(), "coze pulse")
        chassis.add_fact("coze_connected", pulse.connected)
        chassis.add_fact("coze", lambda: settings.coze_kind)
        yield Wiring(
            settings=settings,
            sessions=sessions,
            assistant=assistant,
            roster=roster,
            turns=turns,
            card=BotCard(settings.card, coze, bot_id=settings.coze_bot_id, clock=loop.time),
            request_stop=partial(_publish_stop, publisher),
            draining=lambda: chassis.draining,
        )


async def _publish_end(publisher: Publisher, event: Event, ticket: Ticket) -> None:
    """A turn ends once: the event's id is the turn's, so a repetition adds nothing."""
    await publisher.publish(event, subject=ticket.session_name, event_id=f"{ticket.turn_id}-end")


async def _publish_stop(publisher: Publisher, session_name: str, sid: str) -> None:
    event = TurnStopRequested(session_name=session_name, sid=sid)
    await publisher.publish(event, subject=session_name)
