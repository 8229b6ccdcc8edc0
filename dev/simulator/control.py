"""`/sim/*`: faults are armed, calls are looked at, the state is reset. Real Coze has none of it."""

from collections.abc import Awaitable, Callable

from dev.simulator.coze import Coze
from dev.simulator.faults import FAULTS, Armed, UnknownFaultError, parse
from dev.wire import Exchange

PLACES = ("chat", "token", "conversation", "history", "retrieve", "cancel", "bot", "any")


async def _list_faults(coze: Coze, exchange: Exchange) -> None:
    known = {
        name: {"kind": fault.kind, "about": fault.about, "arg": fault.arg}
        for name, fault in FAULTS.items()
    }
    armed = [
        {
            "fault": fault.called.name,
            "arg": fault.called.arg,
            "at": fault.at,
            "session_name": fault.session,
            "times": fault.times,
        }
        for fault in coze.armoury.armed
    ]
    await exchange.answer_json({"faults": known, "armed": armed, "at": PLACES})


async def _arm_fault(coze: Coze, exchange: Exchange) -> None:
    """`{fault, arg?, at?, session_name?, times?}`; times 1 unless told, null is until reset."""
    try:
        body = exchange.request.json()
        name, _, arg = str(body.get("fault", "")).partition("=")
        called = parse(name, body.get("arg", arg or None))
        kind = FAULTS[called.name].kind
        at = str(body.get("at") or ("token" if kind == "token" else "chat"))
        times = body.get("times", 1)
        if at not in PLACES or not (times is None or (isinstance(times, int) and times > 0)):
            raise ValueError("at or times is wrong")
    except (ValueError, UnknownFaultError) as error:
        await exchange.answer_json({"error": f"{type(error).__name__}: {error}"}, status=400)
        return
    session = body.get("session_name")
    coze.armoury.armed.append(Armed(called=called, at=at, session=session, times=times))
    await exchange.answer_json({"armed": len(coze.armoury.armed)})


async def _show_calls(coze: Coze, exchange: Exchange) -> None:
    """All calls, or those of `?session_name=`."""
    session = exchange.request.query.get("session_name")
    calls = coze.calls
    if session is None:
        answer = {"total": calls.total, "sessions": calls.sessions, "recent": list(calls.recent)}
    else:
        recent = [call for call in calls.recent if call["session_name"] == session]
        answer = {"total": calls.sessions.get(session, {}), "recent": recent}
    await exchange.answer_json(answer)


async def _reset(coze: Coze, exchange: Exchange) -> None:
    """Disarms and forgets the calls; `{"all": true}` forgets tokens and conversations too."""
    try:
        everything = exchange.request.json().get("all") is True
    except ValueError:
        everything = False
    coze.armoury.armed.clear()
    coze.calls.clear()
    if everything:
        coze.office.clear()
        coze.ledger.clear()
    await exchange.answer_json({"reset": True})


async def _health(coze: Coze, exchange: Exchange) -> None:
    conversations = len(coze.ledger.conversations)
    await exchange.answer_json({"status": "ok", "conversations": conversations})


CONTROL: dict[tuple[str, str], Callable[[Coze, Exchange], Awaitable[None]]] = {
    ("GET", "/sim/faults"): _list_faults,
    ("POST", "/sim/faults"): _arm_fault,
    ("GET", "/sim/calls"): _show_calls,
    ("POST", "/sim/reset"): _reset,
    ("GET", "/sim/health"): _health,
}
