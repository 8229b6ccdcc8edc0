"""Every failure chat-proxy can answer with, all declared in `common.errors`; and Coze's, sorted.

MANUAL_IN_PROGRESS, TURN_IN_PROGRESS, SESSION_FORBIDDEN, BUSY …   session-state refused the turn
TURN_LOST        the turn was cut: a new conversation, a shutdown
AI_UNAVAILABLE   Coze failed, after the retries
"""

from collections.abc import Mapping
from typing import Literal

from common.errors import AiUnavailable, ManualInProgress, TurnLost

from chat_proxy.coze.faults import FaultKind

__all__ = ["AiUnavailable", "ManualInProgress", "TurnLost", "failure_reason"]

Reason = Literal[
    "upstream",
    "timeout",
    "truncated",
    "oversized",
    "empty",
    "content",
    "quota",
    "auth",
    "configuration",
    "input",
    "conversation",
    "circuit_open",
]

_REASONS: Mapping[FaultKind, Reason] = {
    FaultKind.DEADLINE: "timeout",
    FaultKind.TRUNCATED: "truncated",
    FaultKind.OVERSIZED: "oversized",
    FaultKind.EMPTY: "empty",
    FaultKind.CONTENT: "content",
    FaultKind.QUOTA: "quota",
    FaultKind.AUTH: "auth",
    FaultKind.PUBLISHING: "configuration",
    FaultKind.INPUT: "input",
    FaultKind.CONTEXT: "conversation",
    FaultKind.CONVERSATION_BUSY: "conversation",
    FaultKind.BREAKER_OPEN: "circuit_open",
}


def failure_reason(kind: FaultKind) -> Reason:
    """The reason in `turn.failed`."""
    return _REASONS.get(kind, "upstream")
