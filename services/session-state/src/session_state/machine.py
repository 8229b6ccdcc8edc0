"""The session's state machine: `decide(session, command, context)` is pure and knows all rules.

    bot_active ──escalate──▶ pending_manual ──takeover──▶ manual_live ──close──▶ closed
        │  ▲                  │   ▲    │                    │  ▲  │ └─transfer─┐
        │  └─────cancel───────┘   │    └─abandoned─▶ closed │  │  │            │
        │  ▲                  opening  wait, shift end      │  │  └◀───────────┘
        │  └──release─────────────│────│──────────────────requeue, release
        └─out of shift─▶ after_hours_email ──takeover──▶ manual_live
    closed ──next message──▶ bot_active (a new episode); closed ──escalate──▶ as from bot_active

Nothing else. What silences the AI (entering pending_manual, manual_live, closed; a new or cleared
conversation; a block) raises `epoch` and clears the open turn, so that the commit refuses whatever
the AI still produces. Anything illegal raises a named ServiceError and writes nothing.
"""

from collections.abc import Callable
from typing import Any

from session_state import people, turns, upkeep
from session_state.commands import (
    Abandon,
    Answer,
    Ask,
    Bind,
    Block,
    Cancel,
    Close,
    Command,
    EndShift,
    Escalate,
    Fail,
    Identify,
    MarkRead,
    Rate,
    RecordMail,
    Release,
    Renew,
    Reopen,
    Requeue,
    Say,
    SendTranscript,
    Takeover,
    Transfer,
    WaitTooLong,
)
from session_state.decision import Context, Decision
from session_state.session import Session

_TABLE: dict[type[Any], Callable[[Session, Any, Context], Decision]] = {
    # the AI's turn
    Ask: turns.ask,
    Answer: turns.answer,
    Fail: turns.fail,
    Bind: turns.bind,
    Renew: turns.renew,
    # people
    Escalate: people.escalate,
    Cancel: people.cancel,
    Say: people.say,
    Takeover: people.takeover,
    Transfer: people.transfer,
    Release: people.release,
    Requeue: people.requeue,
    Close: people.close,
    # time
    WaitTooLong: upkeep.wait_too_long,
    EndShift: upkeep.end_shift,
    Abandon: upkeep.abandon,
    Reopen: upkeep.reopen,
    # what changes no state
    Block: upkeep.block,
    MarkRead: upkeep.mark_read,
    Rate: upkeep.rate,
    Identify: upkeep.identify,
    SendTranscript: upkeep.send_transcript,
    RecordMail: upkeep.record_mail,
}


def decide(session: Session, command: Command, context: Context) -> Decision:
    """What the command does to the session now; raises what forbids it. Writes nothing."""
    return _TABLE[type(command)](session, command, context)
