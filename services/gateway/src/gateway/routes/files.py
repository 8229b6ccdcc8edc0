"""The web pages, the loader and their assets, each page with the policy it needs."""

from urllib.parse import parse_qs

from common.app import Receive, Scope, Send

from gateway.errors import NotFound
from gateway.shops import DEFAULT
from gateway.webroot import Found
from gateway.wiring import Wiring

Raw = list[tuple[bytes, bytes]]

_STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: https:; font-src 'self'; connect-src 'self'; media-src 'self' data:; "
    "manifest-src 'self'; worker-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'; frame-ancestors {ancestors}"
)
_UNBUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Fiido Kefu</title>"
    "<h1>The web is not built yet</h1><p>Run <code>make web</code>, then load this page again. "
    "<code>make run</code> does it by itself.</p>"
)
_LOCAL = "http://localhost:* http://127.0.0.1:* https://localhost:*"


async def serve_file(scope: Scope, _receive: Receive, send: Send) -> None:
    """GET and HEAD of everything that is not the API."""
    wired: Wiring = scope["app"].state.wiring
    path: str = scope["path"]
    if path.startswith("/api/"):
        raise NotFound
    found = wired.web.find(path, _header(scope, b"accept-encoding"), shop_id=_shop_id(scope))
    if found is None:
        if wired.web.is_built:
            raise NotFound
        page = _UNBUILT.encode()
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
        await _send(send, 503, headers, page)
        return
    headers = _headers(scope, wired, found)
    if found.etag in _header(scope, b"if-none-match"):
        await _send(send, 304, headers, b"")
        return
    headers.append((b"content-type", found.kind.encode()))
    if found.encoding is not None:
        headers.append((b"content-encoding", found.encoding.encode()))
    await _send(send, 200, headers, found.body)


def _shop_id(scope: Scope) -> str:
    query: dict[str, list[str]] = parse_qs(scope["query_string"].decode("latin-1"))
    return query.get("shop", [""])[0]


def _headers(scope: Scope, wired: Wiring, found: Found) -> Raw:
    headers: Raw = [
        (b"etag", found.etag.encode()),
        (b"cache-control", found.cache_control.encode()),
        (b"vary", b"Accept-Encoding"),
    ]
    if found.is_page:
        headers += _page_headers(scope, wired, found)
    else:
        # storefronts load the loader as a plain script; that needs no CORS
        headers.append((b"cross-origin-resource-policy", b"cross-origin"))
    return headers


def _page_headers(scope: Scope, wired: Wiring, found: Found) -> Raw:
    ancestors = "'none'"
    if found.name.startswith("embed/"):
        ancestors = _ancestors(scope, wired)
    headers: Raw = [(b"content-security-policy", _STRICT.format(ancestors=ancestors).encode())]
    if ancestors == "'none'":
        headers.append((b"x-frame-options", b"DENY"))
    return headers


def _ancestors(scope: Scope, wired: Wiring) -> str:
    """Who may frame the chat window: the shop's own pages and ours; an unknown shop's, nobody."""
    shop = wired.shops.find(_shop_id(scope))
    if shop is None:
        return "'none'"
    allowed = ["'self'", *shop.origins]
    if shop.id == DEFAULT.id:
        allowed += wired.settings.origin_list()
    if not wired.settings.production:
        allowed += _LOCAL.split()
    return " ".join(allowed)


def _header(scope: Scope, wanted: bytes) -> str:
    found = next((v for n, v in scope["headers"] if n == wanted), b"")
    return str(found.decode("latin-1"))


async def _send(send: Send, status: int, headers: Raw, body: bytes) -> None:
    length = [] if status == 304 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
