"""The bus: Redis Streams with groups, dead letters, a tail, retention (ADR 2)."""

from common.bus.consumer import Consumer
from common.bus.delivery import Handler
from common.bus.entry import Entry
from common.bus.live import Live
from common.bus.pace import UNHURRIED_SECONDS
from common.bus.publisher import Publisher
from common.bus.retention import Retention
from common.bus.tail import Tail

__all__ = [
    "UNHURRIED_SECONDS",
    "Consumer",
    "Entry",
    "Handler",
    "Live",
    "Publisher",
    "Retention",
    "Tail",
]
