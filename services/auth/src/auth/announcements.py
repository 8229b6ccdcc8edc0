"""What the rest of the product is told about an account, as bus events."""

from collections.abc import Mapping, Sequence
from typing import Literal

from common.events import (
    AgentChanged,
    AgentRemoved,
    AgentStatusChanged,
    AuditRecorded,
    Event,
    TokensRevoked,
)

from auth.account import Account

# nobody's name: user names are longer than one character
NOBODY = "-"
# the commit replaces it by the account's own clock
_STAMPED = 0.0


def presence(before: Account, after: Account, *, at: float) -> Sequence[Event]:
    """Nothing where nothing changed."""
    if before.status == after.status:
        return ()
    return (AgentStatusChanged(agent=after.card(), at=at),)


def card_changed(after: Account, *, at: float) -> Event:
    return AgentChanged(agent=after.card(), at=at)


def removed(account: Account, *, at: float) -> Event:
    return AgentRemoved(agent_id=account.id, at=at)


def all_revoked(agent_id: str, reason: str) -> TokensRevoked:
    """Every access token issued before the commit that carries this."""
    return TokensRevoked(agent_id=agent_id, not_before=_STAMPED, reason=reason)


def family_revoked(agent_id: str, family: str, reason: str) -> TokensRevoked:
    """The access tokens of one login."""
    return TokensRevoked(agent_id=agent_id, family=family, not_before=_STAMPED, reason=reason)


def audit(
    action: str,
    *,
    actor: str,
    target: str,
    address: str,
    at: float,
    outcome: Literal["ok", "refused"] = "ok",
    details: Mapping[str, str] | None = None,
) -> AuditRecorded:
    return AuditRecorded(
        actor=actor,
        action=action,
        target=target,
        outcome=outcome,
        address=address,
        at=at,
        details=dict(details or {}),
    )
