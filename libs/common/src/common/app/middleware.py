"""The outermost layer of every app: context, guard, envelope, access log, metrics. Pure ASGI."""

import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from common.app.body import capped, loads, read_body, replay
from common.app.chassis import Chassis
from common.app.context import (
    RequestContext,
    Scope,
    attach,
    pick_headers,
    pick_language,
    valid_request_id,
)
from common.app.envelope import AsgiApp, Receive, Send, send_error
from common.errors import (
    BodyTooLarge,
    HeadersTooLarge,
    MethodNotAllowed,
    NotFound,
    ServiceError,
    UnsupportedMediaType,
)
from common.ids import new_id
from common.logging import request_id as request_id_variable
from common.logging import session_name as session_name_variable
from common.logging import traceparent as traceparent_variable
from common.security.policy import Table

log = logging.getLogger("common.app.access")

_MOST_HEADERS = 100
_LONGEST_HEADERS = 32_768
_WITH_BODY = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_QUIET = frozenset(("/health/live", "/health/ready", "/metrics"))
_GONE = 499  # nginx's number for a caller who left

Hot = Mapping[tuple[str, str], AsgiApp]


class Outermost:
    """Everything that is true for every request, whatever route it goes to."""

    def __init__(
        self,
        app: AsgiApp,
        *,
        chassis: Chassis,
        table: Table,
        hot: Hot,
        internal: Sequence[tuple[str, str]],
        forward: AsgiApp | None,
        open_prefixes: Sequence[str],
        address_of: Callable[[Scope], str] | None,
    ) -> None:
        self._app = app
        self._chassis = chassis
        self._table = table
        self._hot = hot
        self._forward = forward
        self._open = tuple(open_prefixes)
        self._address_of = address_of or _peer
        self._internal = [(method, path, compile_path(path)[0]) for method, path in internal]
        self._limit = chassis.settings.max_body_bytes
        self._meter = _Meter(chassis)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = self._context(scope)
        found.receive = receive
        sent = _Sent(send, found.request_id)
        try:
            await self._handle(scope, receive, sent, found)
        except ServiceError as error:
            await self._fail(error, sent, found)
        except ClientDisconnect:
            sent.status = sent.status or _GONE
        except Exception:
            log.exception("unhandled", extra={"route": found.route})
            await self._fail(ServiceError(), sent, found)
        finally:
            self._meter.record(scope, found, sent)

    def _context(self, scope: Scope) -> RequestContext:
        headers = pick_headers(scope)
        settings = self._chassis.settings
        found = RequestContext(
            headers,
            request_id=valid_request_id(headers.get(b"x-request-id")) or new_id(),
            language=pick_language(headers.get(b"accept-language"), settings.default_language),
            started=time.perf_counter(),
        )
        attach(scope, found)
        request_id_variable.set(found.request_id)
        traceparent_variable.set(found.traceparent)
        session_name_variable.set("")
        return found

    async def _handle(
        self, scope: Scope, receive: Receive, send: "_Sent", found: RequestContext
    ) -> None:
        path = scope["path"]
        if path in _QUIET:
            _refuse_strangers(scope, found)
            found.route = path
            await self._app(scope, receive, send)
            return
        _check_headers(scope)
        hot = await self._admit(scope, path, found)
        has_body = scope["method"] in _WITH_BODY and self._check_body(found)
        if hot is not None:
            await hot(scope, capped(receive, self._limit), send)
            return
        if has_body:
            body = await read_body(receive, limit=self._limit)
            # FastAPI's parser takes NaN and lone surrogates, which no store and no answer can hold
            loads(body)
            receive = replay(body, receive)
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, path: str, found: RequestContext) -> AsgiApp | None:
        """Set rule and caller; the bare ASGI app that takes the request, or None for FastAPI."""
        method = scope["method"]
        match = self._table.match(method, path)
        if match is not None:
            rule, found.path_params = match
            found.rule, found.route = rule, rule.path
            found.session_name = found.path_params.get("name", "")
            session_name_variable.set(found.session_name)
            scope["path_params"] = dict(found.path_params)
            address = self._address_of(scope)
            found.caller = await self._chassis.guard.authorize(found, rule, address)
            hot = self._hot.get((method, rule.path))
            if hot is None and rule.owner.value != self._chassis.name:
                return self._forward
            return hot
        if path.startswith("/internal/"):
            return self._admit_service(scope, path, found)
        allowed = self._table.methods(path)
        if allowed:
            raise MethodNotAllowed(allow=allowed)
        if path.startswith(self._open) and self._open:
            found.route = "static"
            return None
        raise NotFound

    def _admit_service(self, scope: Scope, path: str, found: RequestContext) -> AsgiApp | None:
        found.caller = self._chassis.guard.service(found, _peer(scope))
        hot = self._hot.get((scope["method"], path))
        if hot is not None:
            found.route = path
            return hot
        allowed = []
        for method, template, pattern in self._internal:
            hit = pattern.match(path)
            if hit is None:
                continue
            allowed.append(method)
            if method == scope["method"]:
                found.route = template
                found.path_params = hit.groupdict()
                found.session_name = found.path_params.get("name", "")
                scope["path_params"] = dict(found.path_params)
                return self._hot.get((method, template))
        if allowed:
            raise MethodNotAllowed(allow=sorted(set(allowed)))
        raise NotFound

    def _check_body(self, found: RequestContext) -> bool:
        """Is there a body; one that is announced too large, or as no JSON, is not even read."""
        headers = found.headers
        length = headers.get(b"content-length", "0")
        if length == "0" and b"transfer-encoding" not in headers:
            return False
        if not length.isdecimal() or int(length) > self._limit:
            raise BodyTooLarge(limit=self._limit)
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise UnsupportedMediaType
        return True

    async def _fail(self, error: ServiceError, sent: "_Sent", found: RequestContext) -> None:
        if sent.status:
            # too late for an envelope: uvicorn closes the connection on an unfinished answer
            return
        await send_error(sent, error, request_id=found.request_id, language=found.language)


class _Sent:
    """`send` that puts the request id on the answer and remembers its status."""

    __slots__ = ("_id", "_send", "status", "streamed")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._id = (b"x-request-id", request_id.encode())
        self.status = 0
        self.streamed = False

    def __call__(self, message: MutableMapping[str, Any]) -> Awaitable[None]:
        # not a coroutine itself: streams send thousands of frames through here
        if not self.status and message["type"] == "http.response.start":
            self._start(message)
        return self._send(message)

    def _start(self, message: MutableMapping[str, Any]) -> None:
        self.status = message["status"]
        headers = [h for h in message.get("headers", ()) if h[0].lower() != b"x-request-id"]
        self.streamed = any(
            name == b"content-type" and value.startswith(b"text/event-stream")
            for name, value in headers
        )
        headers.append(self._id)
        message["headers"] = headers


class _Meter:
    """The access log and the request metrics."""

    def __init__(self, chassis: Chassis) -> None:
        metrics = chassis.metrics
        self._slow = chassis.settings.slow_request_seconds
        self._requests = metrics.counter(
            "requests", "Requests answered.", ["method", "route", "status"]
        )
        self._seconds = metrics.histogram(
            "request_seconds", "Time to the end of the answer, streams left out.", ["route"]
        )
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def _count(self, key: tuple[str, str, int]) -> None:
        # bounded: methods, templates and status codes are; `labels` costs a lock and a look-up
        child = self._counters.get(key)
        if child is None:
            child = self._counters[key] = self._requests.labels(key[0], key[1], str(key[2]))
        child.inc()

    def _observe(self, route: str, seconds: float) -> None:
        child = self._timers.get(route)
        if child is None:
            child = self._timers[route] = self._seconds.labels(route)
        child.observe(seconds)

    def record(self, scope: Scope, found: RequestContext, sent: _Sent) -> None:
        seconds = time.perf_counter() - found.started
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._count((method, found.route, sent.status))
        if not sent.streamed:
            self._observe(found.route, seconds)
        level = logging.DEBUG if found.route in _QUIET else logging.INFO
        slow = seconds > self._slow and not sent.streamed
        if slow:
            level = logging.WARNING
        if not log.isEnabledFor(level):
            return
        access = {
            "method": method,
            "route": found.route,
            "status": sent.status,
            "duration_ms": round(seconds * 1000, 1),
        }
        if found.session_name:
            session_name_variable.set(found.session_name)
        log.log(level, "slow request" if slow else "request", extra={"access": access})


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def _check_headers(scope: Scope) -> None:
    headers = scope["headers"]
    if len(headers) > _MOST_HEADERS:
        raise HeadersTooLarge
    if sum(len(name) + len(value) for name, value in headers) > _LONGEST_HEADERS:
        raise HeadersTooLarge


def _refuse_strangers(scope: Scope, found: RequestContext) -> None:
    """Probes and Prometheus come directly; what a proxy passed on comes from outside. Probes may
    come from any address of a node, Prometheus only from the network the services are in."""
    if b"x-forwarded-for" in found.headers:
        raise NotFound
    if scope["path"] == "/metrics" and not _is_near(_peer(scope)):
        raise NotFound


def _is_near(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_private
    except ValueError:
        return False


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
