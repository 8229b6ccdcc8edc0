"""The Redis commands we use, typed once: what goes out, and what its RESP2 reply means.

A `Command` is a value: `RedisClient` has a method of the same name for each function here, and
`RedisClient.pipeline` takes a list of them. Replies are bytes, never decoded.

`again` says whether a command whose answer was lost may be sent once more: reads, and writes that
come to the same when done twice. `INCR`, `RPUSH`, `XADD`, `PUBLISH`, `SET NX` and
`XREADGROUP` do not, and are never repeated in silence.
"""

from collections.abc import Mapping, Sequence

from common.redis.command import Arg, Command, flat, nothing, pairs, same, truth


def _scored(reply: Sequence[bytes]) -> list[tuple[bytes, float]]:
    flat = iter(reply)
    return [(member, float(score)) for member, score in zip(flat, flat, strict=True)]


def _maybe_float(reply: bytes | None) -> float | None:
    return None if reply is None else float(reply)


def _info(reply: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def _time(reply: Sequence[bytes]) -> float:
    return int(reply[0]) + int(reply[1]) / 1e6


# --- server ---------------------------------------------------------------------------------
def ping() -> Command[None]:
    return Command(("PING",), nothing)


def info(section: str) -> Command[dict[str, str]]:
    return Command(("INFO", section), _info)


def config_get(*names: str) -> Command[dict[bytes, bytes]]:
    return Command(("CONFIG", "GET", *names), pairs)


def time() -> Command[float]:
    """UTC seconds of the server."""
    return Command(("TIME",), _time)


# --- strings and keys -----------------------------------------------------------------------
def get(key: str) -> Command[bytes | None]:
    return Command(("GET", key), same)


def set_(
    key: str,
    value: Arg,
    *,
    ex: int | None = None,
    px: int | None = None,
    nx: bool = False,
) -> Command[bool]:
    """True where it was set; False where `nx` forbade it."""
    args: list[Arg] = ["SET", key, value]
    if ex is not None:
        args += ("EX", ex)
    if px is not None:
        args += ("PX", px)
    if nx:
        args.append("NX")
    return Command(args, truth, again=not nx, writes=True)


def delete(*keys: str) -> Command[int]:
    return Command(("DEL", *keys), same, writes=True)


def exists(key: str) -> Command[bool]:
    return Command(("EXISTS", key), truth)


def ttl(key: str) -> Command[int]:
    """Seconds; -1 without expiry, -2 without key."""
    return Command(("TTL", key), same)


def incr(key: str) -> Command[int]:
    return Command(("INCR", key), same, again=False, writes=True)


# --- hashes ---------------------------------------------------------------------------------
def hget(key: str, field: str | bytes) -> Command[bytes | None]:
    return Command(("HGET", key, field), same)


def hgetall(key: str) -> Command[dict[bytes, bytes]]:
    return Command(("HGETALL", key), pairs)


def hmget(key: str, fields: Sequence[str | bytes]) -> Command[list[bytes | None]]:
    return Command(("HMGET", key, *fields), same)


def hset(key: str, mapping: Mapping[str, Arg] | Mapping[bytes, Arg]) -> Command[int]:
    """How many fields were new."""
    return Command(("HSET", key, *flat(mapping)), same, writes=True)


def hdel(key: str, *fields: str | bytes) -> Command[int]:
    return Command(("HDEL", key, *fields), same, writes=True)


# --- sorted sets ----------------------------------------------------------------------------
def zadd(key: str, mapping: Mapping[str, float] | Mapping[bytes, float]) -> Command[int]:
    words: list[Arg] = [word for member, score in mapping.items() for word in (score, member)]
    return Command(("ZADD", key, *words), same, writes=True)


def zrem(key: str, *members: str | bytes) -> Command[int]:
    return Command(("ZREM", key, *members), same, writes=True)


def zrange(key: str, start: int, stop: int) -> Command[list[bytes]]:
    return Command(("ZRANGE", key, start, stop), same)


def zrange_scored(key: str, start: int, stop: int) -> Command[list[tuple[bytes, float]]]:
    return Command(("ZRANGE", key, start, stop, "WITHSCORES"), _scored)


def zrevrange(key: str, start: int, stop: int) -> Command[list[bytes]]:
    return Command(("ZREVRANGE", key, start, stop), same)


def zrangebyscore(
    key: str, low: Arg, high: Arg, *, offset: int = 0, count: int = -1
) -> Command[list[bytes]]:
    """Members from `low` to `high`, either may be `-inf`, `+inf` or `(exclusive`."""
    return Command(("ZRANGEBYSCORE", key, low, high, "LIMIT", offset, count), same)


def zrangebyscore_scored(
    key: str, low: Arg, high: Arg, *, offset: int = 0, count: int = -1
) -> Command[list[tuple[bytes, float]]]:
    words = ("ZRANGEBYSCORE", key, low, high, "WITHSCORES", "LIMIT", offset, count)
    return Command(words, _scored)


def zscore(key: str, member: str | bytes) -> Command[float | None]:
    return Command(("ZSCORE", key, member), _maybe_float)


def zcard(key: str) -> Command[int]:
    return Command(("ZCARD", key), same)


# --- sets -----------------------------------------------------------------------------------
def smembers(key: str) -> Command[list[bytes]]:
    return Command(("SMEMBERS", key), same)


def scard(key: str) -> Command[int]:
    return Command(("SCARD", key), same)


def sismember(key: str, member: str | bytes) -> Command[bool]:
    return Command(("SISMEMBER", key, member), truth)


# --- lists ----------------------------------------------------------------------------------
def rpush(key: str, *values: Arg) -> Command[int]:
    return Command(("RPUSH", key, *values), same, again=False, writes=True)


def lrange(key: str, start: int, stop: int) -> Command[list[bytes]]:
    return Command(("LRANGE", key, start, stop), same)


# --- pub/sub --------------------------------------------------------------------------------
def publish(channel: str, message: str | bytes) -> Command[int]:
    return Command(("PUBLISH", channel, message), same, again=False)
