"""The figures of `GET /api/sessions/stats`, from counters that the commits keep."""

from typing import Any

from session_state.duty import Duty
from session_state.index import Index
from session_state.roster import Roster


class Statistics:
    """Reads zset sizes, the day's counters and the head of the queue; never all sessions."""

    def __init__(self, index: Index, *, roster: Roster, duty: Duty) -> None:
        self._index = index
        self._roster = roster
        self._duty = duty

    async def of(self, now: float) -> dict[str, Any]:
        """The figures as of now; `today` is the shop's own day."""
        by_status = await self._index.count_by_status()
        day = self._duty.day(now)
        counters = await self._index.counters(day)
        cards = await self._roster.cards()
        waiting = await self._index.load(await self._index.waiting())
        since = [s.waiting_since for s in waiting if s.waiting_since is not None]
        turns, failures = counters.get("turns", 0), counters.get("failures", 0)
        return {
            "total_sessions": await self._index.total(),
            "active_sessions": sum(n for s, n in by_status.items() if s != "closed"),
            "by_status": by_status,
            "avg_waiting_time": _mean(counters, "waiting_ms", "waits"),
            "max_waiting_time": round(max((now - at for at in since), default=0.0), 3),
            "avg_service_time": _mean(counters, "service_ms", "services"),
            "active_agents": sum(
                1 for card in cards if card.status != "offline" and card.role != "guest"
            ),
            "by_escalation_reason": {
                name.removeprefix("reason:"): count
                for name, count in sorted(counters.items())
                if name.startswith("reason:")
            },
            "today": {"date": day, **{name: counters.get(name, 0) for name in _TODAY}},
            "ai_quality": {
                "turns": turns,
                "answers": counters.get("answers", 0),
                "failures": failures,
                "failure_rate": round(failures / turns, 4) if turns else 0.0,
                "rating_average": _average(counters, "rating_points", "ratings"),
            },
            "agent_efficiency": _efficiency(counters, {c.id: c.name for c in cards}),
        }


_TODAY = (
    "sessions",
    "messages_user",
    "messages_agent",
    "escalations",
    "takeovers",
    "transfers",
    "requeues",
    "closed",
    "abandoned",
    "mails",
    "ratings",
)


def _mean(counters: dict[str, int], total_ms: str, count: str) -> float:
    """Seconds; 0 where nothing was counted."""
    return round(_ratio(counters, total_ms, count) / 1000, 3)


def _average(counters: dict[str, int], total: str, count: str) -> float | None:
    return round(_ratio(counters, total, count), 2) if counters.get(count) else None


def _ratio(counters: dict[str, int], total: str, count: str) -> float:
    times = counters.get(count, 0)
    return counters.get(total, 0) / times if times else 0.0


def _efficiency(counters: dict[str, int], names: dict[str, str]) -> list[dict[str, Any]]:
    ids = sorted({name.split(":")[1] for name in counters if name.startswith("agent:")})
    return [
        {
            "agent_id": agent_id,
            "agent_name": names.get(agent_id, ""),
            "takeovers": counters.get(f"agent:{agent_id}:takeovers", 0),
            "messages": counters.get(f"agent:{agent_id}:messages", 0),
            "services": counters.get(f"agent:{agent_id}:services", 0),
            "avg_service_time": _mean(
                counters, f"agent:{agent_id}:service_ms", f"agent:{agent_id}:services"
            ),
        }
        for agent_id in ids
    ]
