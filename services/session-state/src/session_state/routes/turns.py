"""The hot path: open a turn. Bare ASGI, one read and one commit of Redis."""

from common.app import Receive, Scope, Send, context, read_json, send_json
from common.contracts.sessions import OpenTurn

from session_state.wiring import Wiring


async def open_turn(scope: Scope, receive: Receive, send: Send) -> None:
    wired: Wiring = scope["app"].state.wiring
    found = context(scope)
    body = await read_json(receive, OpenTurn)
    found.session_name = body.session_name or ""
    ticket = await wired.asks.open(body, traceparent=found.traceparent)
    found.session_name = ticket["session_name"]
    await send_json(send, ticket)
