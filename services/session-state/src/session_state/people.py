"""Decisions about people: asking for one, waiting, being served, and the end of it."""

from dataclasses import replace

from common.errors import (
    AgentOffline,
    AlreadyTaken,
    InvalidStatus,
    ManualInProgress,
    NotAssigned,
    SessionBlocked,
    ValidationFailed,
)
from common.events.sessions import RatingRequested, SessionClosed, SessionUpdated, Status

from session_state.commands import (
    Actor,
    Cancel,
    Close,
    Escalate,
    Release,
    Requeue,
    Say,
    Takeover,
    Transfer,
)
from session_state.decision import Context, Decision, unchanged
from session_state.draft import Draft
from session_state.session import Mail, Session

# an escalation makes its letter and at most this many follow-ups
MAX_LETTERS = 4
# rules that stay fired when the request is over but the episode is not
_ONCE_AN_EPISODE = ("vip",)


def forget_episode(draft: Draft) -> None:
    """A closed session comes back: the AI and the rules do not see the old request."""
    draft.change(fired=(), ai_fail_count=0, escalation=None, mail=Mail(), unread=0)


def add_message(
    draft: Draft,
    content: str,
    *,
    message_id: str,
    client_message_id: str | None = None,
    turn_id: str | None = None,
) -> None:
    """The visitor's own words."""
    session = draft.session
    draft.say(
        "user",
        content,
        message_id=message_id,
        client_message_id=client_message_id,
        turn_id=turn_id,
    )
    draft.change(unread=session.unread + 1, user_messages=session.user_messages + 1)
    draft.count("messages_user")


def escalate(session: Session, command: Escalate, context: Context) -> Decision:
    """A person is asked for. Waiting already: what is new is added, no second escalation."""
    if session.status == "manual_live":
        raise ManualInProgress(status=session.status)
    if command.actor is None and session.blocked(context.now):
        raise SessionBlocked(until=session.blocked_until)
    draft = Draft(session, context)
    if session.status == "closed":
        forget_episode(draft)
    elif _is_said(session, command.message):
        command = replace(command, message=None)
    if command.message:
        add_message(draft, command.message, message_id=context.new_id())
    by_visitor = command.actor is None
    if session.status in ("bot_active", "closed"):
        draft.escalate(
            "manual",
            details=command.details,
            operator=command.actor.id if command.actor else None,
            message=command.message,
            email=command.email,
        )
        return draft.finish(by_visitor=by_visitor)
    back = session.status == "after_hours_email" and context.in_shift
    if not (back or command.message or command.email):
        return unchanged(session)
    _add_to_open(draft, command)
    if back:
        draft.move("pending_manual", "manual", operator=_id(command.actor))
        draft.notice("waiting")
    elif not draft.entries:
        draft.events.append(SessionUpdated(what="escalation"))
    return draft.finish(by_visitor=by_visitor)


def _is_said(session: Session, message: str | None) -> bool:
    """The same words about the same request are a retry: escalating has no idempotency key."""
    escalation = session.escalation
    if escalation is None or message is None:
        return False
    return message in (escalation.message, *escalation.additions)


def _id(actor: Actor | None) -> str | None:
    return actor.id if actor else None


def _add_to_open(draft: Draft, command: Escalate) -> None:
    """Into the next letter: at once when the last one is out, else when the notifier reports."""
    escalation = draft.session.escalation
    if escalation is None:
        return
    news = command.message or ""
    is_new = bool(command.message) or (command.email or escalation.email) != escalation.email
    draft.change(escalation=replace(escalation, email=command.email or escalation.email))
    draft.arm_abandon()
    if not is_new or escalation.letters == 0 or escalation.letters >= MAX_LETTERS:
        return
    if escalation.settled < escalation.letters:
        opened = draft.session.escalation
        if opened is not None:
            draft.change(escalation=replace(opened, additions=(*opened.additions, news)))
    else:
        draft.follow_up(news or None)


def cancel(session: Session, command: Cancel, context: Context) -> Decision:  # noqa: ARG001
    """The visitor stops waiting, in either waiting state."""
    _require(session, "pending_manual", "after_hours_email")
    draft = Draft(session, context)
    draft.move("bot_active", "cancelled")
    _hand_back(draft)
    draft.notice("cancelled")
    return draft.finish(by_visitor=True)


def say(session: Session, command: Say, context: Context) -> Decision:
    """A message by hand."""
    draft = Draft(session, context)
    message_id, actor = context.new_id(), command.actor
    if actor is None:
        if session.blocked(context.now):
            raise SessionBlocked(until=session.blocked_until)
        _require(session, "pending_manual", "manual_live")
        add_message(
            draft,
            command.content,
            message_id=message_id,
            client_message_id=command.client_message_id,
        )
    else:
        _require(session, "manual_live")
        _require_holder(session, actor)
        seq = draft.say(
            "agent",
            command.content,
            message_id=message_id,
            client_message_id=command.client_message_id,
            agent_id=actor.id,
            agent_name=actor.name,
        )
        # who answers has read
        draft.change(unread=0, read_by_agent=seq)
        draft.count("messages_agent")
        draft.count(f"agent:{actor.id}:messages")
    if command.client_message_id:
        scope = f"a:{actor.id}" if actor else "u"
        draft.ids[f"k:{scope}:{command.client_message_id}"] = f"{message_id} {context.now:.3f}"
    draft.result.update(message_id=message_id, timestamp=context.now)
    return draft.finish(by_visitor=actor is None)


def takeover(session: Session, command: Takeover, context: Context) -> Decision:
    """Exactly one agent serves; the commit decides a race and the agent's capacity."""
    actor, holder = command.actor, session.agent
    if session.status == "manual_live" and holder is not None:
        if holder.id == actor.id:
            return unchanged(session)
        raise AlreadyTaken(agent_name=holder.name, status=session.status)
    _require(session, "pending_manual", "after_hours_email")
    draft = Draft(session, context)
    draft.move("manual_live", "takeover", operator=actor.id, note=command.reason, agent=actor)
    draft.change(rating="none", served_by=actor.name)
    draft.notice("takeover", agent=actor.name)
    draft.count("takeovers")
    draft.count(f"agent:{actor.id}:takeovers")
    return draft.finish()


def transfer(session: Session, command: Transfer, context: Context) -> Decision:
    """To another agent, who is online and, says the commit, has room."""
    _require(session, "manual_live")
    _require_holder(session, command.actor)
    to = command.to
    if session.agent is not None and session.agent.id == to.id:
        why = "serves this conversation already"
        raise ValidationFailed(
            fields=[{"field": "to_agent_id", "rule": "other_agent", "message": why}]
        )
    if not command.online:
        raise AgentOffline(agent_name=to.name)
    draft = Draft(session, context)
    draft.move("manual_live", "transfer", operator=command.actor.id, note=command.reason, agent=to)
    draft.change(served_by=to.name)
    draft.notice("transfer", agent=to.name)
    draft.count("transfers")
    return draft.finish()


def release(session: Session, command: Release, context: Context) -> Decision:
    """Back to the AI. Any agent may settle a request that waits for opening time."""
    _require(session, "manual_live", "after_hours_email")
    served = session.status == "manual_live"
    if served:
        _require_holder(session, command.actor)
    draft = Draft(session, context)
    reason = "release" if served else "settled"
    draft.move("bot_active", reason, operator=command.actor.id, note=command.reason)
    _hand_back(draft)
    draft.notice("released" if served else "settled")
    if served:
        _ask_for_rating(draft)
    return draft.finish()


def _hand_back(draft: Draft) -> None:
    """The request is over within the same episode: a visitor who asks again gets a person again,
    three further failures call one again, but a VIP is not escalated for being one twice."""
    fired = tuple(rule for rule in draft.session.fired if rule in _ONCE_AN_EPISODE)
    draft.change(escalation=None, ai_fail_count=0, fired=fired)


def requeue(session: Session, command: Requeue, context: Context) -> Decision:
    """Back to the queue at the place of the first request, ahead of newer ones."""
    actor = command.actor
    if actor is None and (session.agent is None or session.agent.id != command.absent):
        return unchanged(session)
    _require(session, "manual_live")
    if actor is not None:
        _require_holder(session, actor)
    draft = Draft(session, context)
    reason = "requeue" if actor else "agent_offline"
    draft.move("pending_manual", reason, operator=_id(actor), note=command.reason)
    draft.notice("requeue")
    if context.in_shift and not context.anybody:
        draft.letter("nobody_online")
    draft.count("requeues")
    return draft.finish()


def close(session: Session, command: Close, context: Context) -> Decision:
    """The conversation is over; the visitor's next message is a new episode."""
    _require(session, "manual_live")
    _require_holder(session, command.actor)
    draft = Draft(session, context)
    draft.move("closed", "closed", operator=command.actor.id, note=command.reason)
    draft.notice("closed")
    end(draft, "closed")
    _ask_for_rating(draft)
    return draft.finish()


def end(draft: Draft, reason: str) -> None:
    """What every way into `closed` does; a new episode gets a new conversation."""
    draft.change(conversation_id=None)
    draft.log(SessionClosed(reason=reason, timestamp=draft.context.now))
    draft.count(reason)


def _ask_for_rating(draft: Draft) -> None:
    session = draft.session
    if session.rating == "given":
        return
    draft.change(rating="open")
    draft.log(RatingRequested(timestamp=draft.context.now, agent_name=session.served_by))


def _require(session: Session, *statuses: Status) -> None:
    if session.status not in statuses:
        raise InvalidStatus(status=session.status)


def _require_holder(session: Session, actor: Actor) -> None:
    if not actor.leads and (session.agent is None or session.agent.id != actor.id):
        raise NotAssigned(agent_name=session.agent.name if session.agent else None)
