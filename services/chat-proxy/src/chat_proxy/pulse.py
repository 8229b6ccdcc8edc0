"""Knows whether Coze would take our credentials: a token got in the last five minutes."""

import asyncio
import logging
from collections.abc import Callable

from chat_proxy.card import SERVICE_SESSION
from chat_proxy.coze.auth import TokenKeeper
from chat_proxy.coze.faults import CozeError

log = logging.getLogger(__name__)

_CONNECTED_SECONDS = 300.0
_AGAIN_SECONDS = 15.0


class Pulse:
    """Where visitors cause no tokens, `beat` gets one now and then."""

    def __init__(
        self, tokens: TokenKeeper, *, now: Callable[[], float], every_seconds: float
    ) -> None:
        self._tokens = tokens
        self._now = now
        self._every = every_seconds

    def connected(self) -> bool:
        return self._age() < _CONNECTED_SECONDS

    async def beat(self) -> None:
        """For ever."""
        while True:
            pause = self._every - self._age()
            if pause <= 0:
                pause = self._every if await self._check() else _AGAIN_SECONDS
            await asyncio.sleep(pause)

    async def _check(self) -> bool:
        try:
            await self._tokens.check(SERVICE_SESSION)
        except CozeError as error:
            log.warning("coze gives no token", extra={"fault": error.fault.kind.value})
            return False
        return True

    def _age(self) -> float:
        at = self._tokens.obtained_at
        return float("inf") if at is None else self._now() - at
