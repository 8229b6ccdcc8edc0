"""Every failure session-state answers with; their words and codes stand in `common.errors`."""

from common.errors import (
    AgentAtCapacity,
    AgentOffline,
    AlreadyRated,
    AlreadyTaken,
    Busy,
    Conflict,
    InvalidStatus,
    ManualInProgress,
    NotAssigned,
    NotFound,
    SessionBlocked,
    SessionForbidden,
    StateUnavailable,
    TurnInProgress,
    TurnLost,
    ValidationFailed,
)

__all__ = [
    "AgentAtCapacity",
    "AgentOffline",
    "AlreadyRated",
    "AlreadyTaken",
    "Busy",
    "Conflict",
    "InvalidStatus",
    "ManualInProgress",
    "NotAssigned",
    "NotFound",
    "SessionBlocked",
    "SessionForbidden",
    "StateUnavailable",
    "TurnInProgress",
    "TurnLost",
    "ValidationFailed",
]
