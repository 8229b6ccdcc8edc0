"""One attempt at an answer: the workflow's event stream, read to a definite end.

All the traffic passes here, so each piece of the body is decoded and handed on in the step in
which it came; the task that asked only waits, under one deadline that the events move on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from common.clients.lines import Answer, NotHttp, Upstream

from chat_proxy.coze.calls import LOGID, json_object
from chat_proxy.coze.deadlines import Deadlines
from chat_proxy.coze.decode import Broken, Item, Limits, StreamDecoder
from chat_proxy.coze.faults import CozeError, Fault, FaultKind, fault_of

log = logging.getLogger(__name__)

_PATH = b"/v1/workflows/chat"
_MAX_ERROR_BODY = 64 * 1024
# After the last event the body's end is due at once; waiting for it keeps the connection usable.
_SETTLE_SECONDS = 0.02

OnItems = Callable[[Sequence[Item]], None]
"""Gets what one piece of the body brought, at once, `Broken` excepted; must not raise."""


class AnswerStreams:
    """Opens streams at one Coze, as many at once as there are `places`."""

    def __init__(
        self, upstream: Upstream, deadlines: Deadlines, limits: Limits, *, places: int
    ) -> None:
        self._upstream = upstream
        self._places = asyncio.Semaphore(places)
        self._deadlines = deadlines
        self._limits = limits

    async def read(self, bearer: str, body: Mapping[str, Any], on_items: OnItems) -> None:
        """Returns after `Finished` was handed on; every other end is a `CozeError`."""
        async with self._place():
            await self._read(bearer, body, on_items)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Our own queue: that it is long says nothing about Coze, so it must not look like it."""
        try:
            if self._places.locked():
                async with asyncio.timeout(self._deadlines.pool):
                    await self._places.acquire()
            else:
                await self._places.acquire()
        except TimeoutError as error:
            raise CozeError(Fault(FaultKind.BUSY, detail="all connections are taken")) from error
        try:
            yield
        finally:
            self._places.release()

    async def _read(self, bearer: str, body: Mapping[str, Any], on_items: OnItems) -> None:
        headers = [
            (b"authorization", b"Bearer " + bearer.encode()),
            (b"content-type", b"application/json"),
            (b"accept", b"text/event-stream"),
            (b"accept-encoding", b"identity"),
        ]
        hearing: _Hearing | None = None
        logid = ""
        try:
            async with asyncio.timeout(self._deadlines.first_delta) as deadline:
                answer = await self._upstream.ask(b"POST", _PATH, headers, orjson.dumps(body))
                try:
                    logid = answer.get(LOGID.encode()).decode("latin-1")
                    # as an access line, which is not searched for secrets: one for every turn
                    access = {"status": answer.status, "logid": logid if logid.isalnum() else ""}
                    log.info("coze stream", extra={"access": access})
                    await _refuse_other_than_stream(answer, logid)
                    decoder = StreamDecoder(self._limits)
                    hearing = _Hearing(answer, decoder, on_items, deadline, self._deadlines)
                    await hearing.run()
                finally:
                    answer.close()
        except TimeoutError as error:
            if hearing is None or not hearing.decoder.ended:
                raise CozeError(_late(deadline, logid)) from error
        except NotHttp as error:
            if hearing is None:
                fault = Fault(FaultKind.GARBAGE, detail="not HTTP", logid=logid)
                raise CozeError(fault) from error
            hearing.cut()
        except OSError as error:
            if hearing is None:
                detail = type(error).__name__
                fault = Fault(FaultKind.UNREACHABLE, detail=detail, logid=logid)
                raise CozeError(fault) from error
            hearing.cut()
        if hearing.fault is not None:
            raise CozeError(hearing.fault.with_logid(logid))


def _late(deadline: asyncio.Timeout, logid: str) -> Fault:
    """Ours, or the connection's own, which is shorter: then nobody is there."""
    kind = FaultKind.DEADLINE if deadline.expired() else FaultKind.UNREACHABLE
    return Fault(kind, detail="TimeoutError", logid=logid)


class _Hearing:
    """One answer's body on its way into items."""

    def __init__(
        self,
        answer: Answer,
        decoder: StreamDecoder,
        on_items: OnItems,
        deadline: asyncio.Timeout,
        deadlines: Deadlines,
    ) -> None:
        self.decoder = decoder
        self.fault: Fault | None = None
        self._answer = answer
        self._on_items = on_items
        self._deadline = deadline
        self._gap = min(deadlines.gap, deadlines.read)
        self._first_delta_at = deadline.when()
        self._events = 0
        self._extend_at = 0.0
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """To the end of the body, or to a definite end before it."""
        await self._answer.pour(self._hear)
        if self.fault is None:
            self._hand_on(self.decoder.close())
        if self.decoder.differing_answers:
            log.warning("the answer's text differs from its deltas")

    def cut(self) -> None:
        """The body broke off: what is not ended is truncated."""
        if self.fault is None:
            self._hand_on(self.decoder.close())

    def _hear(self, data: bytes) -> None:
        decoder = self.decoder
        if decoder.ended:
            return
        self._hand_on(decoder.feed(data))
        if self.fault is not None:
            self._answer.pause()
        elif decoder.ended:
            self._deadline.reschedule(self._loop.time() + _SETTLE_SECONDS)
        elif decoder.events > self._events:
            self._events = decoder.events
            self._extend()

    def _hand_on(self, items: list[Item]) -> None:
        broken = items.pop() if items and isinstance(items[-1], Broken) else None
        if items:
            self._on_items(items)
        if isinstance(broken, Broken):
            self.fault = broken.fault

    def _extend(self) -> None:
        """An event came: the gap begins anew. Timers cost; a gap a hundredth shorter does not."""
        now = self._loop.time()
        if now < self._extend_at:
            return
        wanted = now + self._gap
        if self.decoder.spoken:
            self._extend_at = now + self._gap / 100
        elif self._first_delta_at is not None:
            wanted = min(wanted, self._first_delta_at)
        self._deadline.reschedule(wanted)


async def _refuse_other_than_stream(answer: Answer, logid: str) -> None:
    """Errors may come as a status, or as 200 with a JSON body instead of a stream."""
    if answer.get(b"content-encoding") not in (b"", b"identity"):
        raise CozeError(Fault(FaultKind.GARBAGE, detail="compressed stream", logid=logid))
    if answer.status == 200 and answer.content_type == b"text/event-stream":
        return
    raw = bytearray()

    def take(data: bytes) -> None:
        raw.extend(data)
        if len(raw) > _MAX_ERROR_BODY:
            answer.pause()

    await answer.pour(take)
    body = json_object(bytes(raw))
    if answer.status == 200 and (body is None or body.get("code") in (None, 0, "0")):
        kind = answer.content_type.decode("latin-1")[:80]
        raise CozeError(Fault(FaultKind.GARBAGE, detail=kind, logid=logid))
    raise CozeError(fault_of(body or {}, status=answer.status, logid=logid))
