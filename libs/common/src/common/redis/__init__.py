"""Redis: keys, typed commands, scripts, and a connection that never gives a wrong answer."""

from common.redis.client import RedisClient
from common.redis.command import Command
from common.redis.errors import Refused, UnsafeServer
from common.redis.keys import STATUSES, Keys
from common.redis.scripts import Script, load_script
from common.redis.server import ServerFacts
from common.redis.streams import StreamRow

__all__ = [
    "STATUSES",
    "Command",
    "Keys",
    "RedisClient",
    "Refused",
    "Script",
    "ServerFacts",
    "StreamRow",
    "UnsafeServer",
    "load_script",
]
