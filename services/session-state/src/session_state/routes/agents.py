"""Which colleagues could take over a conversation."""

from common.app import ok
from fastapi import APIRouter
from starlette.responses import Response

from session_state.routes.doors import W, Who

router = APIRouter(prefix="/api/agents")


@router.get("/available")
async def available(wired: W, caller: Who) -> Response:
    me = caller.require_agent().sub
    served = await wired.sessions.roster.available(but=me)
    return ok(
        {
            "agents": [
                {
                    "id": agent.card.id,
                    "username": agent.card.username,
                    "name": agent.card.name,
                    "role": agent.card.role,
                    "status": agent.card.status,
                    "max_sessions": agent.card.max_sessions,
                    "active_sessions": agent.held,
                }
                for agent in served
            ]
        }
    )
