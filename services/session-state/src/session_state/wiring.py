"""How session-state is put together: construction from top to bottom, handlers as a table."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common import events
from common.app import Chassis
from common.bus import UNHURRIED_SECONDS, Consumer, Live, Publisher, Retention, Tail
from common.clients.auth import AuthClient
from common.clients.http import ServiceClient
from common.ids import new_id
from common.redis import Keys, RedisClient

from session_state.asks import Asks
from session_state.conversations import Conversations
from session_state.desk import Desk
from session_state.duty import Duty
from session_state.index import Index
from session_state.journal import Journal
from session_state.outcomes import Outcomes
from session_state.pace import Pace
from session_state.pressure import Pressure
from session_state.queue import Queue
from session_state.regulator import Regulator
from session_state.roster import Roster
from session_state.sessions import Sessions
from session_state.settings import Settings
from session_state.statistics import Statistics
from session_state.store import Store
from session_state.streams import Streams
from session_state.timers import Timers


@dataclass(frozen=True)
class Wiring:
    """What the routes use."""

    settings: Settings
    sessions: Sessions
    asks: Asks
    desk: Desk
    index: Index
    statistics: Statistics
    duty: Duty
    streams: Streams
    conversations: Conversations
    timers: Timers
    publisher: Publisher


@asynccontextmanager
async def wire(settings: Settings, chassis: Chassis) -> AsyncIterator[Wiring]:
    clock, metrics, keys = chassis.clock, chassis.metrics, Keys(settings.redis_tag)
    redis = RedisClient.open(settings.redis_url, name=chassis.name)
    await redis.check_server(
        allow_eviction=settings.allow_evicting_redis, require_persistence=settings.production
    )
    auth = ServiceClient(settings.auth_url, audience="auth", signer=chassis.signer)
    publisher = Publisher(redis, keys, source=chassis.name, clock=clock, new_id=new_id)
    roster = Roster(redis, keys, absence_seconds=settings.agent_absence_seconds)
    duty = Duty(redis, keys, settings.shift())
    live, index, pace = Live(redis, keys), Index(redis, keys), Pace(redis, keys)
    regulator = Regulator(settings.rules())
    pressure = Pressure(redis, ratio=settings.busy_memory_ratio, metrics=metrics)
    sessions = Sessions(
        store=Store(redis, keys),
        journal=Journal(redis, keys),
        roster=roster,
        duty=duty,
        policy=settings.policy(),
        clock=clock,
        new_id=new_id,
        metrics=metrics,
    )
    streams = Streams(redis, keys, sessions)
    await streams.open()
    await duty.refresh()
    outcomes = Outcomes(
        sessions, regulator=regulator, roster=roster, publisher=publisher, metrics=metrics
    )
    consumer = Consumer(
        redis,
        keys,
        group=chassis.name,
        consumer=f"{socket.gethostname()}-{settings.port}",
        handlers={
            events.TurnAnswered: outcomes.turn_answered,
            events.TurnFailed: outcomes.turn_failed,
            events.AgentStatusChanged: outcomes.agent_changed,
            events.AgentChanged: outcomes.agent_changed,
            events.AgentRemoved: outcomes.agent_removed,
            events.MailSent: outcomes.mail_reported,
            events.MailFailed: outcomes.mail_reported,
        },
        clock=clock,
        metrics=metrics,
    )
    seconds = settings.timer_seconds
    timers = Timers(
        sessions, index=index, duty=duty, pressure=pressure, seconds=seconds, metrics=metrics
    )
    chassis.verify_keys_with(AuthClient(auth, clock).verify_key)
    chassis.add_check("redis", redis.ping)
    habits = {"replay_seconds": 1200.0, "linger_seconds": UNHURRIED_SECONDS}
    chassis.follow(Tail(redis, keys, clock=clock, metrics=metrics, **habits))
    chassis.supervise(consumer.run(), "consumer")
    chassis.supervise(timers.run(), "timers")
    queue = Queue(sessions, index=index, pace=pace, roster=roster, live=live)
    chassis.supervise(queue.run(), "queue")
    chassis.supervise(Retention(redis, keys, clock=clock, metrics=metrics).run(), "retention")
    policy = settings.call_policy()
    try:
        yield Wiring(
            settings=settings,
            sessions=sessions,
            asks=Asks(sessions, regulator=regulator, pressure=pressure, policy=policy),
            desk=Desk(sessions, live=live, pressure=pressure, policy=policy),
            index=index,
            statistics=Statistics(index, roster=roster, duty=duty),
            duty=duty,
            streams=streams,
            conversations=Conversations(sessions, pressure=pressure, policy=policy),
            timers=timers,
            publisher=publisher,
        )
    finally:
        await auth.close()
        await redis.close()
