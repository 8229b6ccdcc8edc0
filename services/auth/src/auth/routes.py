"""auth's endpoints: api.md "Agents", and what other services ask."""

from typing import Annotated

from common.app import authorize, ok, plain, wiring
from common.contracts.auth import (
    AgentPage,
    AgentsSeen,
    AgentUpdate,
    ChangePassword,
    Login,
    NewAgent,
    Paths,
    PresenceAnswer,
    ProfileUpdate,
    Refresh,
    ResetAnswer,
    ResetPassword,
    SessionAnswer,
    StatusUpdate,
    Username,
    VerifyKey,
)
from common.errors import Unauthenticated
from common.security.caller import Caller
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from auth.account import Account
from auth.agents import Actor
from auth.cookies import clear_cookie, read_cookie, set_cookie
from auth.logins import Session
from auth.policy import permissions
from auth.wiring import Wiring

W = Annotated[Wiring, Depends(wiring)]
Who = Annotated[Caller, Depends(authorize)]
Name = Annotated[Username, Path()]

router = APIRouter()
internal = APIRouter()


# --- logins --------------------------------------------------------------------------------
@router.post("/api/agent/login")
async def login(body: Login, wired: W, caller: Who) -> Response:
    session = await wired.logins.login(body, address=caller.address)
    return _session(wired, session, refresh_token=session.refresh_token)


@router.post("/api/agent/refresh")
async def refresh(request: Request, wired: W, caller: Who, body: Refresh | None = None) -> Response:
    """The token comes in the body or, from our own pages, in the cookie. Where it came in the
    cookie the successor goes into the cookie only: scripts never get to see it."""
    sent = body.refresh_token if body else None
    token = sent or read_cookie(request, wired.settings.origins)
    if not token:
        raise Unauthenticated
    session = await wired.logins.refresh(token, address=caller.address)
    return _session(wired, session, refresh_token=session.refresh_token if sent else None)


@router.post("/api/agent/logout")
async def logout(wired: W, caller: Who) -> Response:
    await wired.logins.logout(caller.require_agent(), address=caller.address)
    response = ok({})
    clear_cookie(response, secure=wired.settings.secure_cookie)
    return response


def _session(wired: Wiring, session: Session, *, refresh_token: str | None) -> Response:
    answer = SessionAnswer(
        token=session.token,
        refresh_token=refresh_token,
        expires_in=session.expires_in,
        permissions=permissions(session.account.role),
        agent=session.account.public(),
    )
    body = answer.model_dump(exclude=set() if refresh_token else {"refresh_token"})
    response = plain(body)
    set_cookie(
        response,
        session.refresh_token,
        max_age_seconds=wired.settings.refresh_token_seconds,
        secure=wired.settings.secure_cookie,
    )
    return response


# --- one's own account -----------------------------------------------------------------------
@router.get("/api/agent/profile")
async def profile(wired: W, caller: Who) -> Response:
    return _agent(await wired.agents.profile(caller.require_agent()))


@router.put("/api/agent/profile")
async def update_profile(body: ProfileUpdate, wired: W, caller: Who) -> Response:
    return _agent(await wired.agents.update_profile(caller.require_agent(), body))


@router.post("/api/agent/change-password")
async def change_password(body: ChangePassword, wired: W, caller: Who) -> Response:
    await wired.agents.change_password(caller.require_agent(), body, _actor(caller))
    return ok({})


@router.put("/api/agent/status")
async def set_status(body: StatusUpdate, wired: W, caller: Who) -> Response:
    return _agent(await wired.agents.set_status(caller.require_agent(), body.status))


@router.post("/api/agent/status/heartbeat")
async def heartbeat(wired: W, caller: Who) -> Response:
    claims = caller.require_agent()
    await wired.attendance.heard([claims.sub])
    return ok(PresenceAnswer(status=(await wired.agents.profile(claims)).status))


# --- accounts, by admins ---------------------------------------------------------------------
@router.get("/api/agents")
async def list_agents(
    wired: W,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    accounts, total = await wired.agents.page(limit=limit, offset=offset)
    page = AgentPage(
        agents=[account.public() for account in accounts],
        total=total,
        limit=limit,
        offset=offset,
        has_more=offset + len(accounts) < total,
    )
    return ok(page.model_dump())


@router.post("/api/agents")
async def create_agent(body: NewAgent, wired: W, caller: Who) -> Response:
    return _agent(await wired.agents.create(body, _actor(caller)), status=201)


@router.put("/api/agents/{username}")
async def update_agent(username: Name, body: AgentUpdate, wired: W, caller: Who) -> Response:
    return _agent(await wired.agents.update(username, body, _actor(caller)))


@router.delete("/api/agents/{username}")
async def deactivate_agent(username: Name, wired: W, caller: Who) -> Response:
    await wired.agents.deactivate(username, _actor(caller))
    return ok({})


@router.post("/api/agents/{username}/reset-password")
async def reset_password(
    username: Name, wired: W, caller: Who, body: ResetPassword | None = None
) -> Response:
    wish = body.new_password if body else None
    return ok(
        ResetAnswer(password=await wired.agents.reset_password(username, wish, _actor(caller)))
    )


def _agent(account: Account, *, status: int = 200) -> Response:
    """All of its fields, those without a value too: api.md names them."""
    return ok(account.public().model_dump(), status=status)


def _actor(caller: Caller) -> Actor:
    return Actor(name=caller.require_agent().username, address=caller.address)


# --- other services ----------------------------------------------------------------------------
@internal.post(Paths.AGENTS_SEEN)
async def agents_seen(body: AgentsSeen, wired: W) -> Response:
    await wired.attendance.heard(body.agent_ids)
    return plain({})


@internal.post(Paths.VERIFY_KEY)
async def verify_key(body: VerifyKey, wired: W) -> Response:
    return plain(await wired.api_keys.verify(body.key))
