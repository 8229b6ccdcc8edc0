"""The twelve checks that the replaced system called its regression test."""

import subprocess
from pathlib import Path

import pytest

from dev.actors import Agent, Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("e2e")]
ROOT = Path(__file__).resolve().parents[2]


async def test_01_health_says_that_coze_is_connected(visitor: Visitor) -> None:
    answer = await visitor.get("/api/health")
    assert answer.status == 200
    assert answer.body["status"] == "healthy"
    assert answer.body["coze_connected"] is True
    assert answer.body["session_isolation"] is True
    assert answer.body["version"]


async def test_02_sync_chat_answers(visitor: Visitor) -> None:
    answer = await visitor.chat("你好")
    assert answer.status == 200
    assert answer.body["success"] is True
    assert answer.body["message"]


async def test_03_two_visitors_are_isolated(new_visitor) -> None:
    ann, bob = new_visitor(), new_visitor()
    await ann.chat("My secret word is heron-4711")
    await bob.chat("hello")
    stranger = new_visitor()
    stranger.headers = dict(bob.headers)
    answer = await stranger.get(f"/api/sessions/{ann.name}")
    assert (answer.status, answer.code) == (403, "SESSION_FORBIDDEN")
    assert "heron-4711" not in str(await bob.state())


async def test_04_escalate(visitor: Visitor) -> None:
    await visitor.new()
    assert (await visitor.escalate()).body["data"]["status"] == "pending_manual"


async def test_05_the_ai_is_blocked_after_that(visitor: Visitor) -> None:
    await visitor.new()
    await visitor.escalate()
    assert (await visitor.chat("hello?")).code == "MANUAL_IN_PROGRESS"


async def test_06_takeover(visitor: Visitor, agent: Agent) -> None:
    await visitor.new()
    await visitor.escalate()
    assert (await agent.takeover(visitor.name)).body["data"]["status"] == "manual_live"


async def test_07_message(visitor: Visitor, agent: Agent) -> None:
    await visitor.new()
    await visitor.escalate()
    await agent.takeover(visitor.name)
    answer = await agent.say(visitor.name, "hello")
    assert set(answer.body["data"]) >= {"message_id", "timestamp"}


async def test_08_release(visitor: Visitor, agent: Agent) -> None:
    await visitor.new()
    await visitor.escalate()
    await agent.takeover(visitor.name)
    assert (await agent.release(visitor.name)).body["data"]["status"] == "bot_active"
    assert (await visitor.chat("hello again")).status == 200


async def test_09_list(visitor: Visitor, agent: Agent) -> None:
    await visitor.new()
    await visitor.escalate()
    answer = await agent.get("/api/sessions?status=pending_manual&limit=100")
    data = answer.body["data"]
    assert visitor.name in [s["session_name"] for s in data["sessions"]]
    assert {"total", "limit", "offset", "has_more"} <= set(data)


async def test_10_stats(agent: Agent) -> None:
    data = (await agent.get("/api/sessions/stats")).body["data"]
    assert {
        "total_sessions",
        "active_sessions",
        "by_status",
        "avg_waiting_time",
        "max_waiting_time",
        "avg_service_time",
        "active_agents",
        "by_escalation_reason",
        "today",
        "ai_quality",
        "agent_efficiency",
    } <= set(data)
    assert data["total_sessions"] == sum(data["by_status"].values())


async def test_11_and_12_both_type_checks_pass() -> None:
    web = ROOT / "web"
    env_path = f"{ROOT / '.venv/bin'}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        ["npm", "run", "--silent", "typecheck"],
        cwd=web,
        env={"PATH": env_path, "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
