"""auth as the other services call it; the provider's contract is contracts/auth.py."""

import hashlib
from collections.abc import Sequence

from common.clients.http import ServiceClient
from common.clock import Clock, system_clock
from common.contracts.auth import AgentsSeen, KeyGrant, Paths, VerifyKey

_GRANT_SECONDS = 1.0
_GRANTS_KEPT = 1000
_SEEN_AT_ONCE = 1000  # 35 bytes each; a body has 64 KB


class AuthClient:
    """`verify_key` remembers for a second, so that a busy key costs one call a second."""

    def __init__(self, http: ServiceClient, clock: Clock = system_clock) -> None:
        self.http = http
        self._clock = clock
        # by hash: the memory of a process should not hold keys in the clear
        self._grants: dict[bytes, tuple[float, KeyGrant]] = {}

    async def agents_seen(self, agent_ids: Sequence[str]) -> None:
        """Agents that were here; any number."""
        for start in range(0, len(agent_ids), _SEEN_AT_ONCE):
            batch = list(agent_ids[start : start + _SEEN_AT_ONCE])
            await self.http.tell(Paths.AGENTS_SEEN, AgentsSeen(agent_ids=batch))

    async def verify_key(self, key: str) -> KeyGrant:
        digest = hashlib.sha256(key.encode()).digest()
        known = self._grants.get(digest)
        now = self._clock()
        if known is not None and 0 <= now - known[0] < _GRANT_SECONDS:
            return known[1]
        grant = await self.http.post(Paths.VERIFY_KEY, VerifyKey(key=key), KeyGrant)
        if len(self._grants) >= _GRANTS_KEPT:
            self._grants.clear()
        self._grants[digest] = (now, grant)
        return grant
