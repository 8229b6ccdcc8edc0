"""What the chassis knows about the request at hand; lives in the ASGI scope."""

import re
from collections.abc import MutableMapping
from typing import Any, cast

from common.contracts.common import REQUEST_ID_PATTERN
from common.security.caller import Caller
from common.security.policy import Rule

Scope = MutableMapping[str, Any]

_KEY = "kefu"
_REQUEST_ID = re.compile(REQUEST_ID_PATTERN, re.ASCII)
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", re.ASCII)
# the headers the chassis reads, picked once a request
_WANTED = frozenset(
    (
        b"x-request-id",
        b"traceparent",
        b"accept-language",
        b"authorization",
        b"x-visitor-token",
        b"x-api-key",
        b"x-internal-token",
        b"x-client-address",
        b"x-forwarded-for",
        b"x-shop",
        b"content-length",
        b"content-type",
        b"transfer-encoding",
    )
)


class RequestContext:
    """One request: ids, language, the rule it falls under and, after the guard, its caller."""

    __slots__ = (
        "caller",
        "headers",
        "language",
        "path_params",
        "receive",
        "request_id",
        "route",
        "rule",
        "session_name",
        "started",
        "traceparent",
    )

    def __init__(
        self, headers: dict[bytes, str], *, request_id: str, language: str, started: float
    ) -> None:
        self.headers = headers
        self.request_id = request_id
        self.language = language
        self.started = started
        self.traceparent = headers.get(b"traceparent", "")
        if self.traceparent and not _TRACEPARENT.match(self.traceparent):
            self.traceparent = ""
        self.caller: Caller | None = None
        self.rule: Rule | None = None
        # the template, never the path: it becomes a metric's label
        self.route = "unmatched"
        self.path_params: dict[str, str] = {}
        # as the server gave it: `common.app.connection` finds the socket under it
        self.receive: Any = None
        # set by whoever learns it, so that the access log can name it
        self.session_name = ""


def context(scope: Scope) -> RequestContext:
    """The context the chassis put into every http scope."""
    return cast("RequestContext", scope[_KEY])


def attach(scope: Scope, found: RequestContext) -> None:
    scope[_KEY] = found


def pick_headers(scope: Scope) -> dict[bytes, str]:
    """The headers the chassis reads; of a header sent twice the last counts, save for
    credentials, where both are refused by joining them."""
    picked: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _WANTED:
            text = value.decode("latin-1")
            picked[name] = text if name not in picked else f"{picked[name]},{text}"
    return picked


def valid_request_id(value: str | None) -> str | None:
    """The caller's own id where it fits api.md's pattern."""
    if value and _REQUEST_ID.fullmatch(value):
        return value
    return None


def pick_language(header: str | None, default: str) -> str:
    """`zh` or `en` by Accept-Language, the most wished first; else the default."""
    if not header:
        return default
    wishes: list[tuple[float, str]] = []
    for part in header[:200].split(","):
        tag, _, parameters = part.strip().partition(";")
        wishes.append((-_quality(parameters), tag.strip().lower()))
    for _, tag in sorted(wishes, key=lambda wish: wish[0]):
        if tag.split("-")[0] in ("zh", "en"):
            return tag.split("-")[0]
    return default


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
