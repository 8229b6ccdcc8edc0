"""What may be lost: typing, queue positions, `replaced`, presence. Pub/sub, kept nowhere."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson

from common.errors import ServiceError
from common.redis.client import RedisClient
from common.redis.keys import Keys

log = logging.getLogger(__name__)

Listener = Callable[[str, str, dict[str, Any]], None]


class Live:
    """One subscription a process, whatever the number of listeners."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._channel = keys.live()
        self._listeners: list[Listener] = []
        self._ready = asyncio.Event()

    async def send(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        """To all processes, this one too. Never fails: what can't be sent now is lost."""
        message = orjson.dumps({"kind": kind, "subject": subject, "data": data})
        try:
            await self._redis.publish(self._channel, message)
        except ServiceError as error:
            log.debug("live message lost", extra={"kind": kind, "reason": error.code})

    def listen(self, listener: Listener) -> Callable[[], None]:
        """`listener(kind, subject, data)`, quick and sync; returns what ends it."""
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    async def ready(self) -> None:
        """Returns once subscribed."""
        await self._ready.wait()

    async def run(self) -> None:
        """Until cancelled; subscribes again by itself."""
        async for message in self._redis.subscribe(self._channel, on_open=self._ready.set):
            try:
                body = orjson.loads(message)
                words = body["kind"], body["subject"], body["data"]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                log.warning("unreadable live message", extra={"size": len(message)})
                continue
            for listener in tuple(self._listeners):
                self._tell(listener, words)

    def _tell(self, listener: Listener, words: tuple[str, str, dict[str, Any]]) -> None:
        try:
            listener(*words)
        except Exception:
            log.exception("a live listener failed", extra={"kind": words[0]})
