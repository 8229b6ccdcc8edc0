"""Decisions about the AI's turns: asked, answered, failed, given a conversation."""

from dataclasses import replace
from typing import Literal

from common.errors import ManualInProgress, SessionBlocked, TurnInProgress, TurnLost
from common.events.sessions import HistoryCleared, SessionUpdated
from common.events.turns import TurnClosed

from session_state.commands import Answer, Ask, Bind, Fail, Renew, Rule
from session_state.decision import LEASE, Context, Decision, unchanged
from session_state.draft import Draft
from session_state.people import add_message, forget_episode
from session_state.session import Session, Turn

Outcome = Literal["stored", "fenced", "failed", "escalated", "lost"]

# failures of ours, not of the question: the visitor is told to ask again
_ASK_AGAIN = frozenset({"lost", "drained"})


def ask(session: Session, command: Ask, context: Context) -> Decision:
    """Open a turn: the question is logged; a rule that matched escalates and spends no AI call."""
    refuse_if_silenced(session, context.now)
    if session.turn is not None:
        raise TurnInProgress(turn_id=session.turn.turn_id)
    draft = Draft(session, context)
    if session.status == "closed":
        forget_episode(draft)
        draft.move("bot_active", "new_episode")
    if command.language and command.language != session.language:
        draft.change(profile=replace(session.profile, language=command.language))
    turn_id, message_id = context.new_id(), context.new_id()
    question_id = command.question_id or context.new_id()
    if command.question_id is None:
        add_message(
            draft,
            command.content,
            message_id=question_id,
            client_message_id=command.client_message_id,
            turn_id=turn_id,
        )
    if command.client_message_id:
        draft.ids[f"k:u:{command.client_message_id}"] = " ".join(
            (question_id, f"{context.now:.3f}", turn_id, message_id)
        )
    draft.result.update(turn_id=turn_id, message_id=message_id)
    rule = command.rule if context.ai_enabled else command.rule or Rule("manual", "ai_disabled")
    if rule is not None and _speaks(draft, rule):
        _give_notice(draft, rule, message_id)
    else:
        turn = Turn(
            turn_id, message_id, draft.session.epoch, question_id, command.client_message_id
        )
        draft.change(turn=turn)
        draft.timers[LEASE] = context.now + context.limits.lease_seconds
        draft.result["verdict"] = "answer"
    draft.count("turns")
    return draft.finish(by_visitor=True)


def _speaks(draft: Draft, rule: Rule) -> bool:
    """Out of hours the request is open already: only a further call for a person, or an AI that
    is switched off, is answered by the notice; the other rules have had their effect."""
    if draft.session.status != "after_hours_email":
        return True
    return rule.reason in ("keyword", "manual")


def _give_notice(draft: Draft, rule: Rule, message_id: str) -> None:
    fired = draft.session.fired
    if rule.reason not in fired:
        draft.change(fired=(*fired, rule.reason))
    if draft.session.status == "bot_active":
        text = draft.escalate(
            rule.reason, details=rule.details, severity=rule.severity, message_id=message_id
        )
    elif draft.context.in_shift:
        draft.move("pending_manual", rule.reason)
        text = draft.notice("waiting", message_id=message_id)
    else:
        text = draft.notice("after_hours", message_id=message_id)
    draft.result.update(verdict="notice", notice=text, reason=rule.reason)


def refuse_if_silenced(session: Session, now: float) -> None:
    """The AI may speak in bot_active and after_hours_email; closed reopens."""
    if session.blocked(now):
        raise SessionBlocked(until=session.blocked_until)
    if session.status in ("pending_manual", "manual_live"):
        raise ManualInProgress(status=session.status)


def answer(session: Session, command: Answer, context: Context) -> Decision:
    """Store the answer if the epoch still fits; afterwards the failure rules apply."""
    stale = _stale(session, command.turn_id, command.epoch)
    if stale is not None:
        return unchanged(session, outcome=stale)
    draft = Draft(session, context)
    _close_turn(draft)
    if command.content:
        draft.say(
            "assistant",
            command.content,
            message_id=command.message_id,
            turn_id=command.turn_id,
            suggestions=list(command.suggestions) or None,
            stopped=True if command.stopped else None,
        )
    draft.count("answers")
    notice = None
    if command.failure:
        notice = _count_failure(draft)
    elif not command.stopped:
        draft.change(ai_fail_count=0)
    return _closed(draft, command.turn_id, "stored", notice=notice)


def fail(session: Session, command: Fail, context: Context) -> Decision:
    """Close the turn without an answer; the third failure in a row calls a person."""
    stale = _stale(session, command.turn_id, command.epoch)
    if stale is not None:
        return unchanged(session, outcome=stale)
    draft = Draft(session, context)
    _close_turn(draft)
    draft.count("failures" if command.counted else "broken_turns")
    notice = _count_failure(draft) if command.counted else None
    if command.reason in _ASK_AGAIN and notice is None:
        notice = draft.notice("lost")
    outcome: Outcome = "lost" if command.lost else "failed"
    return _closed(draft, command.turn_id, outcome, notice=notice, reason=command.reason)


def _stale(session: Session, turn_id: str, epoch: int) -> Outcome | None:
    if session.epoch != epoch:
        return "fenced"
    if session.turn is None or session.turn.turn_id != turn_id:
        return "lost"
    return None


def _close_turn(draft: Draft) -> None:
    draft.change(turn=None)
    draft.disarmed.add(LEASE)


def _count_failure(draft: Draft) -> str | None:
    session = draft.session
    failures = session.ai_fail_count + 1
    draft.change(ai_fail_count=failures)
    enough = failures >= draft.context.limits.fail_threshold
    if not enough or session.status != "bot_active" or "fail_loop" in session.fired:
        return None
    draft.change(fired=(*session.fired, "fail_loop"))
    return draft.escalate("fail_loop", details=f"{failures} failures in a row")


def _closed(
    draft: Draft,
    turn_id: str,
    outcome: Outcome,
    *,
    notice: str | None,
    reason: str | None = None,
) -> Decision:
    if draft.steps:
        outcome = "escalated"
    draft.events.append(
        TurnClosed(
            session_name=draft.session.name,
            turn_id=turn_id,
            outcome=outcome,
            status=draft.session.status,
            reason=reason,
            notice=notice,
            timestamp=draft.context.now,
        )
    )
    draft.result["outcome"] = outcome
    return draft.finish()


def bind(session: Session, command: Bind, context: Context) -> Decision:
    """Give the running turn's session its conversation, unless it has one."""
    if _stale(session, command.turn_id, command.epoch) is not None:
        raise TurnLost(status=session.status)
    if session.conversation_id not in (None, command.instead_of):
        return unchanged(session, conversation_id=session.conversation_id)
    draft = Draft(session, context)
    draft.change(conversation_id=command.conversation_id)
    draft.events.append(SessionUpdated(what="conversation"))
    draft.result["conversation_id"] = command.conversation_id
    return draft.finish()


def renew(session: Session, command: Renew, context: Context) -> Decision:
    """A new conversation: a new context, so what the AI still says in the old one is fenced."""
    refuse_if_silenced(session, context.now)
    draft = Draft(session, context)
    _close_turn(draft)
    draft.change(
        conversation_id=command.conversation_id,
        epoch=session.epoch + 1,
        ai_fail_count=0,
    )
    if command.clear:
        seq = draft.log(HistoryCleared(timestamp=context.now))
        # the entry itself stays visible: it tells the visitor's other tabs
        draft.change(visible_from=seq - 1, read_by_visitor=seq, preview="", preview_role=None)
    else:
        draft.events.append(SessionUpdated(what="conversation"))
    return draft.finish(by_visitor=True)
