"""`build_app`: the one way to make a service, so that nothing can be forgotten in any."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from common.app.body import validation_failed
from common.app.chassis import Chassis
from common.app.context import Scope, context
from common.app.envelope import AsgiApp, error_response, plain
from common.app.middleware import Outermost
from common.clock import Clock, system_clock
from common.errors import (
    BadJson,
    BadRequest,
    BodyTooLarge,
    MethodNotAllowed,
    NotFound,
    ServiceError,
    UnsupportedMediaType,
)
from common.metrics import CONTENT_TYPE
from common.security.caller import Caller
from common.security.policy import RULES, Table
from common.settings import ServiceSettings

W = TypeVar("W")
_BY_STATUS: dict[int, type[ServiceError]] = {
    400: BadJson,
    404: NotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
}


@dataclass(frozen=True)
class Edge:
    """What only the gateway needs."""

    # takes every request whose rule another service owns; `context(scope)` has rule and caller
    forward: AsgiApp | None = None
    # wraps everything, the first one outermost: CORS, aliases, security headers
    middleware: Sequence[Callable[[AsgiApp], AsgiApp]] = ()
    # below these paths lie files that no rule guards
    open_prefixes: Sequence[str] = ()
    # a client's address behind trusted proxies
    address_of: Callable[[Scope], str] | None = None


class UnguardedRoute(Exception):
    """A route without an entry in the policy table; the app refuses to be built."""


def build_app(
    *,
    name: str,
    settings: ServiceSettings,
    wire: Callable[[Chassis], AbstractAsyncContextManager[W]],
    routers: Sequence[APIRouter] = (),
    hot: Sequence[BaseRoute] = (),
    edge: Edge | None = None,
    clock: Clock = system_clock,
) -> FastAPI:
    """An app that is complete but for its wiring, which its lifespan makes.

    `hot` are bare ASGI routes (`bare(method, path, app)`). Raises UnguardedRoute.
    """
    routes = [*_routes(routers), *_flat(hot)]
    _refuse_unguarded(name, routes)
    _refuse_shadowed(_routes(routers))
    chassis = Chassis(name=name, settings=settings, clock=clock)
    app = FastAPI(
        title=f"Fiido Kefu {name}",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(chassis, wire),
        redirect_slashes=False,
        # OpenTelemetry would look at the environment on every request
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.chassis = chassis
    for router in routers:
        app.include_router(router)
    _add_health(app, chassis)
    app.router.routes.extend(hot)
    _add_layers(app, routes, hot=_flat(hot), edge=edge or Edge())
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


def _add_layers(app: FastAPI, routes: Sequence[Route], *, hot: Sequence[Route], edge: Edge) -> None:
    chassis: Chassis = app.state.chassis
    app.add_middleware(
        Outermost,
        chassis=chassis,
        table=Table(tuple(r for r in RULES if chassis.name in ("gateway", r.owner))),
        hot={(method, path): r.app for r in hot for method, path in _ways(r)},
        internal=[way for r in routes for way in _ways(r) if way[1].startswith("/internal/")],
        forward=edge.forward,
        open_prefixes=edge.open_prefixes,
        address_of=edge.address_of,
    )
    for wrapper in reversed(edge.middleware):
        app.add_middleware(wrapper)


def bare(method: str, path: str, app: AsgiApp) -> Route:
    """A route whose endpoint is an ASGI callable, functions included."""

    class Endpoint:
        """Starlette takes functions for request handlers, objects for ASGI apps."""

        __slots__ = ()

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)

    return Route(path, Endpoint(), methods=[method])


def wiring(request: Request) -> Any:
    """Dependency: what the service's `wire` yielded."""
    return request.app.state.wiring


def authorize(request: Request) -> Caller:
    """Dependency: the caller, as the guard found before the route ran."""
    return authorize_scope(request.scope)


def authorize_scope(scope: Scope) -> Caller:
    """The same for bare ASGI."""
    caller = context(scope).caller
    if caller is None:
        raise NotFound
    return caller


# --- lifespan ------------------------------------------------------------------------------


def _lifespan(
    chassis: Chassis, wire: Callable[[Chassis], AbstractAsyncContextManager[Any]]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with wire(chassis) as wired:
                app.state.wiring = wired
                chassis.started = True
                try:
                    yield
                finally:
                    # drained already where a server runs the app; tests may just leave
                    await chassis.drain()
                    await chassis.stop()
        finally:
            await chassis.stop()

    return lifespan


# --- health and metrics --------------------------------------------------------------------


def _add_health(app: FastAPI, chassis: Chassis) -> None:
    async def live(_: Request) -> Response:
        if chassis.failed is not None:
            return plain({"status": "failed", "task": chassis.failed}, status=503)
        return plain({"status": "ok", "service": chassis.name})

    async def ready(_: Request) -> Response:
        checks = await chassis.check()
        is_ready = chassis.started and not chassis.draining and not chassis.failed
        is_ready = is_ready and all(state == "ok" for state in checks.values())
        status = "draining" if chassis.draining else "ok" if is_ready else "not_ready"
        facts = {name: fact() for name, fact in chassis.facts.items()}
        answer = {"status": status, "service": chassis.name, "checks": checks, **facts}
        return plain(answer, status=200 if is_ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(chassis.metrics.render(), media_type=CONTENT_TYPE)

    app.router.routes.extend(
        [
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
        ]
    )


# --- default deny --------------------------------------------------------------------------


def _routes(routers: Sequence[APIRouter]) -> list[Route]:
    return [route for router in routers for route in _flat(router.routes)]


def _flat(routes: Sequence[BaseRoute]) -> list[Route]:
    """Only plain routes: mounts and nested routers would hide paths from the check."""
    for route in routes:
        if not isinstance(route, Route):
            raise UnguardedRoute(f"{type(route).__name__} is not allowed in a service")
    return [route for route in routes if isinstance(route, Route)]


def _ways(route: Route) -> list[tuple[str, str]]:
    methods = route.methods or {"GET", "POST", "PUT", "PATCH", "DELETE"}
    # Starlette adds HEAD to GET; the table knows none, so the guard answers 405
    return [(method, route.path) for method in sorted(methods - {"HEAD"})]


def _refuse_unguarded(name: str, routes: Sequence[Route]) -> None:
    known = {(rule.method, rule.path) for rule in RULES if rule.owner == name}
    for route in routes:
        if name == "gateway" and route.path.endswith(":path}"):
            continue
        for method, path in _ways(route):
            is_internal = path.startswith("/internal/") and name != "gateway"
            if not is_internal and (method, path) not in known:
                raise UnguardedRoute(f"{method} {path} has no entry in common.security.policy")


def _refuse_shadowed(routes: Sequence[Route]) -> None:
    """The guard takes `/sessions/stats` for itself, the router the first that fits: were that
    `/sessions/{name}`, a call would pass by one rule and run by another."""
    for place, route in enumerate(routes):
        for earlier in routes[:place]:
            clash = (route.methods or set()) & (earlier.methods or set())
            if "{" not in route.path and clash and earlier.path_regex.match(route.path):
                raise UnguardedRoute(f"{route.path} stands behind {earlier.path}")


# --- failures ------------------------------------------------------------------------------


async def _service_error(request: Request, error: Exception) -> Response:
    failure = error if isinstance(error, ServiceError) else ServiceError()
    return error_response(failure, request.scope)


async def _validation_error(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(item["type"] == "json_invalid" for item in found):
        return error_response(BadJson(), request.scope)
    return error_response(validation_failed(found), request.scope)


async def _http_exception(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, ServiceError):
        return error_response(error.__cause__, request.scope)
    status = error.status_code if isinstance(error, HTTPException) else 500
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = BadRequest if 400 <= status < 500 else ServiceError
    failure = kind()
    if isinstance(failure, MethodNotAllowed) and isinstance(error, HTTPException):
        allow = (error.headers or {}).get("Allow", "")
        failure.details = {"allow": [m.strip() for m in allow.split(",") if m.strip()]}
    return error_response(failure, request.scope)


_HANDLERS = {
    ServiceError: _service_error,
    RequestValidationError: _validation_error,
    HTTPException: _http_exception,
}
