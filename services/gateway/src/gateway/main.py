"""The gateway: the only public door."""

from functools import partial

from common.app import bare, build_app
from common.clock import Clock, system_clock
from common.settings import load_settings
from fastapi import FastAPI

from gateway.routes import ROUTES
from gateway.routes.edge import make_edge
from gateway.settings import GatewaySettings
from gateway.shops import load_shops
from gateway.wiring import NAME, wire


def create_app(settings: GatewaySettings | None = None, clock: Clock = system_clock) -> FastAPI:
    settings = settings or load_settings(GatewaySettings)
    shops = load_shops(settings.shops)
    return build_app(
        name=NAME,
        settings=settings,
        wire=partial(wire, settings, shops),
        hot=[bare(*route) for route in ROUTES],
        edge=make_edge(settings, shops),
        clock=clock,
    )
