"""The ledger where Redis is a Cluster, and where it goes away."""

from functools import partial
from pathlib import Path
from typing import Any

import orjson
from common.app.build import build_app
from common.bus.publisher import Publisher
from common.events import MailRequested
from common.ids import new_id
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.testing.server import cluster_url, running_server, three_masters
from notifier.ledger import Ledger
from notifier.wiring import wire

_MESSAGE_ID = f"<{'5f' * 16}.escalation.0@shop.example>"
REQUEST = MailRequested(
    session_name="session_a", escalation_id="5f" * 16, cause="after_hours", at=1_790_000_000.0
)


async def test_every_script_runs_on_a_cluster(tmp_path: Path) -> None:
    """R21."""
    with three_masters(tmp_path) as servers:
        redis = RedisClient.open(cluster_url(servers))
        ledger = Ledger(redis, Keys())
        for name, settle in (("<a@b>", "sent"), ("<b@b>", "failed"), ("<c@b>", "retry")):
            assert await ledger.accept(name, REQUEST, now=1.0)
            letter = await ledger.claim(name, "claim", now=2.0, lease_seconds=9)
            assert letter is not None
            assert await ledger.admit(letter, "a@b.example", now=2.0, limit=3)
            match settle:
                case "sent":
                    assert await ledger.sent(letter, ["x"], now=3.0)
                case "failed":
                    assert await ledger.failed(letter, "no", now=3.0)
                case _:
                    assert await ledger.retry(letter, "no", now=3.0, next_at=9.0)
        assert await ledger.open_letters() == 1
        await redis.close()


async def test_the_request_of_a_sent_letter_is_forgotten_that_of_a_dead_one_is_kept(
    redis: RedisClient, keys: Keys
) -> None:
    ledger = Ledger(redis, keys)
    for name in ("<a@b>", "<b@b>"):
        await ledger.accept(name, REQUEST, now=1.0)
    sent = await ledger.claim("<a@b>", "claim", now=2.0, lease_seconds=9)
    dead = await ledger.claim("<b@b>", "claim", now=2.0, lease_seconds=9)
    assert sent is not None
    assert dead is not None
    await ledger.sent(sent, ["x"], now=3.0)
    await ledger.failed(dead, "no", now=3.0)
    assert b"request" not in await redis.hgetall(keys.letter("<a@b>"))
    assert b"request" in await redis.hgetall(keys.letter("<b@b>"))
    assert not await ledger.accept("<a@b>", REQUEST, now=4.0)


async def test_a_letter_that_waited_while_redis_was_away_is_sent_when_it_is_back(
    notifier_settings: Any, clock: Any, run_app: Any, mails: Any, until: Any, tmp_path: Path
) -> None:
    with running_server(tmp_path) as server:
        settings = notifier_settings(redis_url=server.url())
        app = build_app(
            name="notifier", settings=settings, wire=partial(wire, settings), clock=clock
        )
        redis, keys = RedisClient.open(server.url()), Keys()
        publisher = Publisher(redis, keys, source="session-state", clock=clock, new_id=new_id)
        mails.arm("451")
        async with run_app(app):
            await publisher.publish(REQUEST, subject="session_a")

            async def waits() -> bool:
                return b"error" in await redis.hgetall(keys.letter(_MESSAGE_ID))

            await until(waits)
            server.kill()
            clock.advance(12)
            server.start()
            await until(lambda: mails.mails)

            async def told() -> list[dict[str, Any]]:
                rows = await redis.xrange(keys.bus())
                return [orjson.loads(f[b"data"]) for _, f in rows if f[b"type"] == b"mail.sent"]

            assert len(await until(told)) == 1
        await redis.close()
