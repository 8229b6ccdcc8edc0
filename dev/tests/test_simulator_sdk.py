"""The official SDK of Coze takes the simulator for the real thing."""

import asyncio
import warnings
from collections.abc import AsyncIterator

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's own imports are deprecated, not ours
    import cozepy
from cozepy import (
    AsyncCoze,
    AsyncJWTOAuthApp,
    AsyncTokenAuth,
    ChatEventType,
    ChatStatus,
    Coze,
    CozeAPIError,
    JWTOAuthApp,
    Message,
    MessageType,
    TokenAuth,
)

from dev.simulator.keys import make_key_pair
from dev.simulator.testing import Simulator


def oauth_app(simulator: Simulator, **bent: str) -> AsyncJWTOAuthApp:
    chosen = {
        "client_id": simulator.app_id,
        "private_key": simulator.private_key_pem,
        "public_key_id": simulator.key_id,
        "base_url": simulator.base_url,
        **bent,
    }
    return AsyncJWTOAuthApp(**chosen)


async def signed_in(simulator: Simulator, session: str) -> AsyncCoze:
    token = await oauth_app(simulator).get_access_token(900, session_name=session)
    return AsyncCoze(auth=AsyncTokenAuth(token.access_token), base_url=simulator.base_url)


@pytest.fixture
async def coze(simulator: Simulator) -> AsyncIterator[AsyncCoze]:
    return await signed_in(simulator, "visitor_a")


def question(text: str) -> list[Message]:
    return [Message.build_user_question_text(text)]


async def said(coze: AsyncCoze, simulator: Simulator, text: str, conversation: str) -> str:
    stream = coze.workflows.chat.stream(
        workflow_id=simulator.workflow_id,
        additional_messages=question(text),
        parameters={},
        app_id="123",
        conversation_id=conversation,
    )
    answer = ""
    async for event in stream:
        is_delta = event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA
        if is_delta and event.message.type == MessageType.ANSWER:
            answer += event.message.content
    return answer


async def test_a_conversation_of_several_turns(coze, simulator):
    conversation = await coze.conversations.create(meta_data={"shop": "demo"})
    assert len(conversation.id) == 19
    assert conversation.meta_data == {"shop": "demo"}
    assert conversation.last_section_id
    assert "Titan" in await said(coze, simulator, "What is the range?", conversation.id)
    assert "300 km" in await said(coze, simulator, "and with two batteries?", conversation.id)


async def test_the_events_of_an_answer(coze, simulator):
    conversation = await coze.conversations.create()
    stream = coze.workflows.chat.stream(
        workflow_id=simulator.workflow_id,
        additional_messages=question("你好"),
        conversation_id=conversation.id,
    )
    events = [event async for event in stream]
    assert events[0].event == ChatEventType.CONVERSATION_CHAT_CREATED
    assert events[0].chat.status == ChatStatus.CREATED
    assert events[-1].event == ChatEventType.CONVERSATION_CHAT_COMPLETED
    assert events[-1].chat.status == ChatStatus.COMPLETED
    assert events[-1].chat.usage.token_count > 0
    assert events[0].response.logid
    follow_ups = [
        e.message for e in events if e.message and e.message.type == MessageType.FOLLOW_UP
    ]
    assert 2 <= len(follow_ups) <= 3


async def test_the_synchronous_client(simulator):
    def talk() -> str:
        app = JWTOAuthApp(
            simulator.app_id,
            simulator.private_key_pem,
            simulator.key_id,
            base_url=simulator.base_url,
        )
        token = app.get_access_token(session_name="visitor_s").access_token
        coze = Coze(auth=TokenAuth(token), base_url=simulator.base_url)
        stream = coze.workflows.chat.stream(
            workflow_id=simulator.workflow_id,
            additional_messages=question("[[sim:no_space]] Where is my order?"),
            conversation_id=coze.conversations.create().id,
        )
        return "".join(
            event.message.content
            for event in stream
            if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA
        )

    assert "order number" in await asyncio.to_thread(talk)


async def test_an_error_event_raises(coze, simulator):
    conversation = await coze.conversations.create()
    with pytest.raises(Exception, match="error event"):
        await said(coze, simulator, "[[sim:error_event]]", conversation.id)


async def test_both_shapes_of_a_failed_chat_and_requires_action(coze, simulator):
    conversation = await coze.conversations.create()
    stream = coze.workflows.chat.stream(
        workflow_id=simulator.workflow_id,
        additional_messages=question("[[sim:failed_chat]]"),
        conversation_id=conversation.id,
    )
    last = [event async for event in stream][-1]
    assert last.event == ChatEventType.CONVERSATION_CHAT_FAILED
    assert last.chat.last_error.code == 5000
    assert "Which model" in await said(
        coze, simulator, "[[sim:requires_action]] range", conversation.id
    )


async def test_a_code_under_http_200_raises_with_its_log_id(coze, simulator):
    simulator.arm("code=5000", at="conversation")
    with pytest.raises(CozeAPIError) as raised:
        await coze.conversations.create()
    assert raised.value.code == 5000
    assert raised.value.logid


async def test_history(coze, simulator):
    conversation = await coze.conversations.create()
    await said(coze, simulator, "one", conversation.id)
    await said(coze, simulator, "two", conversation.id)
    listed = await coze.conversations.messages.list(
        conversation_id=conversation.id, order="asc", limit=3
    )
    contents = [message async for message in listed]
    assert [message.role for message in contents] == ["user", "assistant", "user", "assistant"]
    assert contents[2].content == "two"


async def test_retrieve_and_cancel(coze, simulator):
    conversation = await coze.conversations.create()
    stream = coze.workflows.chat.stream(
        workflow_id=simulator.workflow_id,
        additional_messages=question("[[sim:slow_drip=0.1]] range"),
        conversation_id=conversation.id,
    )
    statuses = []
    async for event in stream:
        if event.event == ChatEventType.CONVERSATION_CHAT_CREATED:
            ids = {"conversation_id": conversation.id, "chat_id": event.chat.id}
            assert (await coze.chat.retrieve(**ids)).status == ChatStatus.IN_PROGRESS
            assert (await coze.chat.cancel(**ids)).status == ChatStatus.CANCELED
        statuses.append(event.event)
    assert ChatEventType.CONVERSATION_CHAT_COMPLETED not in statuses
    with pytest.raises(CozeAPIError) as raised:
        await coze.chat.cancel(**ids)
    assert raised.value.code == 4104


async def test_the_bot(coze):
    bot = await coze.bots.retrieve(bot_id="7400000000000000009")
    assert bot.bot_id == "7400000000000000009"
    assert bot.onboarding_info.suggested_questions


async def test_a_wrong_token(simulator):
    coze = AsyncCoze(auth=AsyncTokenAuth("czs_wrong"), base_url=simulator.base_url)
    with pytest.raises(CozeAPIError) as raised:
        await coze.conversations.create()
    assert raised.value.code == 700012006


@pytest.mark.parametrize(
    "bent",
    [{"client_id": "1"}, {"public_key_id": "other"}, {"private_key": make_key_pair().private_pem}],
)
async def test_a_wrong_app_key_id_or_key(simulator, bent):
    with pytest.raises(CozeAPIError):
        await oauth_app(simulator, **bent).get_access_token(900, session_name="visitor_a")


async def test_another_sessions_conversation(coze, simulator):
    conversation = await coze.conversations.create()
    stranger = await signed_in(simulator, "visitor_b")
    with pytest.raises((CozeAPIError, cozepy.CozeInvalidEventError)):
        await said(stranger, simulator, "hello", conversation.id)
    with pytest.raises(CozeAPIError) as raised:
        await stranger.conversations.messages.list(conversation_id=conversation.id)
    assert raised.value.code == 4101
