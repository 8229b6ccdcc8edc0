"""auth: who an agent is, what they may do, and whether they are there."""

from functools import partial

from common.app import build_app
from common.clock import Clock, system_clock
from common.settings import load_settings
from fastapi import FastAPI

from auth.routes import internal, router
from auth.settings import AuthSettings
from auth.wiring import wire


def create_app(settings: AuthSettings | None = None, clock: Clock = system_clock) -> FastAPI:
    settings = settings or load_settings(AuthSettings)
    return build_app(
        name="auth",
        settings=settings,
        wire=partial(wire, settings),
        routers=[router, internal],
        clock=clock,
    )
