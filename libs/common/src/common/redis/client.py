"""Redis as our services use it: typed commands that either answer or say 503, never a guess.

What a caller can meet:

    a value            the command was applied, and, with `wait_replicas`, a replica has it
    StateUnavailable   Redis could not be reached in `timeout_seconds`, or what became of a command
                       that must not be sent twice is unknown
    Unconfirmed        applied here, but too few replicas have it: ask again with the same id
    Busy               Redis is full (OOM), or far too much is in flight
    Refused            an error of the command itself: NOGROUP, BUSYGROUP, a script's own reply
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from common.errors import Busy, StateUnavailable
from common.redis import commands, streams
from common.redis.address import Address, parse_address
from common.redis.command import Arg, Command, pack
from common.redis.errors import Lost, Refused
from common.redis.line import Line
from common.redis.scripts import Script
from common.redis.server import ServerFacts, judge
from common.redis.subscription import messages

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# Refused before anything was applied, and for a while only: sending again is safe
_NOT_NOW = frozenset(
    ("LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "MOVED", "ASK")
)
# The server can't serve, and waiting a moment does not change it
_BROKEN = frozenset(("MISCONF", "NOREPLICAS", "NOAUTH", "WRONGPASS", "NOPERM", "NOGOODSLAVE"))
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5


def _typed(
    build: Callable[P, Command[T]],
) -> "Callable[Concatenate[RedisClient, P], Coroutine[Any, Any, T]]":
    """The method that sends this command."""

    async def send(self: "RedisClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        command = build(*args, **kwargs)
        return command.read(await self._one(command))

    send.__name__ = build.__name__.rstrip("_")
    send.__doc__ = build.__doc__
    return send


class RedisClient:
    """One auto-pipelined connection for everybody; see `Line` and `Wire` for how."""

    def __init__(self, address: Address, *, timeout_seconds: float, name: str = "") -> None:
        self._address = address
        self._timeout = timeout_seconds
        self._name = name
        self._line = Line(address, timeout_seconds=timeout_seconds, name=name)
        self._confirms = address.wait_replicas > 0
        self._children: list[RedisClient] = []

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float = 5.0, name: str = "") -> Self:
        """No I/O yet: the first command connects. Raises ValueError on a wrong URL."""
        return cls(parse_address(url), timeout_seconds=timeout_seconds, name=name)

    def blocking(self) -> "RedisClient":
        """A connection of its own for blocking reads, closed with this client. The block must stay
        below `timeout_seconds`. One caller at a time."""
        child = RedisClient(self._address, timeout_seconds=self._timeout, name=self._name)
        child._line = Line(
            self._address, timeout_seconds=self._timeout, name=self._name, exclusive=True
        )
        self._children.append(child)
        return child

    async def close(self) -> None:
        for child in self._children:
            await child.close()
        self._line.close()

    # --- commands ----------------------------------------------------------------------------
    async def pipeline(self, batch: Sequence[Command[Any]]) -> list[Any]:
        """Sends them in one write and reads all replies; not atomic, see `transaction`."""
        if not batch:
            # nothing sent is nothing answered: it would wait for its timeout
            return []
        replies = await self._send(batch)
        _raise_first(replies)
        return [command.read(reply) for command, reply in zip(batch, replies, strict=True)]

    async def transaction(self, batch: Sequence[Command[Any]]) -> list[Any]:
        """All or none of them, with nobody else's in between (MULTI)."""
        again = all(command.again for command in batch)
        words = [
            Command(("MULTI",), _reply),
            *batch,
            Command(("EXEC",), _reply, again=again, writes=True),
        ]
        replies = await self._send(words)
        _raise_first(replies)
        _raise_first(replies[-1])
        return [command.read(reply) for command, reply in zip(batch, replies[-1], strict=True)]

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Arg],
        *,
        retry: bool = True,
        confirm: bool = True,
    ) -> Any:
        """The script's reply. Sent again when the answer was lost, so it must come to the same
        when done twice, or `retry=False`. `confirm=False` spares a script whose writes may be
        lost (limits, leases) the wait for a replica."""
        words = ("EVALSHA", script.sha, len(keys), *keys, *args)
        try:
            return await self._one(Command(words, _reply, again=retry, writes=confirm))
        except Refused as error:
            if error.code != "NOSCRIPT":
                raise
        words = ("EVAL", script.text, len(keys), *keys, *args)
        return await self._one(Command(words, _reply, again=retry, writes=confirm))

    async def subscribe(
        self, channel: str, *, on_open: Callable[[], None] | None = None
    ) -> AsyncIterator[bytes]:
        """Messages of the channel until closed. Reconnects by itself; what was published
        meanwhile is lost. `on_open` is called at each (re)subscription."""
        async for message in messages(
            self._address, channel, timeout_seconds=self._timeout, on_open=on_open
        ):
            yield message

    async def check_server(self, *, allow_eviction: bool, require_persistence: bool) -> ServerFacts:
        """For the start of a service: raises `UnsafeServer` naming the setting that is wrong."""
        memory, persistence, server, replication = await self.pipeline(
            [commands.info(s) for s in ("memory", "persistence", "server", "replication")]
        )
        try:
            config = await self._fetch_config()
        except (Refused, StateUnavailable):  # managed servers forbid CONFIG; INFO says most
            config = {}
        facts = ServerFacts.read({**memory, **persistence, **server, **replication}, config)
        judge(facts, allow_eviction=allow_eviction, require_persistence=require_persistence)
        return facts

    async def _fetch_config(self) -> dict[bytes, bytes]:
        command = commands.config_get("maxmemory-policy", "appendonly", "appendfsync")
        return command.read(await self._one(command))

    # --- sending -----------------------------------------------------------------------------
    async def _one(self, command: Command[Any]) -> Any:
        reply = (await self._send((command,)))[0]
        if isinstance(reply, Refused):
            raise _translated(reply)
        return reply

    async def _send(self, batch: Sequence[Command[Any]]) -> list[Any]:
        """Replies, after as many attempts as are safe and fit in the time."""
        packed = [pack(*command.args) for command in batch]
        confirm = self._confirms and any(command.writes for command in batch)
        deadline = asyncio.get_running_loop().time() + self._timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                replies = await self._line.call(packed, confirm=confirm)
                obstacle = self._obstacle(replies)
                if obstacle is None:
                    return replies
                again = _applied_nothing(replies) or all(command.again for command in batch)
                why: Exception = obstacle
            except Lost as error:
                again = not error.sent or all(command.again for command in batch)
                why = error
            pause *= 2
            if not again or asyncio.get_running_loop().time() + pause > deadline:
                log.warning("redis is not available", extra={"reason": str(why)})
                raise StateUnavailable from why
            await asyncio.sleep(min(pause, _LONGEST_PAUSE) * random.uniform(0.5, 1.0))

    def _obstacle(self, replies: Sequence[Any]) -> Refused | None:
        """The first reply that says: not now, or not here."""
        for reply in replies:
            if isinstance(reply, Refused) and reply.code in _NOT_NOW:
                if reply.code == "MOVED":
                    host, _, port = reply.reason.split()[1].rpartition(":")
                    self._line.moved((host, int(port)) if host else None)
                elif reply.code == "READONLY":  # a master that was demoted
                    self._line.moved(None)
                return reply
        return None

    ping = _typed(commands.ping)
    info = _typed(commands.info)
    time = _typed(commands.time)
    get = _typed(commands.get)
    set = _typed(commands.set_)
    delete = _typed(commands.delete)
    exists = _typed(commands.exists)
    ttl = _typed(commands.ttl)
    incr = _typed(commands.incr)
    hget = _typed(commands.hget)
    hgetall = _typed(commands.hgetall)
    hmget = _typed(commands.hmget)
    hset = _typed(commands.hset)
    hdel = _typed(commands.hdel)
    zadd = _typed(commands.zadd)
    zrem = _typed(commands.zrem)
    zrange = _typed(commands.zrange)
    zrange_scored = _typed(commands.zrange_scored)
    zrevrange = _typed(commands.zrevrange)
    zrangebyscore = _typed(commands.zrangebyscore)
    zrangebyscore_scored = _typed(commands.zrangebyscore_scored)
    zscore = _typed(commands.zscore)
    zcard = _typed(commands.zcard)
    smembers = _typed(commands.smembers)
    scard = _typed(commands.scard)
    sismember = _typed(commands.sismember)
    rpush = _typed(commands.rpush)
    lrange = _typed(commands.lrange)
    publish = _typed(commands.publish)
    xadd = _typed(streams.xadd)
    xrange = _typed(streams.xrange)
    xrevrange = _typed(streams.xrevrange)
    xlen = _typed(streams.xlen)
    xdel = _typed(streams.xdel)
    xtrim_minid = _typed(streams.xtrim_minid)
    xgroup_create = _typed(streams.xgroup_create)
    xgroup_setid = _typed(streams.xgroup_setid)
    xgroup_delconsumer = _typed(streams.xgroup_delconsumer)
    xinfo_stream = _typed(streams.xinfo_stream)
    xinfo_groups = _typed(streams.xinfo_groups)
    xinfo_consumers = _typed(streams.xinfo_consumers)
    xread = _typed(streams.xread)
    xreadgroup = _typed(streams.xreadgroup)
    xack = _typed(streams.xack)
    xpending_range = _typed(streams.xpending_range)
    xclaim = _typed(streams.xclaim)
    xclaim_keep = _typed(streams.xclaim_keep)


def _reply(reply: Any) -> Any:
    return reply


def _applied_nothing(replies: Sequence[Any]) -> bool:
    """A refused command alone, or a MULTI of which a part was refused."""
    last = replies[-1]
    return isinstance(last, Refused) and (len(replies) == 1 or last.code == "EXECABORT")


def _raise_first(replies: Sequence[Any]) -> None:
    for reply in replies:
        if isinstance(reply, Refused):
            raise _translated(reply)


def _translated(error: Refused) -> Exception:
    """What a caller should see of an error reply."""
    if error.code == "OOM":
        log.error("redis is full", extra={"reason": str(error)})
        return Busy(retry_after=5)
    if error.code in _BROKEN:
        log.error("redis refuses to serve", extra={"reason": str(error)})
        return StateUnavailable()
    return error
