"""Who is there: heartbeats, and the silence that means somebody has left.

    online, busy ──90 s of silence──▶ offline ──heartbeat──▶ what it was before
         ▲                               ▲
         └── login, PUT status           └── logout, PUT status: stays until the agent acts

Any replica runs the sweep; the commit itself checks that nothing was heard meanwhile, so two of
them make one event.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from common.clock import Clock
from common.errors import NotFound, ServiceError

from auth.account import Account
from auth.announcements import presence
from auth.store import Change, Skipped, Store

log = logging.getLogger(__name__)

_BATCH = 100


class Attendance:
    """Heartbeats in, presence events out."""

    def __init__(
        self,
        store: Store,
        *,
        timeout_seconds: float,
        sweep_seconds: float,
        settle_seconds: float,
        clock: Clock,
    ) -> None:
        self._store = store
        self._timeout = timeout_seconds
        self._sweep_seconds = sweep_seconds
        self._settle = settle_seconds
        self._clock = clock
        # nobody is judged by a silence that was our own
        self._listening_since = clock()

    async def heard(self, agent_ids: Sequence[str]) -> None:
        """A heartbeat of each; who fell silent before is back as they were."""
        if not agent_ids:
            return
        for agent_id in await self._store.heard(list(dict.fromkeys(agent_ids))):
            with contextlib.suppress(NotFound):
                await self._store.change(agent_id, self._resume)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(self._sweep_seconds)
            try:
                await self.sweep()
            except ServiceError as error:
                log.warning("presence sweep failed", extra={"code": error.code})
                self._listening_since = self._clock()

    async def sweep(self) -> None:
        """Everybody who was silent for too long is offline."""
        now = self._clock()
        if now - self._listening_since < self._settle:
            return
        before = round(now - self._timeout, 3)
        for agent_id in await self._store.silent(before, count=_BATCH):
            with contextlib.suppress(NotFound, Skipped):
                await self._store.change(agent_id, lambda account: self._leave(account, before))

    def _leave(self, account: Account, before: float) -> Change:
        resume = account.status if account.status != "offline" else account.resume
        after = replace(account, status="offline", resume=resume)
        return Change(
            before=account,
            after=after,
            silent_since=before,
            gone=True,
            events=tuple(presence(account, after, at=self._clock())),
        )

    def _resume(self, account: Account) -> Change | None:
        if account.status != "offline" or account.resume is None or not account.serves:
            return None
        after = replace(account, status=account.resume, resume=None)
        return Change(
            before=account,
            after=after,
            seen=self._clock(),
            events=tuple(presence(account, after, at=self._clock())),
        )
