"""Random identifiers; all of them are unguessable and safe in URLs, headers and Redis keys."""

import secrets
from collections.abc import Callable

NewId = Callable[[], str]


def new_id() -> str:
    """An event, message, turn or request id: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def new_sid() -> str:
    """The secret part of a session: 128 random bits, 22 url-safe characters."""
    return secrets.token_urlsafe(16)


def new_session_name() -> str:
    """A name for a session that came without one: 128 random bits."""
    return "s_" + secrets.token_urlsafe(16)
