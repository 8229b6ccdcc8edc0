"""Baselines that run as processes of their own, on the server's core."""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cpu import SERVER_CORE, pin

NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


@dataclass(frozen=True)
class Peer:
    """A running baseline."""

    base: str
    pids: dict[str, int]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _open(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@asynccontextmanager
async def bare_fanout(redis_url: str) -> AsyncIterator[Peer]:
    """`bench.bare` on a free port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", str(port), redis_url])
    try:
        await _open(port)
        pin([process.pid], SERVER_CORE)
        yield Peer(f"http://127.0.0.1:{port}", {"bare": process.pid})
    finally:
        process.terminate()
        process.wait()


def nginx_at_hand(*, nchan: bool = False) -> bool:
    return shutil.which("nginx") is not None and (not nchan or NCHAN.exists())


@asynccontextmanager
async def nginx(folder: Path, http: str, *, port: int, nchan: bool = False) -> AsyncIterator[Peer]:
    """One unprivileged nginx worker with this `http` block."""
    folder.mkdir(parents=True, exist_ok=True)
    load = f"load_module {NCHAN};\n" if nchan else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{load}worker_processes 1;\ndaemon off;\nmaster_process off;\npid {folder}/nginx.pid;\n"
        f"error_log {folder}/error.log;\nevents {{ worker_connections 8192; }}\n"
        f"http {{ access_log off; keepalive_requests 10000000; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n"
        f"uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n{http}\n}}\n"
    )
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config), "-e", "error.log"])
    try:
        await _open(port)
        pin([process.pid], SERVER_CORE)
        yield Peer(f"http://127.0.0.1:{port}", {"nginx": process.pid})
    finally:
        process.terminate()
        process.wait()


def two_hops(outer: int, inner: int, upstream: str) -> str:
    """nginx before nginx before the upstream: the same two hops as gateway and chat-proxy."""
    proxy = (
        "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off;"
        " proxy_read_timeout 120s;"
    )
    return (
        f"upstream coze {{ server {upstream.partition('://')[2]}; keepalive 256; keepalive_requests 10000000; }}\n"
        f"upstream second {{ server 127.0.0.1:{inner}; keepalive 256; keepalive_requests 10000000; }}\n"
        f"server {{ listen 127.0.0.1:{outer}; location / {{ {proxy} proxy_pass http://second; }} }}\n"
        f"server {{ listen 127.0.0.1:{inner}; location / {{ {proxy} proxy_pass http://coze; }} }}"
    )


def nchan_channels(port: int) -> str:
    """nchan in memory: one channel a session, published to by POST."""
    return (
        f"nchan_shared_memory_size 512M;\nserver {{ listen 127.0.0.1:{port};\n"
        "location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1;"
        " nchan_message_buffer_length 1; }\n"
        "location ~ ^/sub/(.+)$ { nchan_subscriber eventsource; nchan_channel_id $1;"
        " nchan_subscriber_first_message newest; }\n}"
    )
