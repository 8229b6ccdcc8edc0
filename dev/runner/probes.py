"""Asks whether a process is ready: HTTP 200, or PONG from a Redis."""

import asyncio
from urllib.parse import urlsplit

PROBE_SECONDS = 2


async def is_ready(url: str) -> bool:
    """One try; anything but the right answer in time is a no."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 0
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            if parts.scheme == "redis":
                return (await redis_command(host, port, "PING")) == "PONG"
            return await _http_ok(host, port, parts.path)
    except (OSError, TimeoutError, RedisRefusedError, asyncio.IncompleteReadError):
        return False


async def _http_ok(host: str, port: int, path: str) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        head = f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode())
        status = await reader.readline()
        return status.split(b" ")[1:2] == [b"200"]
    finally:
        writer.close()


class RedisRefusedError(Exception):
    """Redis answered with an error."""


async def redis_command(host: str, port: int, *words: str) -> str:
    """One command to a Redis of this machine, its answer as text. Raises RedisRefusedError.

    The product's own client is not used: the runner needs PING, INFO and CONFIG only, and before
    and after the services live.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
        writer.write(f"*{len(words)}\r\n{''.join(parts)}".encode())
        return await _read_reply(reader)
    finally:
        writer.close()


async def _read_reply(reader: asyncio.StreamReader) -> str:
    """One reply as text; the items of a list stand on lines of their own."""
    line = (await reader.readline()).decode().rstrip("\r\n")
    if line.startswith("-"):
        raise RedisRefusedError(line[1:])
    if line.startswith("*"):
        return "\n".join([await _read_reply(reader) for _ in range(int(line[1:]))])
    if line.startswith("$"):
        size = int(line[1:])
        return "" if size < 0 else (await reader.readexactly(size + 2))[:-2].decode()
    return line[1:]
