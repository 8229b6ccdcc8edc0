"""Receipts: settled entries are acknowledged together, none is lost, none is taken again."""

import asyncio
import contextlib

import pytest
from common.bus import Consumer, Publisher
from common.bus.receipts import Receipts
from common.clock import system_clock
from common.errors import StateUnavailable
from common.events import TurnFailed
from common.ids import new_id


class Acknowledged:
    """Stands where Redis is; away for the first calls."""

    def __init__(self, *, away: int = 0) -> None:
        self.batches: list[tuple[str, ...]] = []
        self._away = away

    async def xack(self, key: str, group: str, *entry_ids: str) -> int:
        assert (key, group) == ("bus", "g")
        if self._away:
            self._away -= 1
            raise StateUnavailable
        self.batches.append(entry_ids)
        return len(entry_ids)


@contextlib.asynccontextmanager
async def running(work):
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_is_settled_meanwhile_is_acknowledged_in_one_go(until):
    redis = Acknowledged()
    receipts = Receipts(redis, "bus", "g")
    async with running(receipts.run()):
        receipts.add("1-0")
        receipts.add("2-0", "3-0")
        assert "2-0" in receipts
        await until(lambda: redis.batches == [("1-0", "2-0", "3-0")])
        await until(lambda: "2-0" not in receipts)
        receipts.add("4-0")
        await until(lambda: len(redis.batches) == 2)


async def test_redis_being_away_loses_no_receipt(until):
    redis = Acknowledged(away=2)
    receipts = Receipts(redis, "bus", "g")
    async with running(receipts.run()):
        receipts.add("1-0")
        await until(lambda: redis.batches == [("1-0",)])


@pytest.mark.parametrize("is_settled", [True, False])
async def test_a_settled_entry_is_not_taken_again_from_our_own_pending(
    redis, keys, until, is_settled
):
    """Canary: without the receipt it is."""
    applied = []

    async def handler(event, entry) -> None:
        applied.append(entry.id)

    consumer = Consumer(
        redis, keys, group="g", consumer="me", handlers={TurnFailed: handler}, clock=system_clock
    )
    publisher = Publisher(redis, keys, source="test", clock=system_clock, new_id=new_id)
    event = TurnFailed(session_name="a", turn_id="1", epoch=1, reason="upstream")
    entry_id = await publisher.publish(event, subject="a")
    await redis.xgroup_create(keys.bus(), "g")
    await redis.xreadgroup("g", "me", {keys.bus(): ">"})
    if is_settled:
        consumer._receipts.add(entry_id)
    async with running(consumer.run()):

        async def settled() -> bool:
            return (await redis.xinfo_groups(keys.bus()))[0]["pending"] == 0

        await until(settled)
    assert applied == ([] if is_settled else [entry_id])
