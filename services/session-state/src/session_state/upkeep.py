"""Decisions that time makes, and those that change facts but no state."""

from dataclasses import replace

from common.errors import AlreadyRated, InvalidStatus
from common.events.mails import MailRequested
from common.events.sessions import RatingGiven, SessionUpdated

from session_state.commands import (
    Abandon,
    Block,
    EndShift,
    Identify,
    MarkRead,
    Rate,
    RecordMail,
    Reopen,
    SendTranscript,
    WaitTooLong,
)
from session_state.decision import (
    ABANDON,
    LEASE,
    OPENING,
    SHIFT_END,
    WAIT,
    Context,
    Decision,
    unchanged,
)
from session_state.draft import Draft
from session_state.people import MAX_LETTERS, end
from session_state.session import GivenRating, Session

# what only the shop's server may say of a visitor


# --- time ------------------------------------------------------------------------------------
def wait_too_long(session: Session, command: WaitTooLong, context: Context) -> Decision:  # noqa: ARG001
    """Nobody came: the team gets a mail, the visitor the AI back; agents may still take it."""
    if session.status != "pending_manual" or session.waiting_since is None:
        return unchanged(session)
    if not context.in_shift:
        return end_shift(session, EndShift(), context)
    due = session.waiting_since + context.limits.wait_timeout_seconds
    if context.now < due:
        return unchanged(session, timers={WAIT: due})
    return _to_mail(session, context, reason="wait_timeout", cause="waiting_too_long")


def end_shift(session: Session, command: EndShift, context: Context) -> Decision:  # noqa: ARG001
    """The shift ended while the visitor waits."""
    if session.status != "pending_manual":
        return unchanged(session)
    if context.in_shift:
        ends = context.shift_ends_at
        return unchanged(session, timers={SHIFT_END: ends} if ends is not None else None)
    return _to_mail(session, context, reason="shift_ended", cause="shift_ended")


def _to_mail(session: Session, context: Context, *, reason: str, cause: str) -> Decision:
    draft = Draft(session, context)
    if session.escalation is not None:
        draft.change(escalation=replace(session.escalation, was_after_hours=True))
    draft.move("after_hours_email", reason)
    draft.letter(cause)
    draft.notice("waited_too_long" if cause == "waiting_too_long" else "shift_ended")
    draft.count(reason)
    return draft.finish()


def abandon(session: Session, command: Abandon, context: Context) -> Decision:
    """The visitor has gone; counts in shift only, from the last presence."""
    escalation = session.escalation
    if session.status != "pending_manual" or not context.in_shift:
        return unchanged(session)
    if escalation is not None and (escalation.email or escalation.was_after_hours):
        return unchanged(session)
    since = max(command.last_seen, session.waiting_since or 0.0)
    due = since + context.limits.abandon_seconds
    if context.now < due:
        return unchanged(session, timers={ABANDON: due})
    draft = Draft(session, context)
    draft.move("closed", "abandoned")
    draft.notice("abandoned")
    end(draft, "abandoned")
    return draft.finish()


def reopen(session: Session, command: Reopen, context: Context) -> Decision:  # noqa: ARG001
    """Opening time: who was told to wait for it is in the queue again."""
    if session.status != "after_hours_email":
        return unchanged(session)
    if not context.in_shift:
        opens = context.next_open_at
        return unchanged(session, timers={OPENING: opens} if opens is not None else None)
    draft = Draft(session, context)
    draft.move("pending_manual", "opening")
    draft.notice("reopened")
    return draft.finish()


# --- facts -----------------------------------------------------------------------------------
def block(session: Session, command: Block, context: Context) -> Decision:
    """Silence an abuser; a running answer is cut."""
    draft = Draft(session, context)
    draft.change(blocked_until=context.now + context.limits.block_seconds)
    if session.turn is not None:
        draft.change(turn=None, epoch=session.epoch + 1)
        draft.disarmed.add(LEASE)
    draft.events.append(SessionUpdated(what="blocked"))
    draft.count("blocks")
    draft.result.update(actor=command.actor.id, reason=command.reason)
    return draft.finish()


def mark_read(session: Session, command: MarkRead, context: Context) -> Decision:
    """Reading goes forward only; a mark above the newest entry is the newest."""
    seq = min(command.seq, session.seq)
    draft = Draft(session, context)
    if command.by_agent:
        if seq <= session.read_by_agent and command.unread == session.unread:
            return unchanged(session)
        draft.change(read_by_agent=max(seq, session.read_by_agent), unread=command.unread)
    else:
        if seq <= session.read_by_visitor:
            return unchanged(session)
        draft.change(read_by_visitor=seq)
    draft.events.append(SessionUpdated(what="read"))
    return draft.finish(by_visitor=not command.by_agent)


def rate(session: Session, command: Rate, context: Context) -> Decision:
    """Once per served conversation, after it."""
    if session.rating == "given":
        raise AlreadyRated
    if session.rating == "none":
        raise InvalidStatus(status=session.status)
    draft = Draft(session, context)
    said = GivenRating(command.score, context.now, command.comment, session.served_by)
    draft.change(rating="given", last_rating=said)
    # the visitor's other tabs take their cards away by it
    draft.log(RatingGiven(score=command.score, comment=command.comment, timestamp=context.now))
    draft.count("ratings")
    draft.count("rating_points", command.score)
    return draft.finish(by_visitor=True)


def identify(session: Session, command: Identify, context: Context) -> Decision:
    """What the visitor says of himself; what only the shop may say counts when it signed."""
    profile = replace(session.profile, **command.taken)
    if profile == session.profile:
        return unchanged(session)
    draft = Draft(session, context)
    draft.change(profile=profile)
    draft.events.append(SessionUpdated(what="profile"))
    return draft.finish(by_visitor=True)


def send_transcript(session: Session, command: SendTranscript, context: Context) -> Decision:
    """The visitor wants the conversation by mail."""
    draft = Draft(session, context)
    draft.events.append(
        MailRequested(
            session_name=session.name,
            escalation_id=context.new_id(),
            kind="transcript",
            cause="transcript",
            at=context.now,
            language=command.language or session.language or "en",
            timezone=command.timezone,
            nickname=session.profile.nickname,
            email=command.email,
        )
    )
    return draft.finish(by_visitor=True)


def record_mail(session: Session, command: RecordMail, context: Context) -> Decision:
    """How the open escalation's letter went; what was added meanwhile goes into one follow-up."""
    escalation = session.escalation
    if escalation is None or escalation.id != command.escalation_id:
        return unchanged(session)
    draft = Draft(session, context)
    if command.kind == "escalation":
        draft.change(
            mail=replace(
                session.mail,
                sent=command.error is None,
                email_to=command.email_to,
                message_id=command.message_id,
                sent_at=command.at if command.error is None else None,
                error=command.error,
            )
        )
    settled = min(escalation.settled + 1, escalation.letters)
    draft.change(escalation=replace(escalation, settled=settled))
    if escalation.additions and settled >= escalation.letters < MAX_LETTERS:
        draft.follow_up("\n\n".join(part for part in escalation.additions if part) or None)
    draft.events.append(SessionUpdated(what="mail"))
    return draft.finish()
