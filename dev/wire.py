"""A small HTTP/1.1 server whose handler may break every rule of HTTP; simulator and mail catcher.

A web framework would repair what the simulator has to break: half frames, resets, answers that are
not HTTP. It also costs CPU that the benchmarks would charge to the upstream. So this one stands on
asyncio streams directly.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

MAX_BODY = 1024 * 1024
MAX_HEAD = 64 * 1024
# A pause is slept in slices so that a caller who left, or a cancel, is noticed within this time.
PAUSE_SLICE_SECONDS = 0.05
WRITE_BUFFER = 256 * 1024
REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class CallerGoneError(Exception):
    """The caller closed the connection."""


class MalformedError(Exception):
    """The bytes that came are not a request this server reads."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty body is an empty object. Raises ValueError otherwise."""
        value = orjson.loads(self.body) if self.body.strip() else {}
        if not isinstance(value, dict):
            raise ValueError("the body is not a JSON object")
        return value

    @property
    def bearer(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(slots=True)
class Exchange:
    """One request and the pen to answer it with; a `logid` goes out as `x-tt-logid`."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    logid: str
    reusable: bool = True
    streaming: bool = field(default=False, init=False)

    async def answer(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = "application/json; charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answers the whole body at once."""
        sizes = {"content-length": str(len(body)), **(headers or {})}
        self.writer.write(self._head(status, content_type, sizes) + body)
        await self._drain()

    async def answer_json(self, payload: Any, *, status: int = 200) -> None:
        await self.answer(status, orjson.dumps(payload))

    def begin(
        self,
        *,
        content_type: str = "text/event-stream; charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Starts a chunked answer; the head leaves at once, as it does at Coze."""
        extra = {"cache-control": "no-cache", "transfer-encoding": "chunked", **(headers or {})}
        self.streaming = True
        self.writer.write(self._head(200, content_type, extra))

    async def write(self, data: bytes) -> None:
        """One chunk in one send; raises CallerGoneError when nobody reads any more."""
        if not data:
            return
        self.check()
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        if self.writer.transport.get_write_buffer_size() > WRITE_BUFFER:
            await self._drain()

    async def raw(self, data: bytes) -> None:
        """Bytes as they are, past all framing; the connection is not used again."""
        self.reusable = False
        self.writer.write(data)
        await self._drain()

    async def end(self) -> None:
        """Ends a chunked answer the proper way."""
        if self.streaming:
            self.check()
            self.writer.write(b"0\r\n\r\n")
            await self._drain()

    def reset(self) -> None:
        """Cuts the connection with a TCP reset instead of a goodbye."""
        self.reusable = False
        sock = self.writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def check(self) -> None:
        if self.writer.transport.is_closing() or self.reader.at_eof():
            raise CallerGoneError

    async def pause(self, seconds: float, *, until: Callable[[], bool] = lambda: False) -> None:
        """Sleeps, ends early on `until`; raises CallerGoneError soon after the caller left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (left := deadline - loop.time()) > 0 and not until():
            await asyncio.sleep(min(left, PAUSE_SLICE_SECONDS))
            self.check()

    async def _drain(self) -> None:
        try:
            await self.writer.drain()
        except ConnectionError as error:
            raise CallerGoneError from error

    def _head(self, status: int, content_type: str, headers: dict[str, str]) -> bytes:
        lines = [
            f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}",
            f"content-type: {content_type}",
            *([f"x-tt-logid: {self.logid}"] if self.logid else []),
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


Handler = Callable[[Exchange], Awaitable[None]]


@asynccontextmanager
async def listening(
    handle: Handler, *, host: str, port: int, log_ids: Callable[[], str] = str
) -> AsyncIterator[int]:
    """Serves `handle` while the context is open; yields the port (a free one where 0 was asked)."""
    talks: set[asyncio.Task[Any]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await _converse(handle, reader, writer, log_ids=log_ids)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            talks.discard(task)

    server = await asyncio.start_server(converse, host, port, limit=MAX_HEAD, backlog=2048)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _converse(
    handle: Handler,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    log_ids: Callable[[], str],
) -> None:
    """Answers one request after another on one connection."""
    try:
        while (request := await _read_request(reader)) is not None:
            exchange = Exchange(request=request, reader=reader, writer=writer, logid=log_ids())
            await handle(exchange)
            if not exchange.reusable or request.headers.get("connection", "").lower() == "close":
                break
    except (CallerGoneError, ConnectionError, asyncio.IncompleteReadError):
        pass
    except MalformedError:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(2):
                await writer.wait_closed()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise MalformedError from error
    lines = head[:-4].decode("latin-1").split("\r\n")
    try:
        method, target, _ = lines[0].split(" ")
    except ValueError as error:
        raise MalformedError from error
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    url = urlsplit(target)
    return Request(
        method=method,
        path=unquote(url.path),
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers=headers,
        body=await _read_body(reader, headers),
    )


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    size = headers.get("content-length", "0")
    if not size.isdigit() or int(size) > MAX_BODY:
        raise MalformedError
    return await reader.readexactly(int(size))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        line = (await reader.readuntil(b"\r\n")).split(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError as error:
            raise MalformedError from error
        if size < 0 or len(body) + size > MAX_BODY:
            raise MalformedError
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return bytes(body)
