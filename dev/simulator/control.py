"""`/sim/*`: faults are armed, answers scripted, calls looked at; real Coze has none of it."""

from collections.abc import Awaitable, Callable

from dev.simulator.answers import Answer
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


async def _script_answers(coze: Coze, exchange: Exchange) -> None:
    """`{answers: [{deltas: [text], follow_ups?: [text]}], session_name?}`: one a chat, in order."""
    try:
        body = exchange.request.json()
        session = body.get("session_name")
        scripted = [_answer(one) for one in body["answers"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        await exchange.answer_json({"error": f"{type(error).__name__}: {error}"}, status=400)
        return
    coze.prompter.scripted += [(session, answer) for answer in scripted]
    await exchange.answer_json({"scripted": len(coze.prompter.scripted)})


def _answer(one: dict[str, list[str]]) -> Answer:
    deltas = tuple(one["deltas"])
    return Answer("".join(deltas), tuple(one.get("follow_ups", ())), cut=deltas)


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
    """Disarms, forgets scripts and calls; `{"all": true}` forgets tokens and conversations too."""
    try:
        everything = exchange.request.json().get("all") is True
    except ValueError:
        everything = False
    coze.armoury.armed.clear()
    coze.prompter.scripted.clear()
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
    ("POST", "/sim/answers"): _script_answers,
    ("GET", "/sim/calls"): _show_calls,
    ("POST", "/sim/reset"): _reset,
    ("GET", "/sim/health"): _health,
}
