"""The whole service against the simulator that ships: real tokens, real protocol, every fault."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from chat_proxy.texts import UNAVAILABLE
from common.testing.waiting import PATIENCE_SECONDS

from dev.simulator.faults import FAULTS
from dev.simulator.testing import Simulator, running_simulator

HONEST = {
    "slow_headers=0.1",
    "token_short",
    "expires_relative",
    "slow_first_token=0.1",
    "slow_body=0.1",
    "slow_drip=0.02",
    "requires_action",
    "only_completed",
    "reasoning",
    "several_answers",
}


def fault_names() -> tuple[list[str], list[str]]:
    """(what must end in a whole answer, what must end in a friendly failure)."""
    honest_names = {name.partition("=")[0] for name in HONEST}
    whole = [*HONEST, *(n for n, f in FAULTS.items() if is_legal(n) and n not in honest_names)]
    broken = [n for n in FAULTS if not is_legal(n) and n not in honest_names]
    return sorted(whole), sorted(broken)


def is_legal(name: str) -> bool:
    """The table's last part: legal, though seldom met; a message calls `overlap` each time."""
    names = list(FAULTS)
    return name != "overlap" and names.index(name) >= names.index("reasoning")


WHOLE, BROKEN = fault_names()


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def start_talk(start_chat, chat_settings, sim):
    """The service pointed at the simulator."""
    values = {name.lower(): value for name, value in sim.env().items()}
    return lambda **more: start_chat(chat_settings(**values, **more))


@pytest.fixture
async def talk(start_talk):
    async with start_talk() as running:
        yield running


@pytest.fixture
async def hasty_talk(start_talk):
    """Silence is a fault soon; a busy machine may be taken for one too."""
    hasty = {"coze_first_delta_seconds": 0.8, "coze_gap_seconds": 0.8}
    async with start_talk(**hasty, coze_turn_timeout_seconds=5) as running:
        yield running


def said(frames: list[dict]) -> str:
    return "".join(f["content"] for f in frames if f["type"] == "message")


async def test_a_question_is_answered(talk, sim, state) -> None:
    frames = await talk.stream("How far does the battery go?", language="en")
    assert frames[-1]["type"] == "done"
    assert said(frames) == state.ended[0].content != ""
    assert sim.count("token", "session_a") == 1
    assert sim.count("conversation", "session_a") == 1


async def test_two_visitors_have_two_tokens_and_two_conversations(talk, sim, state) -> None:
    for name in ("session_a", "session_b", "session_a"):
        assert (await talk.ask("Hello", name=name))[0] == 200
    assert state.conversations["session_a"] != state.conversations["session_b"]
    assert [sim.count("token", n) for n in ("session_a", "session_b")] == [1, 1]


@pytest.mark.parametrize(
    "fault", ["token_expired", "overlap", "http=503", "code=4020", "reset_first"]
)
async def test_what_passes_by_itself_is_tried_again(talk, sim, state, fault) -> None:
    assert (await talk.ask("Hello"))[0] == 200
    sim.arm(fault, times=1)
    frames = await talk.stream("Where is my order?", language="en")
    assert frames[-1]["type"] == "done", frames
    assert sim.count("token", "session_a") == (2 if fault == "token_expired" else 1)


@pytest.mark.parametrize("fault", WHOLE)
async def test_what_is_legal_ends_in_a_whole_answer(talk, state, fault) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        frames = await talk.stream(f"[[sim:{fault}]] Where is my order?", language="en")
    assert frames[-1]["type"] == "done", frames
    assert said(frames)
    assert state.ended[0].content == said(frames)


@pytest.mark.parametrize("fault", BROKEN)
async def test_what_is_broken_ends_in_a_friendly_failure(hasty_talk, state, fault) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        frames = await hasty_talk.stream(f"[[sim:{fault}]] Where is my order?", language="en")
    assert frames[-1]["type"] == "error", frames
    assert frames[-1]["content"] == UNAVAILABLE["en"]
    assert state.ended[0].type == "turn.failed"
