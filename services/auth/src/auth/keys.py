"""API keys of the shop's own back end: `kefu_<id>_<secret>`, stored hashed."""

import hashlib
import hmac
import re

import orjson
from common.contracts.auth import KeyGrant
from common.redis.client import RedisClient
from common.redis.keys import Keys

_SHAPE = re.compile(r"kefu_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NO = KeyGrant(valid=False)


class ApiKeys:
    """The keys an installation has given out."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def verify(self, key: str) -> KeyGrant:
        """What the key may do; not valid where it is unknown or was revoked."""
        found = _SHAPE.fullmatch(key)
        if found is None:
            return _NO
        stored = await self._redis.hget(self._keys.api_keys(), found.group(1))
        if stored is None:
            return _NO
        entry = orjson.loads(stored)
        if not hmac.compare_digest(entry["hash"], hashlib.sha256(key.encode()).hexdigest()):
            return _NO
        return KeyGrant(valid=True, id=found.group(1), name=entry["name"], scopes=entry["scopes"])
