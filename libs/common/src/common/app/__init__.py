"""The chassis every service stands on: build_app, guard, envelope, health, drain.

A service in twenty lines. `main.py`:

    def create_app() -> FastAPI:
        settings = load_settings(Settings)
        return build_app(
            name="session-state",
            settings=settings,
            wire=partial(wire, settings),
            routers=[sessions.router, shift.router],
            hot=[bare("POST", Paths.OPEN_TURN, open_turn)],
        )

`__main__.py`:

    if __name__ == "__main__":
        serve(create_app)

`wiring.py`:

    @dataclass(frozen=True)
    class Wiring:
        sessions: Sessions

    @asynccontextmanager
    async def wire(settings: Settings, chassis: Chassis) -> AsyncIterator[Wiring]:
        redis = RedisClient.open(settings.redis_url)
        keys = Keys(settings.redis_tag)
        await redis.check_server(allow_eviction=…, require_persistence=settings.production)
        chassis.add_check("redis", redis.ping)
        chassis.follow(Tail(redis, keys, clock=chassis.clock, replay_seconds=1200))
        chassis.supervise(consumer.run(), "consumer")
        chassis.on_drain(turns.drain)
        yield Wiring(sessions=…)
        await redis.close()

A route; the guard has run before, `caller` only says who passed it:

    W = Annotated[Wiring, Depends(wiring)]
    Who = Annotated[Caller, Depends(authorize)]

    @router.post("/api/manual/cancel")
    async def cancel(body: Cancel, wired: W, caller: Who) -> Response:
        return ok(await wired.desk.do(body.session_name, caller, Cancel()))

A bare ASGI route:

    async def open_turn(scope: Scope, receive: Receive, send: Send) -> None:
        wired: Wiring = scope["app"].state.wiring
        caller = authorize_scope(scope)
        body = await read_json(receive, OpenTurn)
        await send_json(send, await wired.turns.open(body))

Any ServiceError raised anywhere becomes the envelope. `context(scope)` has the request id, the
language and the path parameters; set its `session_name` to have it in the access log.
"""

from common.app.body import loads, parse_json, read_body, read_json
from common.app.build import (
    Edge,
    UnguardedRoute,
    authorize,
    authorize_scope,
    bare,
    build_app,
    wiring,
)
from common.app.chassis import Chassis
from common.app.context import RequestContext, Scope, context
from common.app.envelope import AsgiApp, Receive, Send, ok, plain, send_error, send_json
from common.app.serve import serve

__all__ = [
    "AsgiApp",
    "Chassis",
    "Edge",
    "Receive",
    "RequestContext",
    "Scope",
    "Send",
    "UnguardedRoute",
    "authorize",
    "authorize_scope",
    "bare",
    "build_app",
    "context",
    "loads",
    "ok",
    "parse_json",
    "plain",
    "read_body",
    "read_json",
    "send_error",
    "send_json",
    "serve",
    "wiring",
]
