"""The outermost step of every request: aliases, foreign headers off, origin, security headers.

It wraps the whole app, so what it adds is on failures too.
"""

from collections.abc import MutableMapping
from typing import Any

from common.app import AsgiApp, Receive, Scope, Send, send_error
from common.app.connection import connection_of
from common.app.context import pick_language, valid_request_id
from common.contracts.common import Headers
from common.ids import new_id
from common.security.policy import Table

from gateway.addresses import Addresses, Network, is_within
from gateway.errors import HeadersTooLarge, NotFound, OriginForbidden, ServiceError
from gateway.origins import Origins, answer_headers, preflight_headers

CONNECTION = "gateway.connection"
# headers that go on the answer whatever it becomes
EXTRA = "gateway.headers"
_INTERNAL = frozenset(name.lower().encode() for name in Headers.INTERNAL)
_ALIAS = "/api/v1/"
_SCRAPED = frozenset(("/metrics", "/health/ready"))
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cross-origin-opener-policy", b"same-origin-allow-popups"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_API = [
    (b"api-version", b"1"),
    (b"x-frame-options", b"DENY"),
    (b"vary", b"Origin"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Threshold:
    """One per app; knows no Redis and no services."""

    def __init__(
        self,
        app: AsgiApp,
        *,
        origins: Origins,
        addresses: Addresses,
        scrape_networks: list[Network],
        max_headers: int,
        max_header_bytes: int,
        language: str,
    ) -> None:
        self._app = app
        self._origins = origins
        self._addresses = addresses
        self._scrapers = scrape_networks
        self._max_headers = max_headers
        self._max_header_bytes = max_header_bytes
        self._language = language
        self._table = Table()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[CONNECTION] = connection_of(receive)
        self._normalize(scope)
        is_api = scope["path"].startswith("/api/")
        secure = self._addresses.scheme_of(scope) == "https"
        extra = [*_ALWAYS, *(_API if is_api else ()), *([_HSTS] if secure else ())]
        scope[EXTRA] = extra
        origin = _header(scope, b"origin")
        try:
            self._check_size(scope)
            self._check_scrape(scope)
            if is_api and origin is not None:
                self._check_origin(scope, origin)
                extra += answer_headers(origin)
        except ServiceError as error:
            await self._refuse(scope, _adding(send, extra), error)
            return
        if is_api and scope["method"] == "OPTIONS":
            await self._preflight(scope, _adding(send, extra))
            return
        await self._app(scope, receive, _adding(send, extra))

    def _normalize(self, scope: Scope) -> None:
        """`/api/v1/…` is `/api/…`, and nobody outside speaks for a service."""
        if scope["path"].startswith(_ALIAS):
            scope["path"] = "/api/" + scope["path"][len(_ALIAS) :]
            scope["raw_path"] = scope["raw_path"].replace(b"/api/v1/", b"/api/", 1)
        headers = scope["headers"]
        if any(name in _INTERNAL for name, _ in headers):
            scope["headers"] = [h for h in headers if h[0] not in _INTERNAL]

    def _check_size(self, scope: Scope) -> None:
        headers = scope["headers"]
        total = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > self._max_headers or total > self._max_header_bytes:
            raise HeadersTooLarge

    def _check_scrape(self, scope: Scope) -> None:
        """What scrapers and orchestrators read is not for those who come by a proxy."""
        if scope["path"] not in _SCRAPED:
            return
        client = scope.get("client")
        near = client is not None and is_within(client[0], self._scrapers)
        if not near or self._addresses.is_proxied(scope):
            raise NotFound

    def _check_origin(self, scope: Scope, origin: bytes) -> None:
        host = (_header(scope, b"host") or b"").decode("latin-1")
        scheme = self._addresses.scheme_of(scope)
        if not self._origins.allows(origin.decode("latin-1"), host=host, scheme=scheme):
            raise OriginForbidden

    async def _preflight(self, scope: Scope, send: Send) -> None:
        methods = self._table.methods(scope["path"])
        if not methods:
            await self._refuse(scope, send, NotFound())
            return
        headers = [*preflight_headers(methods), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _refuse(self, scope: Scope, send: Send, error: ServiceError) -> None:
        wished = (_header(scope, b"accept-language") or b"").decode("latin-1")
        sent_id = (_header(scope, b"x-request-id") or b"").decode("latin-1")
        request_id = valid_request_id(sent_id) or new_id()
        await send_error(
            _adding(send, [(b"x-request-id", request_id.encode())]),
            error,
            request_id=request_id,
            language=pick_language(wished, self._language),
        )


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)


def _adding(send: Send, extra: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(h for h in extra if h[0] not in present or h[0] == b"vary"),
            ]
        await send(message)

    return sending
