"""HTTP where every microsecond counts: pooled lines, bytes as they come, nothing built around them.

A general client builds an object for everything and switches tasks for every chunk; that was half
the cost of a forwarded stream. Here the parser (httptools, the one under uvicorn) calls back with
each piece of a body, and a stream's pieces are written to its reader in the same step.

    idle ──ask──▶ waiting ──head──▶ body ──whole──▶ idle
                     └──────lost──────┴────▶ gone: ConnectionError to who waits
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import cast
from urllib.parse import urlsplit

import httptools

_CONNECT_SECONDS = 5.0
# Below uvicorn's keep-alive of 75 s: a line we use again is never one it just closed.
_IDLE_SECONDS = 15.0
_REPEATABLE = frozenset((b"GET", b"PUT", b"DELETE"))
# of an answer's head with what came along with it; the parser itself knows no bound
_MOST_HEAD_BYTES = 512 * 1024

Sink = Callable[[bytes], None]
Raw = list[tuple[bytes, bytes]]


class NotHttp(ConnectionError):
    """What answers speaks something else."""


class Line:
    """One connection; one exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._pieces: list[bytes] = []
        self.status = 0
        self.headers: Raw = []
        self.has_head = False
        self.is_whole = False
        self.is_lost = False
        self._is_paused = False
        self._is_garbage = False
        self._head_bytes = 0
        self.may_stay = False
        self.used_at = 0.0

    # --- an exchange -------------------------------------------------------------------
    async def ask(self, request: bytes) -> None:
        """Send a request; returns with the answer's head."""
        self._parser = httptools.HttpResponseParser(self)
        self._sink, self._pieces, self.headers = None, [], []
        self.has_head = self.is_whole = self.may_stay = False
        self._head_bytes = 0
        if self._transport is None or self.is_lost:
            raise ConnectionResetError
        self._transport.write(request)
        await self._until(lambda: self.has_head)

    async def read(self) -> bytes:
        """The whole body."""
        await self._until(lambda: self.is_whole)
        return b"".join(self._pieces)

    async def pour(self, sink: Sink) -> None:
        """Every piece of the body into the sink, at once; returns at its end or after `pause`."""
        self._resume()
        pieces, self._pieces, self._sink = self._pieces, [], sink
        for piece in pieces:
            sink(piece)
        await self._until(lambda: self.is_whole or self._is_paused)

    def pause(self) -> None:
        """The sink's reader is slow: take no more from the service until `pour` again."""
        if self._transport is not None and not self.is_whole and not self.is_lost:
            self._is_paused = True
            self._transport.pause_reading()
            self._wake()

    def _resume(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            if self._is_garbage:
                raise NotHttp
            if self.is_lost:
                raise ConnectionResetError("broken off by the service")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- called by the loop ------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._is_garbage = True
            self.close()
        if not self.has_head:
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES:
                self._is_garbage = True
                self.close()

    def eof_received(self) -> None:
        """The transport closes itself."""

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_lost = True
        self._wake()

    def pause_writing(self) -> None:
        """Requests are small: 64 KB at most."""

    def resume_writing(self) -> None:
        """As above."""

    # --- called by the parser ----------------------------------------------------------
    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._parser is not None:
            self.status = self._parser.get_status_code()
        if 100 <= self.status < 200:
            self.headers = []  # an early word; the answer comes after it
            return
        self.has_head = True
        self._wake()

    def on_body(self, data: bytes) -> None:
        if self._sink is None:
            self._pieces.append(data)
        else:
            self._sink(data)

    def on_message_complete(self) -> None:
        if not self.has_head:
            return
        self.is_whole = True
        self._resume()  # whoever paused need not pour again, and the line is somebody else's next
        self.may_stay = self._parser is not None and self._parser.should_keep_alive()
        self._wake()


class Answer:
    """What a service answered; `close` gives its line back, or drops it where more was to come."""

    def __init__(self, line: Line, upstream: "Upstream") -> None:
        self._line = line
        self._upstream = upstream
        self.status = line.status
        self.headers = line.headers
        self.content_type = self.get(b"content-type").partition(b";")[0].strip().lower()

    def get(self, name: bytes) -> bytes:
        """A header's first value, or nothing."""
        return next((value for known, value in self.headers if known == name), b"")

    @property
    def is_whole(self) -> bool:
        return self._line.is_whole

    async def read(self) -> bytes:
        return await self._line.read()

    async def pour(self, sink: Sink) -> None:
        await self._line.pour(sink)

    def pause(self) -> None:
        self._line.pause()

    def close(self) -> None:
        self._upstream.put_back(self._line)


class Upstream:
    """One service. Raises OSError where it can't be reached or breaks off (TimeoutError among
    them), NotHttp where it speaks something else."""

    def __init__(self, base_url: str, *, connect_seconds: float = _CONNECT_SECONDS) -> None:
        """Raises ValueError for a URL that is not plain HTTP with a host."""
        parts = urlsplit(base_url.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http URL: {base_url!r}")
        self._host = parts.hostname
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.encode()
        self._host_header = parts.netloc.encode()
        self._connect_seconds = connect_seconds
        self._idle: list[Line] = []
        self._loop = asyncio.get_running_loop()

    async def ask(
        self, method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> Answer:
        """One call; the answer must be closed."""
        request = self._request(method, target, headers, body)
        line = self._take()
        if line is not None:
            try:
                return await self._exchange(line, request)
            except ConnectionError:
                # closed while it was idle; what may not be done twice is not sent twice
                if line.has_head or method not in _REPEATABLE:
                    raise
        async with asyncio.timeout(self._connect_seconds):
            line = await self._connect()
        return await self._exchange(line, request)

    async def get(
        self, target: str, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> tuple[int, bytes]:
        """Status and body."""
        answer = await self.ask(b"GET", target.encode(), headers, b"")
        try:
            return answer.status, await answer.read()
        finally:
            answer.close()

    def put_back(self, line: Line) -> None:
        if line.is_lost or not line.is_whole or not line.may_stay:
            line.close()
            return
        line.used_at = self._loop.time()
        self._idle.append(line)

    def close(self) -> None:
        for line in self._idle:
            line.close()
        self._idle.clear()

    async def _exchange(self, line: Line, request: bytes) -> Answer:
        try:
            await line.ask(request)
        finally:
            # also when whoever asked was cancelled meanwhile
            if not line.has_head:
                line.close()
        return Answer(line, self)

    async def _connect(self) -> Line:
        line = Line(self._loop)
        await self._loop.create_connection(
            lambda: cast("asyncio.Protocol", line), self._host, self._port, ssl=self._tls or None
        )
        return line

    def _take(self) -> Line | None:
        """The line used last; the ones idle for too long are closed."""
        oldest = self._loop.time() - _IDLE_SECONDS
        while self._idle and (self._idle[0].is_lost or self._idle[0].used_at < oldest):
            self._idle.pop(0).close()
        while self._idle:
            line = self._idle.pop()
            if not line.is_lost:
                return line
        return None

    def _request(
        self, method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> bytes:
        words = [b"%b %b%b HTTP/1.1\r\nhost: " % (method, self._prefix, target), self._host_header]
        for name, value in headers:
            words += (b"\r\n", name, b": ", value)
        if body or method not in (b"GET", b"DELETE"):
            words.append(b"\r\ncontent-length: %d" % len(body))
        return b"".join((*words, b"\r\n\r\n", body))
