"""A connection to Redis that comes back by itself, and finds the master again where it moved.

Standalone: the address. Sentinel: whoever the sentinels name. Cluster: since all our keys share
one slot, its owner, whom any seed names by `MOVED`. No caller sees the difference.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Sequence
from typing import Any

from common.redis.address import Address, Node
from common.redis.command import pack
from common.redis.errors import Lost, Refused
from common.redis.wire import Message, Wire

# After a failed attempt the next is not made at once, however many callers ask for it
_COOL_DOWN_SECONDS = 0.05


class Line:
    """`call` sends commands in one piece and returns their replies; error replies are values.

    An `exclusive` line is for blocking reads: one caller at a time, and a cancelled one takes
    the connection with it, because the server would go on waiting on it.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout_seconds: float,
        name: str = "",
        exclusive: bool = False,
        on_message: Message | None = None,
    ) -> None:
        self._address = address
        self._timeout = timeout_seconds
        self._name = name
        self._exclusive = asyncio.Lock() if exclusive else None
        self._on_message = on_message
        self._wire: Wire | None = None
        self._opening = asyncio.Lock()
        self._not_before = 0.0
        self._owner: Node | None = None
        self._seeds = itertools.cycle(address.nodes)
        self._closed = False

    def call(self, packed: Sequence[bytes], *, confirm: bool = False) -> Awaitable[list[Any]]:
        """The replies, a `Refused` among them where the server said so; raises `Lost`."""
        if self._exclusive is not None:
            return self._call_alone(packed, self._exclusive)
        wire = self._wire
        # nearly always there is one: no coroutine then
        if wire is None or wire.lost:
            return self._call_anew(packed, confirm=confirm)
        return wire.send(packed, confirm=confirm)

    async def open(self) -> Wire:
        """The present connection, made now where there is none; raises `Lost`."""
        wire = self._wire
        return await self._open() if wire is None or wire.lost else wire

    def moved(self, owner: Node | None) -> None:
        """The master is elsewhere (`owner`, where known): the next command looks for it."""
        self._owner = owner
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.retire()

    def close(self) -> None:
        self._closed = True
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort("closed by us")

    # --- inside ------------------------------------------------------------------------------
    async def _call_anew(self, packed: Sequence[bytes], *, confirm: bool) -> list[Any]:
        wire = await self._open()
        return await wire.send(packed, confirm=confirm)

    async def _call_alone(self, packed: Sequence[bytes], turn: asyncio.Lock) -> list[Any]:
        async with turn:
            wire = await self.open()
            try:
                return await wire.send(packed)
            except asyncio.CancelledError:
                wire.abort("a blocking read was cancelled")
                raise

    async def _open(self) -> Wire:
        async with self._opening:
            if self._closed:
                raise Lost("the client is closed", sent=False)
            if self._wire is not None and not self._wire.lost:
                return self._wire
            loop = asyncio.get_running_loop()
            if loop.time() < self._not_before:
                raise Lost("Redis was not reachable a moment ago", sent=False)
            try:
                async with asyncio.timeout(min(2.0, self._timeout)):
                    self._wire = await self._connect(await self._find())
            except (OSError, TimeoutError, Lost, Refused) as error:
                self._owner = None
                self._not_before = loop.time() + _COOL_DOWN_SECONDS
                raise Lost(f"{self._address!r}: {error!r}", sent=False) from error
            return self._wire

    async def _find(self) -> Node:
        if self._owner is not None:
            return self._owner
        if self._address.kind != "sentinel":
            return next(self._seeds)
        return await self._ask_sentinel(next(self._seeds))

    async def _ask_sentinel(self, sentinel: Node) -> Node:
        wire = await self._dial(sentinel)
        try:
            words = _login(self._address.sentinel_credentials)
            words.append(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._address.service))
            answer = (await _greet(wire, words))[-1]
        finally:
            wire.abort("asked")
        if not isinstance(answer, list):
            raise Lost(f"the sentinel knows no master {self._address.service!r}", sent=False)
        return answer[0].decode(), int(answer[1])

    async def _connect(self, node: Node) -> Wire:
        wire = await self._dial(node)
        words = _login(self._address.credentials)
        if self._name:
            words.append(("CLIENT", "SETNAME", self._name))
        if self._address.database:
            words.append(("SELECT", self._address.database))
        if self._address.wait_replicas:
            # WAIT looks at the last write of this connection. Without one it would confirm an
            # answer that an idempotency id found, whose write no replica may have
            words.append(("PUBLISH", "wait", ""))
        # accepted is not alive: a frozen server's kernel accepts too
        words.append(("PING",))
        greeted = False
        try:
            await _greet(wire, words)
            greeted = True
        finally:
            if not greeted:
                wire.abort("not greeted")
        return wire

    async def _dial(self, node: Node) -> Wire:
        _, wire = await asyncio.get_running_loop().create_connection(
            lambda: Wire(
                timeout_seconds=self._timeout,
                wait_replicas=self._address.wait_replicas,
                on_message=self._on_message,
            ),
            *node,
            ssl=self._address.tls,
        )
        return wire


def _login(credentials: tuple[str, ...]) -> list[tuple[str | int, ...]]:
    return [("AUTH", *credentials)] if credentials else []


async def _greet(wire: Wire, words: Sequence[tuple[str | int, ...]]) -> list[Any]:
    replies = await wire.send([pack(*command) for command in words])
    for reply in replies:
        if isinstance(reply, Refused):
            raise reply
    return replies
