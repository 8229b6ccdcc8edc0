"""How a session looks to agents, in lists, on the bus, and to its visitor."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from common.contracts.visitors import without_agent_ids

from session_state.session import Session


def _facts(session: Session) -> dict[str, Any]:
    """What SessionState and SessionSummary share, as plain JSON values."""
    profile, escalation, mail = session.profile, session.escalation, session.mail
    return {
        "session_name": session.name,
        "status": session.status,
        "conversation_id": session.conversation_id,
        "user_profile": {
            "nickname": profile.nickname,
            "email": profile.email,
            "vip": profile.vip,
            "language": profile.language,
            "country": profile.country,
            "currency": profile.currency,
            "customer_id": profile.customer_id,
            "metadata": profile.metadata,
        },
        "escalation": None
        if escalation is None
        else {
            "id": escalation.id,
            "reason": escalation.reason,
            "details": escalation.details,
            "severity": escalation.severity,
            "trigger_at": escalation.trigger_at,
        },
        "assigned_agent": None
        if session.agent is None
        else {"id": session.agent.id, "name": session.agent.name},
        "mail": {
            "sent": mail.sent,
            "email_to": list(mail.email_to),
            "message_id": mail.message_id,
            "sent_at": mail.sent_at,
            "error": mail.error,
        },
        "ai_fail_count": session.ai_fail_count,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "last_manual_end_at": session.last_manual_end_at,
        "version": session.version,
        "unread": session.unread,
        "shop": session.shop,
        "blocked_until": session.blocked_until,
        "ai_answering": session.turn is not None,
    }


def summary(session: Session, *, now: float, with_conversation: bool = False) -> dict[str, Any]:
    """A SessionSummary. Lists and the bus never show the conversation id: it is a credential."""
    facts = _facts(session)
    if not with_conversation:
        facts["conversation_id"] = None
    waiting = session.waiting_since
    facts.update(
        last_message_preview=session.preview,
        last_message_role=session.preview_role,
        last_message_at=session.preview_at,
        waiting_since=waiting,
        waiting_seconds=0.0 if waiting is None else round(max(0.0, now - waiting), 3),
    )
    return facts


def summary_bytes(session: Session, *, now: float) -> bytes:
    """The summary as it goes over the bus."""
    return orjson.dumps(summary(session, now=now))


def for_agent(session: Session, history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A SessionState."""
    rating = session.last_rating
    return {
        **_facts(session),
        "history": list(history),
        "last_rating": None if rating is None else asdict(rating),
    }


def for_visitor(session: Session, history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A VisitorSession: no details, addresses, marks or notes of the team."""
    facts = _facts(session)
    escalation, agent = session.escalation, session.agent
    return {
        "session_name": session.name,
        "status": session.status,
        "conversation_id": session.conversation_id,
        "user_profile": facts["user_profile"],
        "history": [without_agent_ids(message) for message in history],
        "assigned_agent": None if agent is None else {"name": agent.name},
        "escalation": None
        if escalation is None
        else {"reason": escalation.reason, "trigger_at": escalation.trigger_at},
        "mail": {"sent": session.mail.sent},
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "version": session.version,
        "rating": session.rating,
    }


def trail_for(entries: Sequence[dict[str, Any]], *, visitor: bool) -> list[dict[str, Any]]:
    """The audit trail; visitors see neither who acted nor an agent's own words."""
    shown = []
    for entry in entries:
        note = entry.get("note") or ""
        line = {
            "from": entry["from"],
            "to": entry["to"],
            "operator": entry["operator"],
            "reason": f"{entry['reason']}: {note}" if note else entry["reason"],
            "timestamp": entry["timestamp"],
        }
        if visitor:
            del line["operator"]
            line["reason"] = entry["reason"]
        shown.append(line)
    return shown
