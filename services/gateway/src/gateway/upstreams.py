"""One pooled HTTP session per service, bytes passed as they are."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from common.security.policy import Owner
from yarl import URL

_CONNECT_SECONDS = 5.0
# Below uvicorn's keep-alive of 75 s: a connection we reuse is never one it just closed.
_KEEP_ALIVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service the gateway forwards to."""

    owner: Owner
    base_url: str
    session: aiohttp.ClientSession

    def url(self, raw_path: str, query: str) -> URL:
        target = f"{self.base_url}{raw_path}"
        return URL(f"{target}?{query}" if query else target, encoded=True)


@asynccontextmanager
async def open_upstreams(
    urls: Mapping[Owner, str],
) -> AsyncIterator[dict[Owner, Upstream]]:
    """Sessions for all owners, closed at the end."""
    async with AsyncExitStack() as stack:
        upstreams = {}
        for owner, base_url in urls.items():
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type", "Accept"),
            )
            await stack.enter_async_context(session)
            upstreams[owner] = Upstream(owner, base_url.rstrip("/"), session)
        yield upstreams
