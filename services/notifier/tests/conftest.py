"""A running notifier beside a real mail server that misbehaves on demand."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from common.app.build import build_app
from common.bus.publisher import Publisher
from common.events import MailRequested
from common.ids import new_id
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.testing.serving import RunningApp
from notifier.settings import NotifierSettings
from notifier.wiring import wire

from dev.mailcatcher.testing import RunningMailcatcher, running_mailcatcher

StartNotifier = Callable[..., AbstractAsyncContextManager[RunningApp]]


def request_of(**more: Any) -> MailRequested:
    """An after-hours escalation of a visitor, just now."""
    values: dict[str, Any] = {
        "session_name": "session_a",
        "escalation_id": new_id(),
        "cause": "after_hours",
        "at": 1_790_000_000.0,
        "reason": "keyword",
        "nickname": "Anna",
        "language": "de",
    }
    return MailRequested(**{**values, **more})


@pytest.fixture
async def mails() -> AsyncIterator[RunningMailcatcher]:
    async with running_mailcatcher() as catcher:
        yield catcher


@pytest.fixture
def notifier_settings(make_settings: Any, mails: RunningMailcatcher) -> Any:
    def make(**values: Any) -> NotifierSettings:
        defaults: dict[str, Any] = {
            "smtp_host": mails.smtp_host,
            "smtp_port": mails.smtp_port,
            "smtp_tls": "none",
            "smtp_timeout_seconds": 20,
            "smtp_deadline_seconds": 30,
            "mail_from": "kefu@shop.example",
            "mail_to": "team@shop.example",
            "mail_language": "en",
            "mail_poll_seconds": 0.02,
            "mail_retry_seconds": "10,10,10",
            "public_url": "https://kefu.example",
            "timezone": "Europe/Berlin",
        }
        return make_settings(NotifierSettings, **{**defaults, **values})

    return make


@pytest.fixture
def start_notifier(notifier_settings: Any, clock: Any, run_app: Any) -> StartNotifier:
    """`async with start_notifier(mail_language="zh")`; twice is two replicas."""

    ports = itertools.count(9000)

    @asynccontextmanager
    async def start(**values: Any) -> AsyncIterator[RunningApp]:
        # two replicas have two names in their group
        settings = notifier_settings(**{"port": next(ports), **values})
        app = build_app(
            name="notifier", settings=settings, wire=partial(wire, settings), clock=clock
        )
        async with run_app(app) as running:
            yield running

    return start


@pytest.fixture
def ask(redis: RedisClient, keys: Keys, clock: Any) -> Callable[..., Any]:
    """`await ask(request_of())`: what session-state does; `times` entries on the bus."""
    publisher = Publisher(redis, keys, source="session-state", clock=clock, new_id=new_id)

    async def publish(request: MailRequested, *, times: int = 2) -> MailRequested:
        for _ in range(times):
            await publisher.publish(request, subject=request.session_name)
        return request

    return publish


@pytest.fixture
def told(redis: RedisClient, keys: Keys) -> Callable[..., Any]:
    """`await told("mail.sent")`: payloads of that type on the bus, oldest first."""

    async def read(kind: str) -> list[bytes]:
        rows = await redis.xrange(keys.bus())
        return [fields[b"data"] for _, fields in rows if fields[b"type"] == kind.encode()]

    return read
