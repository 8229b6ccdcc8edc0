"""Everything on the bus is delivered at least once: tests deliver it twice."""

from collections.abc import Mapping
from functools import partial

from common.bus.delivery import Handler
from common.bus.entry import Entry
from common.events.base import Event
from common.redis.client import RedisClient
from common.redis.keys import Keys


def twice(handlers: Mapping[type[Event], Handler]) -> dict[type[Event], Handler]:
    """The same handlers, each applying every event two times in a row."""
    return {event: partial(_apply_twice, handler) for event, handler in handlers.items()}


async def _apply_twice(handler: Handler, event: Event, entry: Entry) -> None:
    await handler(event, entry)
    await handler(event, entry)


async def deliver_again(redis: RedisClient, keys: Keys, *, group: str) -> None:
    """Sets the group back to the beginning: a running consumer gets the whole bus once more, as
    after a lost group."""
    await redis.xgroup_setid(keys.bus(), group, start="0")
