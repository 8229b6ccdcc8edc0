"""R19: the state machine against an independent, simple model; every status × command cell."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from common.errors import ServiceError
from common.redis import Keys, RedisClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from session_state import commands as c
from session_state.decision import TRANSITIONS, Context, Limits
from session_state.machine import decide
from session_state.session import Session, dump, load
from session_state.store import Store

STATUSES = ("bot_active", "pending_manual", "manual_live", "after_hours_email", "closed")
ANN = c.Actor("ann", "Ann", "agent", 5)
BEN = c.Actor("ben", "Ben", "agent", 5)
EVE = c.Actor("eve", "Eve", "supervisor", 5)
LIMITS = Limits()
KEYWORD = c.Rule("keyword", "human")

# --- what a step can be: a name and how the command is made from the session ------------------
STEPS: dict[str, Callable[[Session], Any]] = {
    "ask": lambda s: c.Ask("hello"),
    "ask for a person": lambda s: c.Ask("human", rule=KEYWORD),
    "answer": lambda s: c.Answer(_turn(s), "a" + _turn(s), s.epoch, "fine"),
    "answer of an older epoch": lambda s: c.Answer(_turn(s), "x", s.epoch - 1, "late"),
    "answer of another turn": lambda s: c.Answer("other", "x", s.epoch, "late"),
    "fail": lambda s: c.Fail(_turn(s), s.epoch, "upstream"),
    "lose": lambda s: c.Fail(_turn(s), s.epoch, "lost", counted=False, lost=True),
    "bind": lambda s: c.Bind(_turn(s), s.epoch, "73"),
    "renew": lambda s: c.Renew("74"),
    "clear": lambda s: c.Renew("75", clear=True),
    "escalate": lambda s: c.Escalate(),
    "escalate with email": lambda s: c.Escalate(message="please", email="v@example.com"),
    "cancel": lambda s: c.Cancel(),
    "visitor says": lambda s: c.Say("hi"),
    "ann says": lambda s: c.Say("hi", actor=ANN),
    "ann takes": lambda s: c.Takeover(ANN),
    "ben takes": lambda s: c.Takeover(BEN),
    "ann transfers to ben": lambda s: c.Transfer(ANN, BEN, online=True),
    "eve transfers to ann": lambda s: c.Transfer(EVE, ANN, online=True),
    "ann transfers to absent": lambda s: c.Transfer(ANN, c.Actor("zoe", "Zoe"), online=False),
    "ann releases": lambda s: c.Release(ANN),
    "eve releases": lambda s: c.Release(EVE),
    "ann requeues": lambda s: c.Requeue(ANN),
    "ann is absent": lambda s: c.Requeue(absent="ann"),
    "ann closes": lambda s: c.Close(ANN),
    "eve closes": lambda s: c.Close(EVE),
    "read": lambda s: c.MarkRead(s.seq, by_agent=False),
    "rate": lambda s: c.Rate(5),
    "wait too long": lambda s: c.WaitTooLong(),
    "end of shift": lambda s: c.EndShift(),
    "abandon": lambda s: c.Abandon(0.0),
    "opening": lambda s: c.Reopen(),
}
# what happens around the session
WORLD = ("shift begins", "shift ends", "time passes")


def _turn(session: Session) -> str:
    return session.turn.turn_id if session.turn else "none"


# --- the model: a table of what is said in api.md and flows.md --------------------------------
@dataclass
class Model:
    """Status, holder, open turn and epoch; nothing of how the product works."""

    status: str = "bot_active"
    holder: str = ""
    turn: bool = False
    epoch: int = 0
    failures: int = 0
    gave_up: bool = False
    promised: bool = False  # an address was left, or it was after hours: never abandoned
    waited: float = 0.0
    conversation: bool = False
    rating: str = "none"
    in_shift: bool = True
    seen: list[tuple[str, str]] = field(default_factory=list)

    def step(self, name: str) -> str:
        """The outcome: `ok`, `same` where nothing is to be done, or an error's code."""
        self.seen.append((self.status, name))
        outcome: str = getattr(self, "_" + name.replace(" ", "_"))()
        return outcome

    # helpers
    def _to(self, status: str) -> str:
        self.status = status
        if status in ("pending_manual", "manual_live", "closed"):
            self.epoch += 1
            self.turn = False
        if status != "manual_live":
            self.holder = ""
        if status == "pending_manual":
            self.waited = 0.0
        if status == "after_hours_email":
            self.promised = True
        if status == "closed":
            self.conversation = False
        return "ok"

    def _begin(self) -> None:
        if self.status == "closed":
            self.failures, self.gave_up, self.promised = 0, False, False
            self.status = "bot_active"

    def _call(self) -> str:
        self.promised = not self.in_shift
        return self._to("pending_manual" if self.in_shift else "after_hours_email")

    def _over(self) -> None:
        self.failures, self.gave_up, self.promised = 0, False, False

    @property
    def _people(self) -> bool:
        return self.status in ("pending_manual", "manual_live")

    def _held_by(self, who: str) -> str | None:
        if self.status != "manual_live":
            return "INVALID_STATUS"
        return None if who in (self.holder, "eve") else "NOT_ASSIGNED"

    # the AI
    def _ask(self) -> str:
        if self._people:
            return "MANUAL_IN_PROGRESS"
        if self.turn:
            return "TURN_IN_PROGRESS"
        self._begin()
        self.turn = True
        return "ok"

    def _ask_for_a_person(self) -> str:
        if self._people:
            return "MANUAL_IN_PROGRESS"
        if self.turn:
            return "TURN_IN_PROGRESS"
        self._begin()
        if self.status == "bot_active":
            return self._call()
        return self._to("pending_manual") if self.in_shift else "ok"

    def _answer(self) -> str:
        if not self.turn:
            return "same"
        self.turn, self.failures = False, 0
        return "ok"

    def _answer_of_an_older_epoch(self) -> str:
        return "same"

    def _answer_of_another_turn(self) -> str:
        return "same"

    def _fail(self) -> str:
        if not self.turn:
            return "same"
        self.turn = False
        self.failures += 1
        if self.failures >= 3 and self.status == "bot_active" and not self.gave_up:
            self.gave_up = True
            return self._call()
        return "ok"

    def _lose(self) -> str:
        if not self.turn:
            return "same"
        self.turn = False
        return "ok"

    def _bind(self) -> str:
        if not self.turn:
            return "TURN_LOST"
        if self.conversation:
            return "same"
        self.conversation = True
        return "ok"

    def _renew(self) -> str:
        if self._people:
            return "MANUAL_IN_PROGRESS"
        self.epoch += 1
        self.turn, self.failures, self.conversation = False, 0, True
        return "ok"

    _clear = _renew

    # people
    def _escalate(self) -> str:
        return self._ask_person(news=False)

    def _escalate_with_email(self) -> str:
        return self._ask_person(news=True)

    def _ask_person(self, *, news: bool) -> str:
        if self.status == "manual_live":
            return "MANUAL_IN_PROGRESS"
        self._begin()
        if self.status == "bot_active":
            self._call()
            self.promised = self.promised or news
            return "ok"
        self.promised = self.promised or news
        if self.status == "after_hours_email" and self.in_shift:
            return self._to("pending_manual")
        return "ok" if news else "same"

    def _cancel(self) -> str:
        if self.status not in ("pending_manual", "after_hours_email"):
            return "INVALID_STATUS"
        self._over()
        return self._to("bot_active")

    def _visitor_says(self) -> str:
        return "ok" if self._people else "INVALID_STATUS"

    def _ann_says(self) -> str:
        return self._held_by("ann") or "ok"

    def _take(self, who: str) -> str:
        if self.status == "manual_live":
            return "same" if self.holder == who else "ALREADY_TAKEN"
        if self.status not in ("pending_manual", "after_hours_email"):
            return "INVALID_STATUS"
        self._to("manual_live")
        self.holder, self.rating = who, "none"
        return "ok"

    def _ann_takes(self) -> str:
        return self._take("ann")

    def _ben_takes(self) -> str:
        return self._take("ben")

    def _give(self, who: str, to: str) -> str:
        refused = self._held_by(who)
        if refused:
            return refused
        if self.holder == to:
            return "VALIDATION_ERROR"
        if to == "zoe":
            return "AGENT_OFFLINE"
        self._to("manual_live")
        self.holder = to
        return "ok"

    def _ann_transfers_to_ben(self) -> str:
        return self._give("ann", "ben")

    def _eve_transfers_to_ann(self) -> str:
        return self._give("eve", "ann")

    def _ann_transfers_to_absent(self) -> str:
        return self._give("ann", "zoe")

    def _let_go(self, who: str) -> str:
        if self.status == "after_hours_email":
            self._over()
            return self._to("bot_active")
        refused = self._held_by(who)
        if refused:
            return refused
        self._over()
        self._rate_later()
        return self._to("bot_active")

    def _rate_later(self) -> None:
        if self.rating != "given":
            self.rating = "open"

    def _ann_releases(self) -> str:
        return self._let_go("ann")

    def _eve_releases(self) -> str:
        return self._let_go("eve")

    def _ann_requeues(self) -> str:
        return self._held_by("ann") or self._to("pending_manual")

    def _ann_is_absent(self) -> str:
        if self.holder != "ann":
            return "same"
        return self._to("pending_manual")

    def _end(self, who: str) -> str:
        refused = self._held_by(who)
        if refused:
            return refused
        self._rate_later()
        return self._to("closed")

    def _ann_closes(self) -> str:
        return self._end("ann")

    def _eve_closes(self) -> str:
        return self._end("eve")

    # facts: whether a mark moves is checked on the product's own seq
    def _read(self) -> str:
        return "any"

    def _rate(self) -> str:
        if self.rating == "open":
            self.rating = "given"
            return "ok"
        return "ALREADY_RATED" if self.rating == "given" else "INVALID_STATUS"

    # time
    def _wait_too_long(self) -> str:
        if self.status != "pending_manual":
            return "same"
        if self.in_shift and self.waited < 600:
            return "same"
        return self._to("after_hours_email")

    def _end_of_shift(self) -> str:
        if self.status != "pending_manual" or self.in_shift:
            return "same"
        return self._to("after_hours_email")

    def _abandon(self) -> str:
        due = self.status == "pending_manual" and self.in_shift and not self.promised
        return self._to("closed") if due and self.waited >= 900 else "same"

    def _opening(self) -> str:
        if self.status != "after_hours_email" or not self.in_shift:
            return "same"
        return self._to("pending_manual")


# --- the product, pure -------------------------------------------------------------------------
class Pure:
    """Applies commands to a value, through its stored form each time."""

    def __init__(self) -> None:
        self.session = Session("s1", "sid-1", "bot_active", 0.0, 0.0)
        self.now = 1000.0
        self.in_shift = True
        self.entries: list[tuple[int, str]] = []
        self.trail: list[tuple[str, str]] = []
        self._ids = (f"id{n}" for n in itertools.count())

    def context(self) -> Context:
        return Context(
            now=self.now,
            new_id=lambda: next(self._ids),
            in_shift=self.in_shift,
            shift_ends_at=self.now + 3600 if self.in_shift else None,
            next_open_at=self.now + 7200,
            limits=LIMITS,
        )

    def passes(self, name: str) -> None:
        if name == "time passes":
            self.now += 400
        else:
            self.in_shift = name == "shift begins"

    async def apply(self, command: Any) -> str:
        before = self.session
        try:
            decision = decide(before, command, self.context())
        except ServiceError as error:
            return error.code
        if not decision.changed:
            return "same"
        assert decision.session.version > before.version
        assert decision.session.epoch >= before.epoch
        await self.commit(decision, before)
        for step in decision.steps:
            self.trail.append((step.before, step.after))
        return "ok"

    async def commit(self, decision: Any, before: Session) -> None:
        for entry in decision.entries:
            self.entries.append((len(self.entries) + 1, entry.frame))
        after = decision.session
        assert after.seq == len(self.entries)
        self.session = load(dump(after), version=after.version, epoch=after.epoch, seq=after.seq)
        assert self.session == after


class Stored(Pure):
    """The same over real Redis: read, decide, commit by the script."""

    def __init__(self, redis: RedisClient) -> None:
        super().__init__()
        self.redis, self.keys = redis, Keys()
        self.store = Store(redis, self.keys)
        self._commits = (f"commit{n}" for n in itertools.count())

    async def commit(self, decision: Any, before: Session) -> None:
        await self.store.save(
            decision, before, commit_id=next(self._commits), now=self.now, day="2026-11-21"
        )
        for entry in decision.entries:
            self.entries.append((len(self.entries) + 1, entry.frame))
        found = (await self.store.get("s1")).session
        assert found == decision.session
        self.session = found


async def play(world: Pure, steps: list[str]) -> set[tuple[str, str]]:
    """Play the steps on both; every difference fails. Answers the cells visited."""
    model = Model()
    for name in steps:
        if name in WORLD:
            world.passes(name)
            model.in_shift = world.in_shift
            if name == "time passes":
                model.waited += 400
            continue
        expected = model.step(name)
        outcome = await world.apply(STEPS[name](world.session))
        session = world.session
        assert expected in ("any", outcome), f"{name} in {model.seen[-1][0]}"
        assert session.status == model.status, name
        assert session.epoch == model.epoch, name
        assert (session.turn is not None) == model.turn, name
        assert (session.agent.id if session.agent else "") == model.holder, name
        assert session.ai_fail_count == model.failures, name
    assert all(pair in TRANSITIONS for pair in world.trail)
    assert [seq for seq, _ in world.entries] == list(range(1, session_entries(world) + 1))
    return set(model.seen)


def session_entries(world: Pure) -> int:
    return world.session.seq


def any_steps(size: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([*STEPS, *WORLD]), min_size=1, max_size=size)


QUIET = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large)
CELLS = set(itertools.product(STATUSES, STEPS))


class TestPure:
    @settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
    @given(any_steps(50))
    def test_any_steps_do_what_the_model_says(self, steps: list[str]) -> None:
        asyncio.run(play(Pure(), steps))

    @pytest.mark.reliability
    @pytest.mark.timeout(1800)
    def test_two_thousand_runs_of_fifty_steps_visit_every_cell(self) -> None:
        visited: set[tuple[str, str]] = set()

        @settings(max_examples=2000, deadline=None, suppress_health_check=QUIET)
        @given(st.lists(st.sampled_from([*STEPS, *WORLD]), min_size=50, max_size=50))
        def run(steps: list[str]) -> None:
            visited.update(asyncio.run(play(Pure(), steps)))

        run()
        assert visited == CELLS


# the shortest way into each status
WAYS = {
    "bot_active": [],
    "pending_manual": ["escalate"],
    "manual_live": ["escalate", "ann takes"],
    "after_hours_email": ["shift ends", "escalate"],
    "closed": ["escalate", "ann takes", "ann closes"],
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("in_shift", [False, True])
async def test_every_command_in_every_status_does_what_the_model_says(
    status: str, turn: bool, in_shift: bool
) -> None:
    for name in STEPS:
        # a question that is still being answered can only stand where the AI may speak
        ask = ["ask"] if turn and status in ("bot_active", "after_hours_email") else []
        shift = ["shift begins" if in_shift else "shift ends"]
        visited = await play(Pure(), [*WAYS[status], *ask, *shift, "time passes", name])
        assert (status, name) in visited


async def test_any_steps_over_real_redis_do_what_the_model_says(redis: RedisClient) -> None:
    await _over_redis(redis, examples=40, size=25)


@pytest.mark.reliability
@pytest.mark.timeout(3600)
async def test_two_thousand_runs_over_real_redis(redis: RedisClient) -> None:
    visited = await _over_redis(redis, examples=2000, size=50)
    assert visited == CELLS


async def _over_redis(redis: RedisClient, *, examples: int, size: int) -> set[tuple[str, str]]:
    """Hypothesis draws the steps; they are played afterwards, for its own loop is synchronous."""
    drawn: list[list[str]] = []

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=QUIET)
    @given(st.lists(st.sampled_from([*STEPS, *WORLD]), min_size=size, max_size=size))
    def draw(steps: list[str]) -> None:
        drawn.append(steps)

    draw()
    visited: set[tuple[str, str]] = set()
    keys = Keys()
    for steps in drawn:
        for key in (keys.session("s1"), keys.log("s1"), keys.ids("s1"), keys.trail("s1")):
            await redis.delete(key)
        await redis.delete(*(keys.load(agent) for agent in ("ann", "ben", "eve")))
        await redis.delete(*(keys.status(status) for status in STATUSES))
        world = Stored(redis)
        visited |= await play(world, steps)
        await _redis_agrees(redis, keys, world)
    return visited


async def _redis_agrees(redis: RedisClient, keys: Keys, world: Stored) -> None:
    """Indexes, load sets, log and trail say what the state says."""
    session = world.session
    if session.version == 0:
        return
    for status in STATUSES:
        score = await redis.zscore(keys.status(status), "s1")
        assert (score is not None) == (status == session.status)
    for agent in ("ann", "ben", "eve"):
        held = await redis.sismember(keys.load(agent), "s1")
        assert held == (session.agent is not None and session.agent.id == agent)
    rows = await redis.xrange(keys.log("s1"))
    assert [row[0] for row in rows] == [f"{n}-0" for n in range(1, session.seq + 1)]
    trail = await world.store.trail("s1")
    assert [(line["from"], line["to"]) for line in trail] == world.trail


def test_the_model_would_catch_an_ai_that_speaks_after_takeover() -> None:
    """Canary: with the fence off, an answer of an older epoch counts and the model objects."""

    class Unfenced(Pure):
        async def apply(self, command: Any) -> str:
            if isinstance(command, c.Answer) and self.session.turn is None:
                self.session = replace(self.session, version=self.session.version + 1)
                return "ok"
            return await super().apply(command)

    steps = ["ask", "escalate", "ann takes", "answer"]
    with pytest.raises(AssertionError, match="answer in manual_live"):
        asyncio.run(play(Unfenced(), steps))
