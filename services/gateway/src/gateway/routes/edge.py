"""The gateway's place in the chassis: what wraps the app and who forwards."""

from common.app import Edge
from common.app.envelope import AsgiApp

from gateway.addresses import Addresses, networks
from gateway.origins import Origins
from gateway.routes import forwarding
from gateway.settings import GatewaySettings
from gateway.shops import Shops
from gateway.threshold import Threshold


def make_edge(settings: GatewaySettings, shops: Shops) -> Edge:
    """Raises ValueError where a network in the settings is none."""
    addresses = Addresses(networks(settings.trusted_proxies))
    origins = Origins(settings.origin_list(), shops, local_too=not settings.production)
    scrapers = networks(settings.scrape_networks)

    def threshold(app: AsgiApp) -> AsgiApp:
        return Threshold(
            app,
            origins=origins,
            addresses=addresses,
            scrape_networks=scrapers,
            max_headers=settings.max_headers,
            max_header_bytes=settings.max_header_bytes,
            language=settings.default_language,
        )

    return Edge(
        forward=forwarding.forward,
        middleware=[threshold],
        # everything else is the web's files, which answer 404 themselves
        open_prefixes=("/",),
        address_of=addresses.of,
    )
