"""What can go wrong at Coze, sorted by what there is to do about it (`coze.md` §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """One name for each remedy; the value is the metric's and the log's label."""

    INPUT = "input"
    CONTEXT = "context"  # the conversation is unusable: a new one, once
    AUTH = "auth"
    BUSY = "busy"
    QUOTA = "quota"
    CONVERSATION_BUSY = "conversation_busy"
    SERVER = "server"
    CONTENT = "content"
    PUBLISHING = "publishing"
    TRUNCATED = "truncated"
    OVERSIZED = "oversized"
    GARBAGE = "garbage"
    EMPTY = "empty"
    DEADLINE = "deadline"
    UNREACHABLE = "unreachable"
    BREAKER_OPEN = "breaker_open"


RETRIED = frozenset(
    {
        FaultKind.BUSY,
        FaultKind.CONVERSATION_BUSY,
        FaultKind.SERVER,
        FaultKind.TRUNCATED,
        FaultKind.DEADLINE,
        FaultKind.UNREACHABLE,
    }
)
"""Worth a further attempt, as long as the visitor has seen nothing yet."""

ALARMED = frozenset({FaultKind.QUOTA, FaultKind.PUBLISHING, FaultKind.AUTH})
"""No attempt helps: a person must act, so these are logged as errors."""

SICK = frozenset(
    {
        FaultKind.SERVER,
        FaultKind.TRUNCATED,
        FaultKind.OVERSIZED,
        FaultKind.GARBAGE,
        FaultKind.DEADLINE,
        FaultKind.UNREACHABLE,
    }
)
"""Says that Coze itself is unwell: what the circuit breaker counts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed call. `detail` is upstream's text: for logs, never for people."""

    kind: FaultKind
    code: int | None = None
    detail: str = ""
    logid: str = ""

    def with_logid(self, logid: str) -> "Fault":
        """The same fault, findable by Coze's support."""
        return replace(self, logid=self.logid or logid)


class CozeError(Exception):
    """A call to Coze that brought no result; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.kind} code={fault.code} logid={fault.logid}")
        self.fault = fault


_CODES: Mapping[int, FaultKind] = {
    **dict.fromkeys((4001, 4002), FaultKind.CONTEXT),
    **dict.fromkeys(
        (4000, *range(4003, 4008), 4010, 4012, 4014, *range(4300, 4305)), FaultKind.INPUT
    ),
    **dict.fromkeys((4100, 4101, 700012006, 700012014), FaultKind.AUTH),
    **dict.fromkeys((4009, 4013, 4020), FaultKind.BUSY),
    **dict.fromkeys((4008, 4011, 4019, 4022), FaultKind.QUOTA),
    4016: FaultKind.CONVERSATION_BUSY,
    5000: FaultKind.SERVER,
    **dict.fromkeys((4102, 4105), FaultKind.CONTENT),
    **dict.fromkeys((4015, 4021, 4200), FaultKind.PUBLISHING),
}

_STATUSES: Mapping[int, FaultKind] = {
    401: FaultKind.AUTH,
    403: FaultKind.AUTH,
    408: FaultKind.SERVER,
    429: FaultKind.BUSY,
}

_DETAIL_CHARS = 300  # a log line, not an archive


def code_of(value: object) -> int | None:
    """Coze sends codes as numbers and as strings; anything else is no code."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and len(value) <= 12 and value.isascii() and value.isdigit():
        return int(value)
    return None


def fault_of(body: Mapping[str, Any], *, status: int = 200, logid: str = "") -> Fault:
    """Reads `{code, msg}`, `{error_code, error_message}` and the bare status, in that order."""
    code = code_of(body.get("code"))
    detail = body.get("msg") or body.get("error_message") or body.get("message") or ""
    own = body.get("detail")
    if not logid and isinstance(own, dict):
        logid = str(own.get("logid", ""))
    return Fault(_kind(code, status), code, str(detail)[:_DETAIL_CHARS], logid[:64])


def _kind(code: int | None, status: int) -> FaultKind:
    if code is not None and code in _CODES:
        return _CODES[code]
    if status in _STATUSES:
        return _STATUSES[status]
    if 300 <= status < 400:
        return FaultKind.GARBAGE
    if 400 <= status < 500:
        return FaultKind.INPUT
    # Unknown codes come from a node of the workflow that failed: as good as a server error.
    return FaultKind.SERVER
