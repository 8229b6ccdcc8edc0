"""When people are on duty: for everybody to read, for admins to change."""

from typing import Any

from common.app import ok
from common.contracts.shift import ShiftChange
from common.errors import ValidationFailed
from common.events.agents import AuditRecorded
from fastapi import APIRouter
from starlette.responses import Response

from session_state.routes.doors import W, Who
from session_state.shifts import BadShift, Shift
from session_state.wiring import Wiring

router = APIRouter(prefix="/api/shift")


@router.get("/config")
async def config(wired: W, caller: Who) -> Response:  # noqa: ARG001
    return ok(_shown(wired))


@router.get("/status")
async def status(wired: W) -> Response:
    return ok(_shown(wired))


@router.put("/config")
async def change(body: ShiftChange, wired: W, caller: Who) -> Response:
    agent, now = caller.require_agent(), wired.sessions.clock()
    old, sent = wired.duty.shift, body.model_dump(exclude_none=True)
    try:
        shift = Shift(
            start=sent.get("shift_start", old.start),
            end=sent.get("shift_end", old.end),
            timezone=sent.get("timezone", old.timezone),
            weekends_disabled=sent.get("weekends_disabled", old.weekends_disabled),
            holidays=tuple(sorted(set(sent.get("holidays", old.holidays)))),
        )
    except BadShift as error:
        fields = [{"field": error.field, "rule": "shift", "message": error.why}]
        raise ValidationFailed(fields=fields) from None
    await wired.duty.replace(shift, by=agent.sub, at=now)
    await wired.timers.shift_changed()
    await wired.publisher.publish(
        AuditRecorded(
            actor=agent.sub,
            action="shift.changed",
            target="shift",
            outcome="ok",
            address=caller.address,
            at=now,
            details={key: str(value)[:200] for key, value in sent.items()},
        ),
        subject="shift",
    )
    return ok(_shown(wired))


def _shown(wired: Wiring) -> dict[str, Any]:
    shift, duty = wired.duty.shift, wired.duty.now(wired.sessions.clock())
    return {
        "shift_start": shift.start,
        "shift_end": shift.end,
        "timezone": shift.timezone,
        "weekends_disabled": shift.weekends_disabled,
        "holidays": list(shift.holidays),
        "is_in_shift": duty.is_open,
        "next_open_at": duty.next_open_at,
    }
