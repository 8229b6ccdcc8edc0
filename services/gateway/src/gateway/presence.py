"""Who is here: visitors and agents seen since the last report, told to those who keep it."""

import asyncio
import logging
from collections.abc import Awaitable

from common.clients.auth import AuthClient
from common.clients.session_state import SessionStateClient
from common.security.tokens import AgentClaims

from gateway.errors import ServiceError
from gateway.fanout import Fanout

log = logging.getLogger(__name__)


class Presence:
    """Reports every `seconds`; an agent seen for the first time is reported at once.

    What could not be told is dropped: the next report says the same again for whoever is still
    here, and an agent counts as offline only after 90 s of silence."""

    def __init__(
        self,
        *,
        session_state: SessionStateClient,
        auth: AuthClient,
        fanout: Fanout,
        seconds: float,
    ) -> None:
        self._session_state = session_state
        self._auth = auth
        self._fanout = fanout
        self._seconds = seconds
        self._visitors: set[str] = set()
        self._agents: set[str] = set()
        self._told: set[str] = set()
        self._news = asyncio.Event()

    def visitor(self, session: str) -> None:
        self._visitors.add(session)

    def agent(self, claims: AgentClaims) -> None:
        self._agents.add(claims.sub)
        if claims.sub not in self._told:
            self._told.add(claims.sub)
            self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wait()
            await self.report()

    async def report(self) -> None:
        """Tell both services who was seen since the last report, and who has a stream open."""
        agents = sorted(self._agents | self._fanout.agents())
        visitors = sorted(self._visitors | self._fanout.visitors())
        self._told = set(agents)
        self._agents, self._visitors = set(), set()
        # apart: with auth away visitors who wait are still here, and not to be given up
        await _told(self._auth.agents_seen(agents))
        await _told(self._session_state.seen(visitors))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()


async def _told(report: Awaitable[None]) -> None:
    try:
        await report
    except ServiceError as error:
        log.warning("presence not reported", extra={"code": error.code})
