"""What the gateway needs for its streams: log pages, the generation, who is present."""

from collections.abc import Sequence
from typing import Any, Literal

from common.errors import NotFound
from common.ids import new_id
from common.redis import Keys, RedisClient, load_script

from session_state.sessions import Sessions


class Streams:
    """Serves `/internal/sessions/{name}/log` and `/internal/presence`."""

    def __init__(self, redis: RedisClient, keys: Keys, sessions: Sessions) -> None:
        self._redis = redis
        self._keys = keys
        self._sessions = sessions
        self._seen = load_script("session_seen")

    async def open(self) -> None:
        """The generation is made once in the life of the data, by whoever comes first."""
        await self._redis.set(self._keys.generation(), new_id()[:12], nx=True)

    async def page(
        self, name: str, *, after: int, limit: int, audience: Literal["va", "a"]
    ) -> dict[str, Any]:
        """A LogPage; the visitor's begins at `visible_from`."""
        session = (await self._sessions.store.get(name)).session
        if session is None:
            raise NotFound(session_name=name)
        start = max(after, session.visible_from) if audience == "va" else after
        entries, read_to, complete = await self._sessions.journal.page(
            name, after=start, limit=limit, audience=audience
        )
        generation = await self._redis.get(self._keys.generation())
        return {
            "session_name": name,
            "sid": session.sid,
            "generation": "" if generation is None else generation.decode(),
            "status": session.status,
            "epoch": session.epoch,
            # the log was read after the session and may hold more; a stream that begins now asks
            # from beyond the end (2**53), reads nothing, and must not be told that as the newest
            "newest_seq": max(session.seq, read_to if complete and read_to > start else 0),
            "entries": [entry.model_dump() for entry in entries],
            "complete": complete,
        }

    async def saw(self, names: Sequence[str], *, now: float) -> None:
        """These visitors are present; names without a session leave no trace."""
        words: list[str] = []
        for name in names:
            words += (f"{now:.3f}", name)
        if words:
            await self._redis.run(self._seen, [self._keys.presence()], words, confirm=False)
