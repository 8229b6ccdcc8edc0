"""Consumer groups, declared: nothing on the bus is trimmed while one of them is missing."""

from common.events.agents import AgentChanged, AgentRemoved, AgentStatusChanged
from common.events.base import Event
from common.events.mails import MailFailed, MailRequested, MailSent
from common.events.turns import TurnAnswered, TurnFailed

# group → the events it applies; a group acknowledges and passes over all others
GROUPS: dict[str, tuple[type[Event], ...]] = {
    "session-state": (
        TurnAnswered,
        TurnFailed,
        AgentStatusChanged,
        AgentChanged,
        AgentRemoved,
        MailSent,
        MailFailed,
    ),
    "notifier": (MailRequested,),
}
