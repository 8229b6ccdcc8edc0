"""The refresh token in the workbench's browser: out of reach for scripts and for other sites."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

NAME = "kefu_refresh"
# only these routes ever see it: login sets it, refresh renews it, logout clears it
_PATH = "/api/agent"


def set_cookie(response: Response, token: str, *, max_age_seconds: int, secure: bool) -> None:
    response.set_cookie(
        NAME,
        token,
        max_age=max_age_seconds,
        path=_PATH,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response, *, secure: bool) -> None:
    response.delete_cookie(NAME, path=_PATH, secure=secure, httponly=True, samesite="strict")


def read_cookie(request: Request, origins: frozenset[str]) -> str | None:
    """The cookie, where the page that sent it is one of ours: SameSite is the browser's promise,
    this is ours."""
    if not _from_our_page(request.headers, origins):
        return None
    return request.cookies.get(NAME)


def _from_our_page(headers: Mapping[str, str], origins: frozenset[str]) -> bool:
    # browsers set it themselves, no page can; it is missing over plain http
    if headers.get("sec-fetch-site") == "same-origin":
        return True
    return headers.get("origin") in origins
