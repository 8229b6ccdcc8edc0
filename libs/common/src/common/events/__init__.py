"""Everything that crosses the bus, declared once: names, versions, payloads, consumer groups."""

from common.events.agents import (
    AgentCard,
    AgentChanged,
    AgentRemoved,
    AgentStatusChanged,
    AuditRecorded,
    TokensRevoked,
)
from common.events.base import Event, decode, encode, registered
from common.events.groups import GROUPS
from common.events.mails import MailFailed, MailRequested, MailSent
from common.events.sessions import (
    HistoryCleared,
    MessageAdded,
    RatingGiven,
    RatingRequested,
    SessionClosed,
    SessionCreated,
    SessionEscalated,
    SessionExpired,
    SessionUpdated,
    StatusChanged,
)
from common.events.turns import TurnAnswered, TurnClosed, TurnFailed, TurnStopRequested

__all__ = [
    "GROUPS",
    "AgentCard",
    "AgentChanged",
    "AgentRemoved",
    "AgentStatusChanged",
    "AuditRecorded",
    "Event",
    "HistoryCleared",
    "MailFailed",
    "MailRequested",
    "MailSent",
    "MessageAdded",
    "RatingGiven",
    "RatingRequested",
    "SessionClosed",
    "SessionCreated",
    "SessionEscalated",
    "SessionExpired",
    "SessionUpdated",
    "StatusChanged",
    "TokensRevoked",
    "TurnAnswered",
    "TurnClosed",
    "TurnFailed",
    "TurnStopRequested",
    "decode",
    "encode",
    "registered",
]
