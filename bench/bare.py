"""The floor of fan-out: a server that does nothing but read the bus and write frames to sockets.

`python -m bench.bare PORT REDIS_URL`. No tokens, no resume, no limits, no heartbeats.
"""

import asyncio
import sys
from collections import defaultdict

import uvloop
from redis.asyncio import Redis

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'2c\r\nevent: ready\ndata: {"type":"ready","seq":0}\n\n\r\n'
)
LISTENERS: dict[bytes, list[asyncio.Transport]] = defaultdict(list)


class Listener(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        name = data.split(b" ", 2)[1].split(b"/")[3]
        LISTENERS[name].append(self._transport)
        self._transport.write(HEAD)


async def read(client: Redis) -> None:
    last: bytes | str = "$"
    while True:
        for _, entries in await client.xread({"{kefu}:bus": last}, block=2000, count=500):
            for last, fields in entries:
                frame = b"id: %b\nevent: %b\ndata: %b\n\n" % (
                    last,
                    fields[b"frame"],
                    fields[b"data"],
                )
                chunk = b"%x\r\n%b\r\n" % (len(frame), frame)
                for transport in LISTENERS.get(fields[b"subject"], ()):
                    transport.write(chunk)


async def main(port: int, url: str) -> None:
    server = await asyncio.get_running_loop().create_server(Listener, "127.0.0.1", port)
    async with server, asyncio.TaskGroup() as group:
        group.create_task(read(Redis.from_url(url, socket_timeout=10)))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
