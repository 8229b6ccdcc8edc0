"""Everything another service owns."""

from common.app import Receive, Scope, Send

from gateway.wiring import Wiring


async def forward(scope: Scope, receive: Receive, send: Send) -> None:
    wired: Wiring = scope["app"].state.wiring
    await wired.proxy.forward(scope, receive, send)
