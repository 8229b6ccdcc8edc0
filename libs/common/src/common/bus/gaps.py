"""Counts sequence numbers that never came: each is an event that a session's reader lost."""

from collections import OrderedDict

from common.bus.entry import Entry

_SESSIONS = 20_000


class Gaps:
    """Remembers the last `seq` of the sessions seen most recently; the first sighting of a session
    is no gap, and neither is a redelivery. Only for a reader that is given every entry."""

    def __init__(self, *, sessions: int = _SESSIONS) -> None:
        self._sessions = sessions
        self._last: OrderedDict[tuple[bytes, bytes], int] = OrderedDict()

    def missing(self, entry: Entry) -> int:
        """How many numbers were skipped just before this entry."""
        seq = entry.seq
        if seq is None:
            return 0
        # a session that expired and came again has a new sid and counts from 1
        who = (entry.fields.get(b"subject", b""), entry.fields.get(b"sid8", b""))
        last = self._last.get(who)
        if last is not None and seq <= last:
            return 0
        self._last[who] = seq
        self._last.move_to_end(who)
        if len(self._last) > self._sessions:
            self._last.popitem(last=False)
        return 0 if last is None else seq - last - 1

    def forget(self) -> None:
        """After a reset of the bus nothing can be said about what is missing."""
        self._last.clear()
