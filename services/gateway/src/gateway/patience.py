"""How long one upstream call is waited for, and why it was given up."""

import asyncio
from types import TracebackType
from typing import Literal, Self

from common.app.connection import Connection

Reason = Literal["late", "gone", "moved"]
# uvicorn tells nobody that a client left; a look each quarter second costs one timer a call
_LOOK_SECONDS = 0.25


class Patience:
    """`async with Patience(…)` raises TimeoutError when it runs out; `reason` then says why:
    `late` (the deadline), `gone` (the client left), `moved` (this gateway is going)."""

    def __init__(self, connection: Connection, seconds: float, *, anew: bool = False) -> None:
        """`anew`: the seconds count from whatever was heard last."""
        self._connection = connection
        self._seconds = seconds
        self._anew = anew
        self._timeout = asyncio.timeout(seconds)
        self._look: asyncio.TimerHandle | None = None
        self._heard = False
        self.reason: Reason = "late"

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._watch()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        await self._timeout.__aexit__(kind, error, traceback)

    def heard(self) -> None:
        """Something came: with `anew` the wait begins anew. Costs no timer: the next
        look sees it."""
        self._heard = True

    def give_up(self, reason: Reason) -> None:
        if self.reason == "late" and not self._timeout.expired():
            self.reason = reason
            self._timeout.reschedule(asyncio.get_running_loop().time())

    def _watch(self) -> None:
        if self._connection.gone:
            self.give_up("gone")
            return
        if self._anew and self._heard and self.reason == "late" and not self._timeout.expired():
            self._heard = False
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)
        self._look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._watch)
