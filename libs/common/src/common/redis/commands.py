"""The Redis commands we use, typed once: what goes out, and what its RESP2 reply means.

A `Command` is a value: `RedisClient` has a method of the same name for each function here, and
`RedisClient.pipeline` takes a list of them. Replies are bytes, never decoded.

`again` says whether a command whose answer was lost may be sent once more: reads, and writes that
come to the same when done twice. `INCR`, `RPUSH`, `XADD`, `PUBLISH`, `GETDEL`, `SET NX`,
`XREADGROUP` do not, and are never repeated in silence.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import hiredis

Arg = str | bytes | int | float
Fields = Mapping[bytes, bytes]
StreamRow = tuple[str, dict[bytes, bytes]]

T = TypeVar("T")


class Command(Generic[T]):
    """Words to send, how to read the reply, and whether it may be sent again."""

    __slots__ = ("again", "args", "read", "writes")

    def __init__(
        self,
        args: Sequence[Arg],
        read: Callable[[Any], T],
        *,
        again: bool = True,
        writes: bool = False,
    ) -> None:
        self.args = args
        self.read = read
        self.again = again
        self.writes = writes


def pack(*words: Arg) -> bytes:
    """The words as Redis reads them from the wire."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub says one word
    return packed


# --- how replies read -----------------------------------------------------------------------
def _same(reply: Any) -> Any:
    return reply


def _nothing(reply: Any) -> None:  # noqa: ARG001
    return None


def _truth(reply: Any) -> bool:
    return reply in (1, b"OK", "OK")


def _pairs(reply: Sequence[bytes]) -> dict[bytes, bytes]:
    flat = iter(reply)
    return dict(zip(flat, flat, strict=True))


def _scored(reply: Sequence[bytes]) -> list[tuple[bytes, float]]:
    flat = iter(reply)
    return [(member, float(score)) for member, score in zip(flat, flat, strict=True)]


def _maybe_float(reply: bytes | None) -> float | None:
    return None if reply is None else float(reply)


def _text(reply: bytes) -> str:
    return reply.decode()


def _rows(reply: Sequence[Any] | None) -> list[StreamRow]:
    # XCLAIM answers nil for an entry that was deleted meanwhile; its fields may be nil as well
    return [(row[0].decode(), _pairs(row[1] or ())) for row in reply or () if row is not None]


def _streams(reply: Sequence[Any] | None) -> dict[str, list[StreamRow]]:
    return {name.decode(): _rows(rows) for name, rows in reply or ()}


def _records(reply: Sequence[Any]) -> list[dict[str, Any]]:
    return [_record(row) for row in reply]


def _record(reply: Sequence[Any]) -> dict[str, Any]:
    flat = iter(reply)
    return {name.decode(): value for name, value in zip(flat, flat, strict=True)}


def _info(reply: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def _time(reply: Sequence[bytes]) -> float:
    return int(reply[0]) + int(reply[1]) / 1e6


def _flat(mapping: Mapping[Any, Arg]) -> list[Arg]:
    return [word for pair in mapping.items() for word in pair]


# --- server ---------------------------------------------------------------------------------
def ping() -> Command[None]:
    return Command(("PING",), _nothing)


def info(section: str) -> Command[dict[str, str]]:
    return Command(("INFO", section), _info)


def config_get(*names: str) -> Command[dict[bytes, bytes]]:
    return Command(("CONFIG", "GET", *names), _pairs)


def time() -> Command[float]:
    """UTC seconds of the server."""
    return Command(("TIME",), _time)


# --- strings and keys -----------------------------------------------------------------------
def get(key: str) -> Command[bytes | None]:
    return Command(("GET", key), _same)


def mget(keys: Sequence[str]) -> Command[list[bytes | None]]:
    return Command(("MGET", *keys), _same)


def set_(
    key: str,
    value: Arg,
    *,
    ex: int | None = None,
    px: int | None = None,
    nx: bool = False,
    xx: bool = False,
) -> Command[bool]:
    """True where it was set; False where `nx` or `xx` forbade it."""
    args: list[Arg] = ["SET", key, value]
    if ex is not None:
        args += ("EX", ex)
    if px is not None:
        args += ("PX", px)
    if nx:
        args.append("NX")
    if xx:
        args.append("XX")
    return Command(args, _truth, again=not nx, writes=True)


def getdel(key: str) -> Command[bytes | None]:
    return Command(("GETDEL", key), _same, again=False, writes=True)


def delete(*keys: str) -> Command[int]:
    return Command(("DEL", *keys), _same, writes=True)


def exists(key: str) -> Command[bool]:
    return Command(("EXISTS", key), _truth)


def expire(key: str, seconds: int) -> Command[bool]:
    return Command(("EXPIRE", key, seconds), _truth, writes=True)


def pexpire(key: str, milliseconds: int) -> Command[bool]:
    return Command(("PEXPIRE", key, milliseconds), _truth, writes=True)


def ttl(key: str) -> Command[int]:
    """Seconds; -1 without expiry, -2 without key."""
    return Command(("TTL", key), _same)


def incr(key: str) -> Command[int]:
    return Command(("INCR", key), _same, again=False, writes=True)


# --- hashes ---------------------------------------------------------------------------------
def hget(key: str, field: str | bytes) -> Command[bytes | None]:
    return Command(("HGET", key, field), _same)


def hgetall(key: str) -> Command[dict[bytes, bytes]]:
    return Command(("HGETALL", key), _pairs)


def hmget(key: str, fields: Sequence[str | bytes]) -> Command[list[bytes | None]]:
    return Command(("HMGET", key, *fields), _same)


def hset(key: str, mapping: Mapping[str, Arg] | Mapping[bytes, Arg]) -> Command[int]:
    """How many fields were new."""
    return Command(("HSET", key, *_flat(mapping)), _same, writes=True)


def hsetnx(key: str, field: str | bytes, value: Arg) -> Command[bool]:
    return Command(("HSETNX", key, field, value), _truth, again=False, writes=True)


def hdel(key: str, *fields: str | bytes) -> Command[int]:
    return Command(("HDEL", key, *fields), _same, writes=True)


def hincrby(key: str, field: str | bytes, by: int = 1) -> Command[int]:
    return Command(("HINCRBY", key, field, by), _same, again=False, writes=True)


def hlen(key: str) -> Command[int]:
    return Command(("HLEN", key), _same)


# --- sorted sets ----------------------------------------------------------------------------
def zadd(key: str, mapping: Mapping[str, float] | Mapping[bytes, float]) -> Command[int]:
    words: list[Arg] = [word for member, score in mapping.items() for word in (score, member)]
    return Command(("ZADD", key, *words), _same, writes=True)


def zrem(key: str, *members: str | bytes) -> Command[int]:
    return Command(("ZREM", key, *members), _same, writes=True)


def zrange(key: str, start: int, stop: int) -> Command[list[bytes]]:
    return Command(("ZRANGE", key, start, stop), _same)


def zrange_scored(key: str, start: int, stop: int) -> Command[list[tuple[bytes, float]]]:
    return Command(("ZRANGE", key, start, stop, "WITHSCORES"), _scored)


def zrevrange(key: str, start: int, stop: int) -> Command[list[bytes]]:
    return Command(("ZREVRANGE", key, start, stop), _same)


def zrevrange_scored(key: str, start: int, stop: int) -> Command[list[tuple[bytes, float]]]:
    return Command(("ZREVRANGE", key, start, stop, "WITHSCORES"), _scored)


def zrangebyscore(
    key: str, low: Arg, high: Arg, *, offset: int = 0, count: int = -1
) -> Command[list[bytes]]:
    """Members from `low` to `high`, either may be `-inf`, `+inf` or `(exclusive`."""
    return Command(("ZRANGEBYSCORE", key, low, high, "LIMIT", offset, count), _same)


def zrangebyscore_scored(
    key: str, low: Arg, high: Arg, *, offset: int = 0, count: int = -1
) -> Command[list[tuple[bytes, float]]]:
    words = ("ZRANGEBYSCORE", key, low, high, "WITHSCORES", "LIMIT", offset, count)
    return Command(words, _scored)


def zscore(key: str, member: str | bytes) -> Command[float | None]:
    return Command(("ZSCORE", key, member), _maybe_float)


def zrank(key: str, member: str | bytes) -> Command[int | None]:
    return Command(("ZRANK", key, member), _same)


def zcard(key: str) -> Command[int]:
    return Command(("ZCARD", key), _same)


def zcount(key: str, low: Arg, high: Arg) -> Command[int]:
    return Command(("ZCOUNT", key, low, high), _same)


def zremrangebyscore(key: str, low: Arg, high: Arg) -> Command[int]:
    return Command(("ZREMRANGEBYSCORE", key, low, high), _same, writes=True)


# --- sets -----------------------------------------------------------------------------------
def sadd(key: str, *members: str | bytes) -> Command[int]:
    return Command(("SADD", key, *members), _same, writes=True)


def srem(key: str, *members: str | bytes) -> Command[int]:
    return Command(("SREM", key, *members), _same, writes=True)


def smembers(key: str) -> Command[list[bytes]]:
    return Command(("SMEMBERS", key), _same)


def scard(key: str) -> Command[int]:
    return Command(("SCARD", key), _same)


def sismember(key: str, member: str | bytes) -> Command[bool]:
    return Command(("SISMEMBER", key, member), _truth)


# --- lists ----------------------------------------------------------------------------------
def rpush(key: str, *values: Arg) -> Command[int]:
    return Command(("RPUSH", key, *values), _same, again=False, writes=True)


def lrange(key: str, start: int, stop: int) -> Command[list[bytes]]:
    return Command(("LRANGE", key, start, stop), _same)


def ltrim(key: str, start: int, stop: int) -> Command[None]:
    return Command(("LTRIM", key, start, stop), _nothing, writes=True)


def llen(key: str) -> Command[int]:
    return Command(("LLEN", key), _same)


# --- pub/sub --------------------------------------------------------------------------------
def publish(channel: str, message: str | bytes) -> Command[int]:
    return Command(("PUBLISH", channel, message), _same, again=False)


# --- streams --------------------------------------------------------------------------------
def xadd(key: str, fields: Mapping[Any, Arg], *, entry_id: str = "*") -> Command[str]:
    """The entry's id. There is no MAXLEN on purpose: see architecture §2."""
    return Command(("XADD", key, entry_id, *_flat(fields)), _text, again=False, writes=True)


def xrange(
    key: str, low: str = "-", high: str = "+", *, count: int | None = None
) -> Command[list[StreamRow]]:
    words: tuple[Arg, ...] = ("XRANGE", key, low, high)
    return Command(words if count is None else (*words, "COUNT", count), _rows)


def xrevrange(
    key: str, high: str = "+", low: str = "-", *, count: int | None = None
) -> Command[list[StreamRow]]:
    words: tuple[Arg, ...] = ("XREVRANGE", key, high, low)
    return Command(words if count is None else (*words, "COUNT", count), _rows)


def xlen(key: str) -> Command[int]:
    return Command(("XLEN", key), _same)


def xdel(key: str, *entry_ids: str) -> Command[int]:
    return Command(("XDEL", key, *entry_ids), _same, writes=True)


def xtrim_minid(key: str, min_id: str, *, exact: bool = False) -> Command[int]:
    """Removes entries older than `min_id`; not `exact`, in whole nodes only, which is cheaper."""
    return Command(("XTRIM", key, "MINID", "=" if exact else "~", min_id), _same, writes=True)


def xgroup_setid(key: str, group: str, *, start: str) -> Command[None]:
    """The group's next new entry is the one after `start`."""
    return Command(("XGROUP", "SETID", key, group, start), _nothing, writes=True)


def xgroup_create(key: str, group: str, *, start: str = "0") -> Command[None]:
    """Makes group and stream; refused with BUSYGROUP where the group is there."""
    words = ("XGROUP", "CREATE", key, group, start, "MKSTREAM")
    return Command(words, _nothing, writes=True)


def xgroup_delconsumer(key: str, group: str, consumer: str) -> Command[int]:
    return Command(("XGROUP", "DELCONSUMER", key, group, consumer), _same, writes=True)


def xinfo_stream(key: str) -> Command[dict[str, Any]]:
    return Command(("XINFO", "STREAM", key), _record)


def xinfo_groups(key: str) -> Command[list[dict[str, Any]]]:
    return Command(("XINFO", "GROUPS", key), _records)


def xinfo_consumers(key: str, group: str) -> Command[list[dict[str, Any]]]:
    return Command(("XINFO", "CONSUMERS", key, group), _records)


def xread(
    streams: Mapping[str, str], *, count: int | None = None, block_ms: int | None = None
) -> Command[dict[str, list[StreamRow]]]:
    """Entries after the given id of each stream; a block only on a `blocking()` client."""
    words: list[Arg] = ["XREAD"]
    if count is not None:
        words += ("COUNT", count)
    if block_ms is not None:
        words += ("BLOCK", block_ms)
    args: tuple[Arg, ...] = (*words, "STREAMS", *streams, *streams.values())
    return Command(args, _streams)


def xreadgroup(
    group: str,
    consumer: str,
    streams: Mapping[str, str],
    *,
    count: int | None = None,
    block_ms: int | None = None,
) -> Command[dict[str, list[StreamRow]]]:
    """`>` for new entries, an id for the consumer's own pending after it. A lost answer leaves
    the entries pending with this consumer, so it is not sent again in silence."""
    words: list[Arg] = ["XREADGROUP", "GROUP", group, consumer]
    if count is not None:
        words += ("COUNT", count)
    if block_ms is not None:
        words += ("BLOCK", block_ms)
    args: tuple[Arg, ...] = (*words, "STREAMS", *streams, *streams.values())
    return Command(args, _streams, again=False, writes=True)


def xack(key: str, group: str, *entry_ids: str) -> Command[int]:
    return Command(("XACK", key, group, *entry_ids), _same, writes=True)


def xpending_range(
    key: str,
    group: str,
    *,
    min_idle_ms: int = 0,
    low: str = "-",
    high: str = "+",
    count: int = 100,
    consumer: str | None = None,
) -> Command[list[tuple[str, str, int, int]]]:
    """(entry id, consumer, idle ms, deliveries) of pending entries, oldest first."""
    words: tuple[Arg, ...] = ("XPENDING", key, group, "IDLE", min_idle_ms, low, high, count)
    return Command(words if consumer is None else (*words, consumer), _pending)


def _pending(reply: Sequence[Any]) -> list[tuple[str, str, int, int]]:
    return [(row[0].decode(), row[1].decode(), row[2], row[3]) for row in reply]


def xpending_count(key: str, group: str) -> Command[tuple[int, str | None]]:
    """How many entries are pending, and the oldest one's id."""
    return Command(("XPENDING", key, group), _pending_summary)


def _pending_summary(reply: Sequence[Any]) -> tuple[int, str | None]:
    return reply[0], reply[1].decode() if reply[1] else None


def xclaim(
    key: str, group: str, consumer: str, *, min_idle_ms: int, entry_ids: Sequence[str]
) -> Command[list[StreamRow]]:
    """Takes pending entries over, but only those idle for so long: two claimers, one winner."""
    words: tuple[Arg, ...] = ("XCLAIM", key, group, consumer, min_idle_ms, *entry_ids)
    return Command(words, _rows, again=False, writes=True)


def xclaim_keep(
    key: str, group: str, consumer: str, *, min_idle_ms: int, entry_ids: Sequence[str]
) -> Command[list[bytes]]:
    """Says that these are still being worked on; counts no delivery, returns no fields."""
    words: tuple[Arg, ...] = ("XCLAIM", key, group, consumer, min_idle_ms, *entry_ids, "JUSTID")
    return Command(words, _same, writes=True)
