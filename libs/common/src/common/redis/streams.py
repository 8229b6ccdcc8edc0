"""The stream commands we use, typed once; no MAXLEN anywhere (see `common.bus.retention`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.redis.command import Arg, Command, flat, nothing, pairs, same

StreamRow = tuple[str, dict[bytes, bytes]]


def text(reply: bytes) -> str:
    return reply.decode()


def entry_rows(reply: Sequence[Any] | None) -> list[StreamRow]:
    # XCLAIM answers nil for an entry that was deleted meanwhile; its fields may be nil as well
    return [(row[0].decode(), pairs(row[1] or ())) for row in reply or () if row is not None]


def rows_by_stream(reply: Sequence[Any] | None) -> dict[str, list[StreamRow]]:
    return {name.decode(): entry_rows(rows) for name, rows in reply or ()}


def records(reply: Sequence[Any]) -> list[dict[str, Any]]:
    return [record(row) for row in reply]


def record(reply: Sequence[Any]) -> dict[str, Any]:
    flat = iter(reply)
    return {name.decode(): value for name, value in zip(flat, flat, strict=True)}


def xadd(key: str, fields: Mapping[Any, Arg], *, entry_id: str = "*") -> Command[str]:
    """The entry's id."""
    return Command(("XADD", key, entry_id, *flat(fields)), text, again=False, writes=True)


def xrange(
    key: str, low: str = "-", high: str = "+", *, count: int | None = None
) -> Command[list[StreamRow]]:
    words: tuple[Arg, ...] = ("XRANGE", key, low, high)
    return Command(words if count is None else (*words, "COUNT", count), entry_rows)


def xrevrange(
    key: str, high: str = "+", low: str = "-", *, count: int | None = None
) -> Command[list[StreamRow]]:
    words: tuple[Arg, ...] = ("XREVRANGE", key, high, low)
    return Command(words if count is None else (*words, "COUNT", count), entry_rows)


def xlen(key: str) -> Command[int]:
    return Command(("XLEN", key), same)


def xdel(key: str, *entry_ids: str) -> Command[int]:
    return Command(("XDEL", key, *entry_ids), same, writes=True)


def xtrim_minid(key: str, min_id: str, *, exact: bool = False) -> Command[int]:
    """Removes entries older than `min_id`; not `exact`, in whole nodes only, which is cheaper."""
    return Command(("XTRIM", key, "MINID", "=" if exact else "~", min_id), same, writes=True)


def xgroup_setid(key: str, group: str, *, start: str) -> Command[None]:
    """The group's next new entry is the one after `start`."""
    return Command(("XGROUP", "SETID", key, group, start), nothing, writes=True)


def xgroup_create(key: str, group: str, *, start: str = "0") -> Command[None]:
    """Makes group and stream; refused with BUSYGROUP where the group is there."""
    words = ("XGROUP", "CREATE", key, group, start, "MKSTREAM")
    return Command(words, nothing, writes=True)


def xgroup_delconsumer(key: str, group: str, consumer: str) -> Command[int]:
    return Command(("XGROUP", "DELCONSUMER", key, group, consumer), same, writes=True)


def xinfo_stream(key: str) -> Command[dict[str, Any]]:
    return Command(("XINFO", "STREAM", key), record)


def xinfo_groups(key: str) -> Command[list[dict[str, Any]]]:
    return Command(("XINFO", "GROUPS", key), records)


def xinfo_consumers(key: str, group: str) -> Command[list[dict[str, Any]]]:
    return Command(("XINFO", "CONSUMERS", key, group), records)


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
    return Command(args, rows_by_stream)


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
    return Command(args, rows_by_stream, again=False, writes=True)


def xack(key: str, group: str, *entry_ids: str) -> Command[int]:
    return Command(("XACK", key, group, *entry_ids), same, writes=True)


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


def xclaim(
    key: str, group: str, consumer: str, *, min_idle_ms: int, entry_ids: Sequence[str]
) -> Command[list[StreamRow]]:
    """Takes pending entries over, but only those idle for so long: two claimers, one winner."""
    words: tuple[Arg, ...] = ("XCLAIM", key, group, consumer, min_idle_ms, *entry_ids)
    return Command(words, entry_rows, again=False, writes=True)


def xclaim_keep(
    key: str, group: str, consumer: str, *, min_idle_ms: int, entry_ids: Sequence[str]
) -> Command[list[bytes]]:
    """Says that these are still being worked on; counts no delivery, returns no fields."""
    words: tuple[Arg, ...] = ("XCLAIM", key, group, consumer, min_idle_ms, *entry_ids, "JUSTID")
    return Command(words, same, writes=True)
