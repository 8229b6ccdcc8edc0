"""One attempt at an answer: the workflow's event stream, over aiohttp, read to a definite end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from chat_proxy.coze.calls import LOGID, json_object
from chat_proxy.coze.deadlines import Deadlines
from chat_proxy.coze.decode import Broken, Item, Limits, StreamDecoder
from chat_proxy.coze.faults import CozeError, Fault, FaultKind, fault_of

log = logging.getLogger(__name__)

_PATH = "/v1/workflows/chat"
_MAX_ERROR_BODY = 64 * 1024
# After the last event the body's end is due at once; waiting for it keeps the connection usable.
_SETTLE_SECONDS = 0.02

OnItems = Callable[[Sequence[Item]], Awaitable[None]]
"""Gets what one chunk of bytes brought, at once, `Broken` excepted; must not raise."""


class AnswerStreams:
    """Opens streams below one base, as many at once as there are `places`."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base: str,
        deadlines: Deadlines,
        limits: Limits,
        *,
        places: int,
    ) -> None:
        self._http = http
        self._places = asyncio.Semaphore(places)
        self._url = base.rstrip("/") + _PATH
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
        headers = {
            "Authorization": f"Bearer {bearer}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
        }
        opened = False
        logid = ""
        try:
            async with (
                asyncio.timeout(self._deadlines.first_delta) as deadline,
                self._http.post(
                    self._url, data=orjson.dumps(body), headers=headers, allow_redirects=False
                ) as response,
            ):
                logid = response.headers.get(LOGID, "")
                log.info("coze stream", extra={"status": response.status, "logid": logid})
                await _refuse_other_than_stream(response)
                opened = True
                fault = await self._relay(response.content, on_items, deadline)
        except TimeoutError as error:
            raise CozeError(Fault(FaultKind.DEADLINE, logid=logid)) from error
        except aiohttp.ClientResponseError as error:
            raise CozeError(Fault(FaultKind.GARBAGE, detail="not HTTP", logid=logid)) from error
        except (aiohttp.ClientError, OSError) as error:
            kind = FaultKind.TRUNCATED if opened else FaultKind.UNREACHABLE
            raise CozeError(Fault(kind, detail=type(error).__name__, logid=logid)) from error
        if fault is not None:
            raise CozeError(fault.with_logid(logid))

    async def _relay(
        self, content: aiohttp.StreamReader, on_items: OnItems, deadline: asyncio.Timeout
    ) -> Fault | None:
        decoder = StreamDecoder(self._limits)
        first_delta_at = deadline.when()
        events = 0
        while True:
            chunk = await content.readany()
            items = decoder.feed(chunk) if chunk else decoder.close()
            broken = items.pop() if items and isinstance(items[-1], Broken) else None
            if items:
                await on_items(items)
            if isinstance(broken, Broken):
                return broken.fault
            if decoder.ended:
                break
            if decoder.events > events:
                events = decoder.events
                self._extend(deadline, first_delta_at if not decoder.spoken else None)
        if decoder.differing_answers:
            log.warning("the answer's text differs from its deltas")
        deadline.reschedule(None)
        await _settle(content)
        return None

    def _extend(self, deadline: asyncio.Timeout, first_delta_at: float | None) -> None:
        """An event came: the gap begins anew. Timers cost; a gap a hundredth shorter does not."""
        gap_at = asyncio.get_running_loop().time() + self._deadlines.gap
        wanted = min(gap_at, first_delta_at or gap_at)
        if abs(wanted - (deadline.when() or 0.0)) > self._deadlines.gap / 100:
            deadline.reschedule(wanted)


async def _settle(content: aiohttp.StreamReader) -> None:
    """Read up to the body's end where it comes at once; else the connection is given up."""
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            while not content.at_eof():
                await content.readany()
    except (TimeoutError, aiohttp.ClientError, OSError):
        log.debug("the answer's stream stayed open after its end")


async def _refuse_other_than_stream(response: aiohttp.ClientResponse) -> None:
    """Errors may come as a status, or as 200 with a JSON body instead of a stream."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise CozeError(Fault(FaultKind.GARBAGE, detail="compressed stream"))
    if response.status == 200 and response.content_type == "text/event-stream":
        return
    raw = bytearray()
    while len(raw) <= _MAX_ERROR_BODY:
        chunk = await response.content.readany()
        if not chunk:
            break
        raw += chunk
    body = json_object(bytes(raw))
    logid = response.headers.get(LOGID, "")
    if response.status == 200 and (body is None or body.get("code") in (None, 0, "0")):
        raise CozeError(Fault(FaultKind.GARBAGE, detail=response.content_type[:80], logid=logid))
    raise CozeError(fault_of(body or {}, status=response.status, logid=logid))


def session_of(deadlines: Deadlines) -> aiohttp.ClientSession:
    """A client session for streams, whose number `AnswerStreams` bounds; the caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15),
        timeout=aiohttp.ClientTimeout(
            total=None,
            sock_connect=deadlines.connect,
            sock_read=deadlines.read,
        ),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
