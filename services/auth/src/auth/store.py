"""Accounts and logins in Redis: every write is one script that publishes in the same step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from common.clock import Clock
from common.errors import Conflict, LastAdmin, NotFound, UsernameTaken
from common.events import Event, TokensRevoked, encode
from common.ids import NewId
from common.redis import commands
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.redis.scripts import load_script

from auth.account import Account, read_account
from auth.throttle import Attempt, Limits
from auth.tokens import RefreshToken, RefreshTokens

SOURCE = "auth"
# stands for each family that ends in `end_others`
FAMILY = "@family@"
_NOBODY = "-"
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFamily:
    """A login to open; `hash` is that of its first refresh token."""

    id: str
    hash: str
    lifetime_seconds: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one commit does to an account, decided on the version it was read at."""

    before: Account | None
    after: Account
    events: tuple[Event, ...] = ()
    first_admin: bool = False
    silent_since: float | None = None
    seen: float | None = None
    gone: bool = False
    device: str | None = None
    family: NewFamily | None = None
    end_family: str | None = None
    # ends all logins but `keep_family`; the event names each in turn
    end_others: TokensRevoked | None = None
    keep_family: str = ""
    end_all: bool = False


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The script's verdict; `tick` is when a token issued now was issued."""

    status: str
    tick: float
    account: Account | None


class Skipped(Exception):
    """The commit found its condition gone: there is an admin, or the agent was heard."""


class Store:
    """All of auth's keys. Redis away: StateUnavailable from every call."""

    def __init__(self, redis: RedisClient, keys: Keys, *, clock: Clock, new_id: NewId) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._new_id = new_id
        # who must be stopped must be stopped when memory is full as well
        self._commit_script = load_script("auth_commit", allow_oom=True)
        self._refresh_script = load_script("auth_refresh", allow_oom=True)
        self._throttle_script = load_script("auth_throttle")
        self._seen_script = load_script("auth_seen")

    # --- reading -----------------------------------------------------------------------------
    async def get(self, agent_id: str) -> Account | None:
        return read_account(await self._redis.hgetall(self._keys.agent(agent_id)))

    async def find(self, username: str) -> Account | None:
        """By user name, in any case; as many round trips for an unknown one."""
        found = await self._redis.hget(self._keys.usernames(), username.lower())
        return await self.get(found.decode() if found else _NOBODY)

    async def page(self, *, limit: int, offset: int) -> tuple[list[Account], int]:
        """Active accounts by user name, and how many there are."""
        names = await self._redis.hgetall(self._keys.usernames())
        chosen = [names[name].decode() for name in sorted(names)][offset : offset + limit]
        rows = await self._redis.pipeline(
            [commands.hgetall(self._keys.agent(agent_id)) for agent_id in chosen]
        )
        return [account for row in rows if (account := read_account(row))], len(names)

    async def has_admin(self) -> bool:
        return await self._redis.scard(self._keys.admins()) > 0

    async def live_families(self, agent_id: str, now: float) -> list[str]:
        """The agent's logins that may still be refreshed."""
        found = await self._redis.zrangebyscore(self._keys.families(agent_id), now, "+inf")
        return [family.decode() for family in found]

    async def silent(self, before: float, *, count: int) -> list[str]:
        """Agents who are not offline and were last heard at or before that time."""
        found = await self._redis.zrangebyscore(
            self._keys.agent_seen(), "-inf", before, count=count
        )
        return [agent_id.decode() for agent_id in found]

    # --- writing -----------------------------------------------------------------------------
    async def change(
        self, agent_id: str, decide: Callable[[Account], Change | None]
    ) -> tuple[Account, float]:
        """Apply a decision to the account as it is now: the account after it, and its tick.
        `decide` runs again when somebody else was faster, and None leaves all as it is.
        NotFound where the account is not active."""
        for _ in range(_ATTEMPTS):
            account = await self.get(agent_id)
            if account is None or not account.active:
                raise NotFound
            change = decide(account)
            if change is None:
                return account, 0.0
            tick = await self.commit(change)
            if tick is not None:
                return change.after, tick
        raise Conflict

    async def commit(self, change: Change) -> float | None:
        """The account's tick, or None where its version is not the one decided on. Raises
        LastAdmin, UsernameTaken, Skipped."""
        after, keys = change.after, self._keys
        family = change.family.id if change.family else change.end_family or _NOBODY
        status, tick = await self._redis.run(
            self._commit_script,
            [
                keys.agent(after.id),
                keys.usernames(),
                keys.admins(),
                keys.families(after.id),
                keys.family(family),
                keys.agent_seen(),
                keys.devices(after.id),
                keys.bus(),
            ],
            [self._plan(change)],
        )
        match status:
            case b"OK":
                return float(tick)
            case b"LAST_ADMIN":
                raise LastAdmin
            case b"NAME_TAKEN":
                raise UsernameTaken
            case b"ADMIN_EXISTS" | b"SEEN":
                raise Skipped
        return None

    def _plan(self, change: Change) -> bytes:
        before, after, now = change.before, change.after, self._clock()
        commit = self._new_id()
        plan: dict[str, Any] = {
            "agent": after.id,
            "commit": commit,
            "version": before.version if before else 0,
            "now": round(now, 6),
            "fields": after.fields(),
            "events": self._flat(change.events, commit, after.id),
            "first_admin": change.first_admin or None,
            "silent_since": change.silent_since,
            "seen": -1 if change.gone else change.seen,
            "device": change.device,
            "end_family": change.end_family,
            "end_all": change.end_all or None,
        }
        if before is None:
            plan["take_name"] = after.username.lower()
        elif not after.active:
            plan["free_name"] = after.username.lower()
        if after.is_admin != (before is not None and before.is_admin):
            plan["admin"] = after.is_admin
        if change.end_others is not None:
            event = self._flat((change.end_others,), f"{commit}:{FAMILY}", after.id)[0]
            plan["end_others"] = {"keep": change.keep_family, "event": event}
        if change.family is not None:
            plan["family"] = _family_plan(change.family, now)
        return orjson.dumps({k: v for k, v in plan.items() if v is not None})

    def _flat(self, events: Sequence[Event], prefix: str, subject: str) -> list[list[str]]:
        """Events as the script XADDs them."""
        rows = []
        for number, event in enumerate(events):
            fields = encode(
                event,
                event_id=f"{prefix}:{number}",
                source=SOURCE,
                subject=subject,
                time=self._clock(),
            )
            rows.append([part for k, v in fields.items() for part in (k, v.decode())])
        return rows

    async def refresh(
        self,
        token: RefreshToken,
        tokens: RefreshTokens,
        *,
        grace_seconds: float,
        lifetime_seconds: int,
        theft: Sequence[Event],
    ) -> Refreshed:
        """Spend a genuine token; `theft` is published where it had been spent before."""
        keys = self._keys
        status, tick, *account = await self._redis.run(
            self._refresh_script,
            [
                keys.agent(token.agent_id),
                keys.families(token.agent_id),
                keys.family(token.family),
                keys.bus(),
            ],
            [
                round(self._clock(), 6),
                token.family,
                tokens.hash(token),
                token.generation,
                tokens.hash(token.successor()),
                grace_seconds,
                lifetime_seconds,
                orjson.dumps(self._flat(theft, self._new_id(), token.agent_id)),
            ],
        )
        fields = dict(zip(account[::2], account[1::2], strict=True))
        return Refreshed(status.decode(), float(tick), read_account(fields))

    async def reserve(self, attempt: Attempt, limits: Limits) -> float:
        """Count an attempt as failed before it is tried, so that many at once are as limited as
        one after another; the seconds to wait where it may not be tried."""
        wait = await self._redis.run(
            self._throttle_script,
            [*self._windows(attempt), self._keys.devices(attempt.agent_id), self._own(attempt)],
            [
                round(self._clock(), 3),
                attempt.id,
                attempt.device,
                limits.window_seconds,
                limits.pair,
                limits.address,
                limits.slow_from,
                limits.slow_seconds,
            ],
            confirm=False,
        )
        return float(wait)

    async def forgive(self, attempt: Attempt) -> None:
        """It succeeded: it counts nowhere, and who proved to be the owner starts anew here."""
        pair, address, account = self._windows(attempt)
        await self._redis.pipeline(
            [
                commands.delete(pair, self._own(attempt)),
                commands.zrem(address, attempt.id),
                commands.zrem(account, attempt.id),
            ]
        )

    def _windows(self, attempt: Attempt) -> tuple[str, str, str]:
        failures = self._keys.login_failures
        return (
            failures("pair", f"{attempt.account}.{attempt.address}"),
            failures("address", attempt.address),
            failures("account", attempt.account),
        )

    def _own(self, attempt: Attempt) -> str:
        return self._keys.login_failures("device", f"{attempt.account}.{attempt.device or '-'}")

    async def heard(self, agent_ids: Sequence[str]) -> list[str]:
        """A heartbeat; returns those that are offline or that nobody is."""
        absent = await self._redis.run(
            self._seen_script,
            [self._keys.agent_seen()],
            [round(self._clock(), 3), *agent_ids],
            confirm=False,
        )
        return [agent_id.decode() for agent_id in absent]


def _family_plan(family: NewFamily, now: float) -> dict[str, Any]:
    return {
        "id": family.id,
        "hash": family.hash,
        "ttl": family.lifetime_seconds,
        "ends": round(now + family.lifetime_seconds, 3),
        "limit": family.limit,
    }
