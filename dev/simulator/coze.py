"""The state of the simulated Coze: tokens, conversations, armed faults, and what was called."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dev.simulator.answers import Answer
from dev.simulator.faults import Armoury
from dev.simulator.ids import snowflakes
from dev.simulator.keys import fingerprint
from dev.simulator.ledger import Ledger
from dev.simulator.oauth import TokenOffice
from dev.simulator.settings import SimulatorSettings

RECENT_CALLS = 500


@dataclass(slots=True)
class Calls:
    """What was called, for tests: counts in all and a session, and the newest calls."""

    total: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, dict[str, int]] = field(default_factory=dict)
    recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT_CALLS))

    def count(self, name: str, session: str) -> None:
        own = self.sessions.setdefault(session, {})
        own[name] = own.get(name, 0) + 1
        self.total[name] = self.total.get(name, 0) + 1

    def note(self, name: str, session: str, **about: Any) -> dict[str, Any]:
        """Counts and remembers a call; the entry may be completed while the call goes on."""
        self.count(name, session)
        entry = {"call": name, "session_name": session, **about}
        self.recent.append(entry)
        return entry

    def clear(self) -> None:
        self.total.clear()
        self.sessions.clear()
        self.recent.clear()


@dataclass(slots=True)
class Prompter:
    """The answers that `POST /sim/answers` put into the assistant's mouth, told in order."""

    scripted: list[tuple[str | None, Answer]] = field(default_factory=list)

    def take(self, session: str) -> Answer | None:
        """The next answer for this session, used up; None: the assistant answers by itself."""
        for number, (wanted, answer) in enumerate(self.scripted):
            if wanted in (None, session):
                del self.scripted[number]
                return answer
        return None


@dataclass(slots=True)
class Coze:
    """Everything one simulator holds."""

    settings: SimulatorSettings
    office: TokenOffice
    ledger: Ledger
    ids: Iterator[str]
    now: Callable[[], float]
    armoury: Armoury = field(default_factory=Armoury)
    prompter: Prompter = field(default_factory=Prompter)
    calls: Calls = field(default_factory=Calls)

    @property
    def second(self) -> int:
        return int(self.now())


def build(settings: SimulatorSettings, *, now: Callable[[], float] = time.time) -> Coze:
    """A simulator as its settings say, with the conversations of its data file."""
    public_key = settings.public_key_file.read_text()
    ids = snowflakes(time.time_ns())
    office = TokenOffice(
        public_key_pem=public_key,
        key_id=settings.key_id or fingerprint(public_key),
        app_id=settings.app_id,
        now=now,
    )
    ledger = Ledger(ids=ids, data_file=settings.data_file)
    ledger.load()
    return Coze(settings=settings, office=office, ledger=ledger, ids=ids, now=now)
