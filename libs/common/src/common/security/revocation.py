"""Which access tokens are dead before their time; filled from the bus, kept in memory.

A service that can't hear the bus doesn't know, so after a second it trusts no agent at all
(flows.md, "Who is who").
"""

from collections.abc import Callable

from common.clock import Clock, system_clock
from common.events.agents import TokensRevoked
from common.security.tokens import AGENT_SECONDS, AgentClaims

DEAF_SECONDS = 1.0
# Longer than any access token lives: what it forbids has expired by itself.
KEEP_SECONDS = AGENT_SECONDS + 300


class Revocations:
    """Every `agent.tokens_revoked` of the last 20 minutes. Applying one twice changes nothing."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._failing_for: Callable[[float], float] | None = None
        # (agent id, kind, key) → (not_before, forget at)
        self._entries: dict[tuple[str, str, str], tuple[float, float]] = {}

    def watch(self, failing_for: Callable[[float], float]) -> None:
        """Trust begins here: `failing_for(now)` says for how long the bus could not be read."""
        self._failing_for = failing_for

    def trusted(self, now: float | None = None) -> bool:
        """Does this memory tell the truth? False before `watch`."""
        if self._failing_for is None:
            return False
        return self._failing_for(self._clock() if now is None else now) <= DEAF_SECONDS

    def apply(self, event: TokensRevoked) -> None:
        if event.jti is not None:
            key = (event.agent_id, "jti", event.jti)
        elif event.family is not None:
            key = (event.agent_id, "family", event.family)
        else:
            key = (event.agent_id, "all", "")
        known = self._entries.get(key, (0.0, 0.0))[0]
        not_before = max(known, event.not_before)
        self._entries[key] = (not_before, max(self._clock(), not_before) + KEEP_SECONDS)
        self._forget()

    def is_revoked(self, claims: AgentClaims) -> bool:
        everything = self._entries.get((claims.sub, "all", ""))
        return (
            (everything is not None and claims.iat < everything[0])
            or (claims.sub, "jti", claims.jti) in self._entries
            or (claims.sub, "family", claims.family) in self._entries
        )

    def __len__(self) -> int:
        return len(self._entries)

    def _forget(self) -> None:
        now = self._clock()
        for key in [k for k, (_, until) in self._entries.items() if until < now]:
            del self._entries[key]
