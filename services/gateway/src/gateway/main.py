"""The gateway: the only public door."""

from functools import partial

from common.app import Edge, bare, build_app
from common.app.envelope import AsgiApp
from common.clock import Clock, system_clock
from common.settings import load_settings
from fastapi import FastAPI

from gateway.addresses import Addresses, networks
from gateway.origins import Origins
from gateway.routes import ROUTES, files, forwarding
from gateway.settings import GatewaySettings
from gateway.shops import load_shops
from gateway.threshold import Threshold
from gateway.wiring import NAME, wire


def create_app(settings: GatewaySettings | None = None, clock: Clock = system_clock) -> FastAPI:
    settings = settings or load_settings(GatewaySettings)
    shops = load_shops(settings.shops)
    addresses = Addresses(networks(settings.trusted_proxies))
    origins = Origins(settings.origin_list(), shops, local_too=not settings.production)

    def threshold(app: AsgiApp) -> AsgiApp:
        return Threshold(
            app,
            origins=origins,
            addresses=addresses,
            scrape_networks=networks(settings.scrape_networks),
            max_headers=settings.max_headers,
            max_header_bytes=settings.max_header_bytes,
            language=settings.default_language,
        )

    return build_app(
        name=NAME,
        settings=settings,
        wire=partial(wire, settings, shops),
        hot=[*(bare(*route) for route in ROUTES), bare("GET", "/{path:path}", files.serve_file)],
        edge=Edge(
            forward=forwarding.forward,
            middleware=[threshold],
            open_prefixes=("/",),
            address_of=addresses.of,
        ),
        clock=clock,
    )
