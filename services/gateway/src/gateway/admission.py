"""How many calls of whom pass: exact sliding windows over all gateways, spent all or none.

A fixed window lets 40 of 20 a minute through at its seam and a leaky bucket 39; a log of instants
lets exactly 20. One script a call checks every window and, for chat, the in-flight leases before
it spends any, so a refused call costs nobody anything. Without Redis nothing passes: 503.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from common.errors import RateLimited, ServiceError, TooManyStreams
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.redis.scripts import Script
from common.security.caller import Caller
from common.security.policy import Limit

from gateway.addresses import client_prefix
from gateway.settings import Rates

Headers = list[tuple[bytes, bytes]]


def _headers(limit: int, remaining: int, reset_seconds: int) -> Headers:
    return [
        (b"ratelimit-limit", str(limit).encode()),
        (b"ratelimit-remaining", str(remaining).encode()),
        (b"ratelimit-reset", str(reset_seconds).encode()),
    ]


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` calls in any `seconds`, counted at `key`."""

    key: str
    limit: int
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that passed: what its answer says about the window nearest to its end."""

    limit: int = 0
    remaining: int = 0
    reset_seconds: int = 0

    def headers(self) -> Headers:
        """`RateLimit-*`, where a window was spent."""
        if not self.limit:
            return []
        return _headers(self.limit, self.remaining, self.reset_seconds)


def refusal_headers(error: ServiceError) -> Headers:
    """The same where a window was full."""
    if not isinstance(error, RateLimited):
        return []
    return _headers(error.details["limit"], 0, error.details["retry_after"])


class Windows:
    """Which windows a call falls under, by the table's limit and by who calls."""

    def __init__(self, keys: Keys, rates: Rates) -> None:
        self._keys = keys
        self._rates = rates

    def of(self, limit: Limit, caller: Caller, *, session: str | None, fresh: bool) -> list[Window]:
        """`session`: the visitor's, by token or as named; `fresh`: the call may make one."""
        if limit is Limit.NONE:
            return []
        windows = self._ceiling(caller)
        if limit is Limit.LOGIN:
            windows.append(
                self._window("login", client_prefix(caller.address), self._rates.login_address)
            )
        elif not windows:
            windows = self._visitor(limit, caller, session=session, fresh=fresh)
        return [w for w in windows if w.limit > 0]

    def guess(self, address: str) -> list[Window]:
        """Calls that prove themselves by a `conversation_id` only; right ones are given back."""
        window = self._window("guess", client_prefix(address), self._rates.guess_address)
        return [window] if window.limit > 0 else []

    def fresh(self, address: str) -> list[Window]:
        """Calls that may make a session."""
        window = self._window("new", client_prefix(address), self._rates.new_address)
        return [window] if window.limit > 0 else []

    def _ceiling(self, caller: Caller) -> list[Window]:
        """Agents and keys are unlimited up to a ceiling that only a runaway reaches."""
        if caller.agent is not None:
            return [self._window("agent", caller.agent.sub, self._rates.agent)]
        if caller.kind == "key":
            return [self._window("key", caller.key_id or caller.address, self._rates.agent)]
        return []

    def _visitor(
        self, limit: Limit, caller: Caller, *, session: str | None, fresh: bool
    ) -> list[Window]:
        rates, address = self._rates, client_prefix(caller.address)
        windows = []
        if limit is Limit.CONVERSATION or fresh:
            windows.append(self._window("new", address, rates.new_address))
        if limit is Limit.CHAT and caller.visitor is not None and caller.visitor.vip:
            return [*windows, self._window("chat", caller.visitor.sub, rates.chat_vip)]
        kind = "other" if limit is Limit.CONVERSATION else limit.value
        if session is not None:
            # who only names a session must not be able to use up its visitor's window
            who = f"{'s' if caller.visitor is not None else 'n'}:{session}"
            windows.append(self._window(kind, who, getattr(rates, f"{kind}_session")))
        windows.append(self._window(kind, f"a:{address}", getattr(rates, f"{kind}_address")))
        return windows

    def _window(self, name: str, who: str, limit: int) -> Window:
        return Window(self._keys.rate(name, who), limit)


class Admission:
    """Spends windows and chat leases."""

    def __init__(self, redis: RedisClient, admit: Script, *, lease_seconds: float) -> None:
        self._redis = redis
        self._admit = admit
        self._lease_ms = int(lease_seconds * 1000)

    async def admit(
        self,
        call_id: str,
        windows: Sequence[Window],
        *,
        leases: str | None = None,
        lease_limit: int = 0,
    ) -> Admitted:
        """Raises `RateLimited` or `TooManyStreams` with `retry_after`; no key, no round trip."""
        leased = leases is not None and lease_limit > 0
        if not windows and not leased:
            return Admitted()
        args: list[str | int] = [call_id, len(windows)]
        for window in windows:
            args += [window.limit, int(window.seconds * 1000)]
        keys = [window.key for window in windows]
        if leases is not None and leased:
            keys.append(leases)
            args += [lease_limit, self._lease_ms]
        verdict, _, limit, remaining, reset = await self._redis.run(
            self._admit, keys, args, confirm=False
        )
        seconds = max(1, math.ceil(reset / 1000)) if limit else 0
        if verdict == 1:
            return Admitted(limit, remaining, seconds)
        if verdict == 0:
            raise RateLimited(retry_after=seconds, limit=limit)
        raise TooManyStreams(retry_after=1, limit=limit)

    async def give_back(self, call_id: str, windows: Sequence[Window]) -> None:
        """Take a call out of its windows again: it turned out not to be what they count."""
        for window in windows:
            await self._redis.zrem(window.key, call_id)
