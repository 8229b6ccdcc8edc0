"""How the notifier is put together; the handler table says what it listens to."""

import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.app import Chassis
from common.bus.consumer import Consumer
from common.bus.pace import UNHURRIED_SECONDS
from common.clock import Clock
from common.events import MailRequested
from common.ids import new_id
from common.metrics import Metrics
from common.redis.client import RedisClient
from common.redis.keys import Keys

from notifier.delivery import Delivery
from notifier.ledger import Ledger
from notifier.letters import Letters, Stationery
from notifier.mailer import Mailer, MailServer
from notifier.settings import NotifierSettings

GROUP = "notifier"


@dataclass(frozen=True)
class Wiring:
    delivery: Delivery
    ledger: Ledger


@asynccontextmanager
async def wire(settings: NotifierSettings, chassis: Chassis) -> AsyncIterator[Wiring]:
    clock = chassis.clock
    redis = RedisClient.open(settings.redis_url, name=GROUP)
    keys = Keys(settings.redis_tag)
    try:
        await redis.check_server(
            allow_eviction=settings.allow_evicting_redis,
            require_persistence=settings.production,
        )
        chassis.add_check("redis", redis.ping)
        ledger = Ledger(redis, keys)
        delivery = make_delivery(settings, ledger, metrics=chassis.metrics, clock=clock)
        # degraded, not unready: letters wait in the ledger while the mail server is away
        chassis.add_fact("smtp", lambda: delivery.smtp)
        consumer = Consumer(
            redis,
            keys,
            group=GROUP,
            # kept over a restart, so that what it had in hand is found again at once
            consumer=f"{socket.gethostname()}-{settings.port}",
            handlers={MailRequested: delivery.accept},
            linger_seconds=UNHURRIED_SECONDS,
            clock=clock,
            metrics=chassis.metrics,
        )
        chassis.supervise(consumer.run(), "consumer")
        chassis.supervise(delivery.run(), "delivery")
        chassis.on_drain(delivery.drain)
        yield Wiring(delivery, ledger)
    finally:
        await redis.close()


def make_letters(settings: NotifierSettings) -> Letters:
    return Letters(
        Stationery(
            sender=settings.mail_from,
            sender_name=settings.mail_from_name,
            team=settings.recipients,
            domain=settings.domain,
            language=settings.mail_language,
            public_url=settings.public_url,
            zone=settings.zone,
            stale_seconds=settings.mail_stale_seconds,
        )
    )


def make_mailer(settings: NotifierSettings) -> Mailer:
    password = settings.smtp_password
    server = MailServer(
        host=settings.smtp_host,
        port=settings.port_of_server,
        tls=settings.smtp_tls,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        ca_file=settings.smtp_ca_file,
        timeout_seconds=settings.smtp_timeout_seconds,
        deadline_seconds=settings.smtp_deadline_seconds,
    )
    return Mailer(server, sender=settings.mail_from)


def make_delivery(
    settings: NotifierSettings, ledger: Ledger, *, metrics: Metrics, clock: Clock
) -> Delivery:
    return Delivery(
        ledger=ledger,
        letters=make_letters(settings),
        mailer=make_mailer(settings),
        metrics=metrics,
        retry_after=settings.retry_after,
        deadline_seconds=settings.smtp_deadline_seconds,
        margin_seconds=settings.mail_lease_margin_seconds,
        transcripts_an_hour=settings.mail_transcripts_an_hour,
        poll_seconds=settings.mail_poll_seconds,
        parallel=settings.mail_parallel,
        clock=clock,
        new_id=new_id,
        # letters that failed together must not come back together
        jitter=lambda: random.uniform(0.9, 1.1),
    )
