"""session-state as the other services call it; the provider's contract is contracts/sessions.py."""

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

import orjson

from common.clients.http import ServiceClient
from common.contracts.sessions import (
    BindConversation,
    Bound,
    ConversationAllowed,
    ConversationCheck,
    ConversationSet,
    LogPage,
    OpenTurn,
    Paths,
    RenewLease,
    Seen,
    SessionRef,
    Ticket,
)

SHIFT_STATUS = "/api/shift/status"
# A name may have 128 letters: more of them could pass a body's 64 KB
_SEEN_AT_ONCE = 400


class SessionStateClient:
    """Every method raises the failures its contract names, and Unavailable."""

    def __init__(self, http: ServiceClient) -> None:
        self.http = http

    async def open_turn(self, turn: OpenTurn) -> Ticket:
        return await self.http.post(Paths.OPEN_TURN, turn, Ticket)

    async def renew_lease(self, lease: RenewLease) -> None:
        await self.http.tell(Paths.LEASE, lease)

    async def bind_conversation(self, bind: BindConversation) -> Bound:
        return await self.http.post(Paths.BIND, bind, Bound)

    async def check_conversation(self, check: ConversationCheck) -> ConversationAllowed:
        return await self.http.post(Paths.CONVERSATION_CHECK, check, ConversationAllowed)

    async def set_conversation(self, conversation: ConversationSet) -> SessionRef:
        return await self.http.post(Paths.CONVERSATION_SET, conversation, SessionRef)

    async def log(
        self,
        name: str,
        *,
        after: int = 0,
        limit: int = 500,
        audience: Literal["va", "a"] = "va",
    ) -> LogPage:
        """Entries with `seq > after`; `audience` `a` is an agent, who sees all."""
        path = Paths.LOG.format(name=quote(name, safe=""))
        params: dict[str, str | int] = {"after": after, "limit": limit, "audience": audience}
        return await self.http.get(path, LogPage, params=params)

    async def seen(self, sessions: Sequence[str]) -> None:
        """Visitors that were present; any number."""
        for start in range(0, len(sessions), _SEEN_AT_ONCE):
            batch = list(sessions[start : start + _SEEN_AT_ONCE])
            await self.http.tell(Paths.PRESENCE, Seen(sessions=batch))

    async def shift_status(self) -> dict[str, Any]:
        """The public shift status, without its envelope."""
        answer = orjson.loads(await self.http.call("GET", SHIFT_STATUS))
        data: dict[str, Any] = answer["data"]
        return data
