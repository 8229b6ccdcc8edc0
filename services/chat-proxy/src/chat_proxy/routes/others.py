"""Stopping an answer, and the card of who answers."""

from typing import Annotated

from common.app import authorize, ok, plain, wiring
from common.contracts.common import SESSION_NAME_PATTERN
from common.security.caller import Caller
from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from chat_proxy.wiring import Wiring

router = APIRouter()

W = Annotated[Wiring, Depends(wiring)]
Who = Annotated[Caller, Depends(authorize)]
Name = Annotated[str, Path(pattern=SESSION_NAME_PATTERN)]


@router.post("/api/sessions/{name}/stop")
async def stop(name: Name, wired: W, caller: Who) -> Response:
    """Any replica may be asked; the one that runs the turn hears it, here or on the bus."""
    visitor = caller.require_visitor(name)
    if not wired.roster.stop(name, visitor.sid):
        await wired.request_stop(name, visitor.sid)
    return ok({"stopping": True})


@router.get("/api/bot/info")
async def bot_info(wired: W) -> Response:
    return plain({"success": True, "bot": await wired.card.current()})
