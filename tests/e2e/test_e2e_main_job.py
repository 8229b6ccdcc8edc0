"""The main job: the AI answers, a person takes over, the AI comes back."""

import asyncio
import re

import pytest
from common.testing.waiting import PATIENCE_SECONDS

from dev.actors import Agent, Visitor, text_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("e2e")]


async def test_a_new_visitor_gets_a_conversation_and_a_streamed_answer(visitor: Visitor) -> None:
    answer = await visitor.new()
    assert answer.status == 200
    assert answer.body["success"] is True
    assert re.fullmatch(r"\d{19}", answer.body["conversation_id"])
    assert visitor.name
    assert visitor.headers["X-Visitor-Token"]

    items = await visitor.stream("Where is my order?")
    assert items[0]["type"] == "meta"
    assert items[0]["session_name"] == visitor.name
    assert items[0]["conversation_id"] == answer.body["conversation_id"]
    assert [i["type"] for i in items].count("message") > 1, "it streams"
    assert items[-1] == {"type": "done", "content": ""}
    assert len(text_of(items)) > 20


async def test_a_sync_answer_equals_what_the_log_keeps(visitor: Visitor) -> None:
    await visitor.new()
    answer = await visitor.chat("电池续航多少公里？")
    assert answer.status == 200
    assert answer.body["success"] is True
    history = (await visitor.state())["history"]
    assert [m["role"] for m in history] == ["user", "assistant"]
    assert history[1]["content"] == answer.body["message"]
    assert [m["seq"] for m in history] == sorted(m["seq"] for m in history)


async def test_a_first_chat_without_any_id_makes_a_session_of_its_own(new_visitor) -> None:
    one, two = new_visitor(), new_visitor()
    await one.chat("hello")
    await two.chat("hello")
    assert one.name
    assert two.name
    assert one.name != two.name
    assert (await one.state())["conversation_id"] != (await two.state())["conversation_id"]


@pytest.mark.parametrize(
    "words", ["转人工", "I want a human", "can I talk to a real person please"]
)
async def test_who_asks_for_a_person_is_escalated_without_an_ai_answer(
    visitor: Visitor, words: str
) -> None:
    await visitor.new()
    items = await visitor.stream(words)
    assert [i["type"] for i in items] == ["meta", "status_change", "message", "done"]
    assert items[1]["status"] == "pending_manual"
    for refused in (await visitor.chat("hello?"), await visitor.chat("still there?")):
        assert (refused.status, refused.code) == (409, "MANUAL_IN_PROGRESS")
    again = await visitor.stream("hello?")
    assert again[0]["status"] == 409
    assert again[0]["error"]["code"] == "MANUAL_IN_PROGRESS"


async def test_the_whole_story_on_both_event_streams(
    visitor: Visitor, agent: Agent, second_agent: Agent
) -> None:
    await visitor.new()
    await visitor.chat("How long does delivery take?")
    async with visitor.events() as seen, agent.events() as queue:
        ready = await seen.until("ready")
        assert ready.data["status"] == "bot_active"
        await queue.until("ready")

        escalated = await visitor.escalate()
        assert escalated.status == 200
        assert escalated.body["is_in_shift"] is True
        assert escalated.body["data"]["status"] == "pending_manual"
        await seen.until(
            lambda f: f.event == "status_change" and f.data["status"] == "pending_manual"
        )
        await queue.until(
            lambda f: (
                f.data.get("session", {}).get("session_name") == visitor.name
                and f.data["session"]["status"] == "pending_manual"
            )
        )

        listed = await agent.get("/api/sessions?status=pending_manual")
        assert visitor.name in [s["session_name"] for s in listed.body["data"]["sessions"]]

        taken = await agent.takeover(visitor.name)
        assert taken.status == 200
        assert taken.body["data"]["assigned_agent"]["id"] == agent.id
        late = await second_agent.takeover(visitor.name)
        assert (late.status, late.code) == (409, "ALREADY_TAKEN")
        assert late.body["error"]["details"]["agent_name"]

        said = await agent.say(visitor.name, "Hello, this is Ann.", client_message_id="hello-1")
        twice = await agent.say(visitor.name, "Hello, this is Ann.", client_message_id="hello-1")
        assert said.body["data"] == twice.body["data"]
        await seen.until(lambda f: f.data.get("content") == "Hello, this is Ann.")
        await visitor.say("Hi Ann!")
        await queue.until(lambda f: f.data.get("content") == "Hi Ann!")
        assert len([f for f in seen.frames if f.data.get("content") == "Hello, this is Ann."]) == 1

        released = await agent.release(visitor.name)
        assert released.body["data"]["status"] == "bot_active"
        await seen.until(lambda f: f.event == "status_change" and f.data["status"] == "bot_active")
        answer = await visitor.chat("And what is the warranty?")
        assert answer.status == 200

    trail = (await agent.get(f"/api/sessions/{visitor.name}")).body["data"]["audit_trail"]
    assert [(t["from"], t["to"]) for t in trail] == [
        ("bot_active", "pending_manual"),
        ("pending_manual", "manual_live"),
        ("manual_live", "bot_active"),
    ]
    roles = [m["role"] for m in await agent.messages(visitor.name)]
    assert roles[:2] == ["user", "assistant"]
    assert roles[-2:] == ["user", "assistant"]
    assert {"system", "agent"} <= set(roles)


async def test_a_cut_stream_resumes_without_gap_or_double(visitor: Visitor, agent: Agent) -> None:
    await visitor.new()
    await visitor.escalate()
    await agent.takeover(visitor.name)
    async with visitor.events() as first:
        await first.until("ready")
        await agent.say(visitor.name, "one")
        await first.until(lambda f: f.data.get("content") == "one")
        last = first.last_id
    await agent.say(visitor.name, "two")
    await agent.say(visitor.name, "three")
    async with visitor.events(last_id=last) as second:
        await second.until(lambda f: f.data.get("content") == "three")
        await agent.say(visitor.name, "four")
        await second.until(lambda f: f.data.get("content") == "four")
        words = [f.data["content"] for f in second.of("manual_message")]
    assert words == ["two", "three", "four"]


async def test_a_takeover_while_the_ai_streams_cuts_the_stream_and_stores_nothing_after(
    visitor: Visitor, agent: Agent
) -> None:
    await visitor.new()
    items: list[dict] = []
    started = asyncio.Event()

    async def listen() -> None:
        async for item in visitor.streaming("[[sim:slow_drip]] tell me everything"):
            items.append(item)
            if item["type"] == "message":
                started.set()

    listening = asyncio.ensure_future(listen())
    await asyncio.wait_for(started.wait(), PATIENCE_SECONDS)
    await visitor.escalate()
    await agent.takeover(visitor.name)
    await asyncio.wait_for(listening, PATIENCE_SECONDS)
    kinds = [i["type"] for i in items]
    assert "message" not in kinds[kinds.index("status_change") :]
    assert kinds[-1] == "done"
    log = await agent.messages(visitor.name)
    assert "assistant" not in [m["role"] for m in log]


async def test_out_of_hours_one_mail_goes_out_and_the_ai_goes_on(
    visitor: Visitor, admin: Agent, agent: Agent, closed_shop, mails
) -> None:
    await visitor.new()
    await visitor.chat("Hello")
    async with closed_shop():
        answer = await visitor.escalate(message="Please call me", email="ann@example.com")
        assert answer.body["is_in_shift"] is False
        assert answer.body["email_queued"] is True
        assert answer.body["data"]["status"] == "after_hours_email"
        again = await visitor.escalate()
        assert again.body["data"]["status"] == "after_hours_email"
        mail = await mails.one_about(visitor.name)
        assert "Please call me" in mail["text"]
        assert "ann@example.com" in str(mail)
        assert (await visitor.chat("How far does it go?")).status == 200
        state = await mails.recorded(agent, visitor.name)
        assert state["mail"]["sent"] is True
        assert state["mail"]["message_id"]
    assert len(await mails.about(visitor.name)) == 1


async def test_messages_arrive_while_someone_watches(visitor: Visitor, agent: Agent) -> None:
    await visitor.new()
    await visitor.escalate()
    await agent.takeover(visitor.name)
    async with visitor.events() as seen:
        await seen.until("ready")
        for number in range(20):
            await agent.say(visitor.name, f"n{number}")
            await seen.until(lambda f, n=number: f.data.get("content") == f"n{n}")
    words = [f.data["content"] for f in seen.of("manual_message") if f.data["role"] == "agent"]
    assert words == [f"n{n}" for n in range(20)]
