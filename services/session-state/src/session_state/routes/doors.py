"""What every route takes: the wiring and who calls; and the headers of a session made anew."""

from typing import Annotated

from common.app import authorize, context, wiring
from common.contracts.common import SESSION_NAME_PATTERN, Headers
from common.security.caller import Caller
from fastapi import Depends, Path, Request

from session_state.session import Session
from session_state.wiring import Wiring

W = Annotated[Wiring, Depends(wiring)]
Who = Annotated[Caller, Depends(authorize)]
Name = Annotated[str, Path(pattern=SESSION_NAME_PATTERN)]


def trace(request: Request, session_name: str) -> str:
    """Names the session in the access log and answers the caller's traceparent."""
    found = context(request.scope)
    found.session_name = session_name
    return found.traceparent


def token_headers(session: Session) -> dict[str, str]:
    """What the gateway signs a visitor token from."""
    return {
        Headers.SESSION_NAME: session.name,
        Headers.SESSION_SID: session.sid,
        Headers.SESSION_VIP: "1" if session.profile.vip else "0",
    }
