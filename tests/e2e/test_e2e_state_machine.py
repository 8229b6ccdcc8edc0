"""R19 over HTTP: whatever is done in whatever order, the product agrees with a ten-line model."""

import os
from dataclasses import dataclass, field
from itertools import count

import httpx
import pytest
from common.testing.waiting import PATIENCE_SECONDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.xdist_group("e2e")

EXAMPLES = int(os.environ.get("KEFU_EXAMPLES", "25"))
NUMBERS = count(1)
COMMANDS = (
    "chat",
    "ask_person",
    "escalate",
    "cancel",
    "user_says",
    "agent_says",
    "other_says",
    "takeover",
    "other_takes",
    "release",
    "requeue",
    "transfer",
    "close",
    "stranger_closes",
)
VISITED: set[tuple[str, str]] = set()


@dataclass
class Model:
    """The state table of the contract, in shift, as plainly as it can be said."""

    status: str = "bot_active"
    holder: str | None = None
    trail: list[tuple[str, str]] = field(default_factory=list)

    def to(self, status: str, holder: str | None = None) -> int:
        self.trail.append((self.status, status))
        self.status, self.holder = status, holder
        return 200

    def apply(self, command: str) -> int:
        """The HTTP status the product must answer."""
        return getattr(self, command)()

    def chat(self) -> int:
        if self.status in ("pending_manual", "manual_live"):
            return 409
        return self.to("bot_active") if self.status == "closed" else 200

    def ask_person(self) -> int:
        if self.status in ("pending_manual", "manual_live"):
            return 409
        if self.status == "closed":
            self.to("bot_active")
        return self.to("pending_manual")

    def escalate(self) -> int:
        if self.status == "manual_live":
            return 409
        return 200 if self.status == "pending_manual" else self.to("pending_manual")

    def cancel(self) -> int:
        return self.to("bot_active") if self.status == "pending_manual" else 409

    def user_says(self) -> int:
        return 200 if self.status in ("pending_manual", "manual_live") else 409

    def agent_says(self) -> int:
        return 200 if self.status == "manual_live" and self.holder == "ann" else 409

    def other_says(self) -> int:
        return 200 if self.status == "manual_live" and self.holder == "bob" else 409

    def _take(self, who: str) -> int:
        if self.status == "manual_live":
            return 200 if self.holder == who else 409
        return self.to("manual_live", who) if self.status == "pending_manual" else 409

    def takeover(self) -> int:
        return self._take("ann")

    def other_takes(self) -> int:
        return self._take("bob")

    def _by_holder(self, status: str, holder: str | None = None) -> int:
        if self.status == "manual_live" and self.holder == "ann":
            return self.to(status, holder)
        return 409

    def release(self) -> int:
        return self._by_holder("bot_active")

    def requeue(self) -> int:
        return self._by_holder("pending_manual")

    def transfer(self) -> int:
        return self._by_holder("manual_live", "bob")

    def close(self) -> int:
        return self._by_holder("closed")

    def stranger_closes(self) -> int:
        return self.to("closed") if self.status == "manual_live" and self.holder == "bob" else 409


class World:
    """One visitor and two agents over HTTP."""

    def __init__(self, base: str, ann: dict[str, str], bob: dict[str, str], bob_id: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=PATIENCE_SECONDS)
        self.ann, self.bob, self.bob_id = ann, bob, bob_id
        made = self.http.post("/api/conversation/new", json={})
        self.name = made.headers["x-session-name"]
        self.visitor = {"X-Visitor-Token": made.headers["x-visitor-token"]}

    def do(self, command: str) -> httpx.Response:
        return getattr(self, command)()

    def _act(self, verb: str, who: dict[str, str], **body: str) -> httpx.Response:
        return self.http.post(f"/api/sessions/{self.name}/{verb}", json=body, headers=who)

    def _say(self, role: str, who: dict[str, str]) -> httpx.Response:
        body = {"session_name": self.name, "role": role, "content": f"words {next(NUMBERS)}"}
        return self.http.post("/api/manual/messages", json=body, headers=who)

    def _chat(self, message: str) -> httpx.Response:
        body = {"message": message, "user_id": self.name}
        return self.http.post("/api/chat", json=body, headers=self.visitor)

    def chat(self) -> httpx.Response:
        return self._chat("Where is my order?")

    def ask_person(self) -> httpx.Response:
        return self._chat("转人工")

    def escalate(self) -> httpx.Response:
        body = {"session_name": self.name}
        return self.http.post("/api/manual/escalate", json=body, headers=self.visitor)

    def cancel(self) -> httpx.Response:
        body = {"session_name": self.name}
        return self.http.post("/api/manual/cancel", json=body, headers=self.visitor)

    def user_says(self) -> httpx.Response:
        return self._say("user", self.visitor)

    def agent_says(self) -> httpx.Response:
        return self._say("agent", self.ann)

    def other_says(self) -> httpx.Response:
        return self._say("agent", self.bob)

    def takeover(self) -> httpx.Response:
        return self._act("takeover", self.ann)

    def other_takes(self) -> httpx.Response:
        return self._act("takeover", self.bob)

    def release(self) -> httpx.Response:
        return self._act("release", self.ann)

    def requeue(self) -> httpx.Response:
        return self._act("requeue", self.ann)

    def transfer(self) -> httpx.Response:
        return self._act("transfer", self.ann, to_agent_id=self.bob_id)

    def close(self) -> httpx.Response:
        return self._act("close", self.ann)

    def stranger_closes(self) -> httpx.Response:
        return self._act("close", self.bob)

    def session(self) -> dict:
        found = self.http.get(f"/api/sessions/{self.name}", headers=self.ann)
        return found.json()["data"]

    def finish(self) -> None:
        for who in (self.ann, self.bob):
            self._act("close", who)
        self.http.close()


def agree(world: World, model: Model, commands: list[str]) -> None:
    for command in commands:
        VISITED.add((model.status, command))
        wanted = model.apply(command)
        got = world.do(command)
        assert got.status_code == wanted, (commands, command, model, got.text)
    data = world.session()
    assert data["session"]["status"] == model.status
    names = {"ann": "ann", "bob": "bob", None: None}
    holder = (data["session"]["assigned_agent"] or {}).get("name")
    assert (holder or "").split(" ")[0].lower() == (names[model.holder] or "")
    assert [(t["from"], t["to"]) for t in data["audit_trail"]] == model.trail


def check(two_agents, examples: int, steps: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(st.lists(st.sampled_from(COMMANDS), min_size=steps // 2, max_size=steps))
    def run(commands: list[str]) -> None:
        world = World(*two_agents)
        try:
            agree(world, Model(), commands)
        finally:
            world.finish()

    run()


def test_the_product_agrees_with_the_model(two_agents) -> None:
    check(two_agents, EXAMPLES, 25)


@pytest.mark.reliability
@pytest.mark.timeout(7200)
def test_the_product_agrees_with_the_model_in_full(two_agents) -> None:
    VISITED.clear()
    check(two_agents, 2000, 50)
    cells = {
        (s, c) for s in ("bot_active", "pending_manual", "manual_live", "closed") for c in COMMANDS
    }
    assert cells - VISITED == set()
