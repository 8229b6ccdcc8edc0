"""The simulator keeps the protocol: tokens, identities, the exact stream, history and control."""

import asyncio
import time

import aiohttp
import pytest
from common.testing.waiting import PATIENCE_SECONDS

from dev.simulator.keys import make_key_pair
from dev.simulator.testing import running_simulator
from dev.tests.simulator_caller import Caller, deltas, frames


async def test_a_token_names_its_end_as_an_instant(caller):
    before = int(time.time())
    status, body = await caller.exchange(caller.assertion(), duration_seconds=600)
    assert status == 200
    assert set(body) == {"access_token", "expires_in", "token_type"}
    assert before + 600 <= body["expires_in"] <= time.time() + 600


@pytest.mark.parametrize(
    ("bent", "said"),
    [
        ({"kid": "unknown"}, "kid not been registred"),
        ({"aud": "api.coze.cn"}, "invalid jwt"),
        ({"iss": "someone"}, "invalid jwt"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "exp"),
        ({"jti": None}, "jti"),
        ({"jti": "short"}, "jti"),
    ],
)
async def test_a_wrong_assertion_is_refused_in_the_words_of_coze(caller, bent, said):
    status, body = await caller.exchange(caller.assertion(**bent))
    assert status == 401
    assert body["error"] == body["error_code"] == "invalid_client"
    assert said in body["error_message"]


async def test_an_assertion_of_another_key_is_refused(caller):
    status, _ = await caller.exchange(caller.assertion(key=make_key_pair().private_pem))
    assert status == 401


async def test_an_assertion_counts_once(caller):
    assertion = caller.assertion()
    assert (await caller.exchange(assertion))[0] == 200
    status, body = await caller.exchange(assertion)
    assert (status, body["error_message"]) == (401, "invalid jwt: jti has been used")


async def test_a_wrong_grant_type_or_lifetime_is_refused(caller):
    status, body = await caller.exchange(caller.assertion(), grant_type="password")
    assert (status, body["error"]) == (400, "unsupported_grant_type")
    status, body = await caller.exchange(caller.assertion(), duration_seconds=86400)
    assert (status, body["error"]) == (400, "invalid_request")


async def test_without_a_token_nothing_answers(caller):
    for method, path in (
        ("POST", "/v1/conversation/create"),
        ("POST", "/v1/workflows/chat"),
        ("POST", "/v1/conversation/message/list?conversation_id=1"),
        ("POST", "/v3/chat/cancel"),
        ("GET", "/v1/bots/1"),
    ):
        answer = await caller.call(method, path, "wrong")
        assert (answer["status"], answer["code"]) == (401, 700012006)


async def test_an_unknown_path_is_404(caller):
    assert (await caller.call("GET", "/nowhere"))["status"] == 404


async def test_the_stream_is_framed_as_coze_frames_it(caller):
    token = await caller.token()
    conversation = await caller.conversation(token)
    async with caller.open_chat(token, "How far can I ride?", conversation) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-tt-logid"]
        found = frames(await answer.read())
    events = [event for event, _ in found]
    assert events[:2] == ["conversation.chat.created", "conversation.chat.in_progress"]
    assert events[-2:] == ["conversation.chat.completed", "done"]
    by_type = {data.get("type") for event, data in found if event.endswith("message.completed")}
    assert by_type == {"answer", "verbose", "follow_up"}
    whole = next(
        data["content"]
        for event, data in found
        if event.endswith("message.completed") and data["type"] == "answer"
    )
    assert deltas(found) == whole
    assert len({data["id"] for event, data in found if event.endswith("delta")}) == 1
    assert found[-2][1]["usage"]["token_count"] > 0
    assert all(data["conversation_id"] == conversation for _, data in found[:-1])


async def test_the_assistant_remembers_the_turns_before(caller):
    token = await caller.token()
    conversation = await caller.conversation(token)
    await caller.ask(token, "What is the range?", conversation)
    assert "300 km" in await caller.ask(token, "And how far with two batteries?", conversation)
    other = await caller.conversation(token)
    assert "300 km" not in await caller.ask(token, "And how far with two batteries?", other)


async def test_a_scripted_answer_is_streamed_like_any_other_and_told_once(caller):
    told, other = await caller.token("visitor_a"), await caller.token("visitor_b")
    answer = {"deltas": ["<b", ">**bo", "ld\n"], "follow_ups": ["<i>?"]}
    script = {"session_name": "visitor_a", "answers": [answer]}
    assert (await caller.call("POST", "/sim/answers", json=script))["scripted"] == 1
    assert "<b>" not in await caller.ask(other, "hello")
    found = frames(await caller.chat(told, "hello"))
    sent = [data["content"] for event, data in found if event.endswith("message.delta")]
    assert sent == answer["deltas"]
    said = {data["type"]: data["content"] for event, data in found if event.endswith("e.completed")}
    assert (said["answer"], said["follow_up"]) == ("<b>**bold\n", "<i>?")
    assert "<b>" not in await caller.ask(told, "hello")
    assert (await caller.call("POST", "/sim/answers", json={"answers": [{}]}))["status"] == 400


async def test_another_sessions_conversation_is_refused(caller):
    owner, stranger = await caller.token("visitor_a"), await caller.token("visitor_b")
    conversation = await caller.conversation(owner)
    refusal = b'"code":4101'
    assert refusal in await caller.chat(stranger, "hello", conversation)
    listed = await caller.call(
        "POST", f"/v1/conversation/message/list?conversation_id={conversation}", stranger, json={}
    )
    assert listed["code"] == 4101
    # The name in the body changes nothing: the session is the token's.
    assert refusal in await caller.chat(stranger, "hi", conversation, session_name="visitor_a")
    assert caller.simulator.count("foreign_conversation", "visitor_b") == 3


async def test_an_unknown_conversation_is_refused(caller):
    token = await caller.token()
    assert b'"code":4001' in await caller.chat(token, "hello", "7379462189365198898")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"workflow_id": None}, 4000),
        ({"workflow_id": "1"}, 4200),
        ({"additional_messages": []}, 4000),
        ({"additional_messages": [{"role": "assistant", "content": "x"}]}, 4000),
        ({"additional_messages": [{"role": "user", "content": "x"}] * 51}, 4000),
        ({"bot_id": "1"}, 4000),
        ({"parameters": []}, 200),
        ({"parameters": "text"}, 4000),
    ],
)
async def test_a_wrong_request_is_a_code_under_http_200(caller, more, code):
    token = await caller.token()
    body = await caller.chat(token, "hello", **more)
    assert (b'"code":%d' % code in body) is (code != 200)


async def test_a_second_turn_in_a_running_conversation_is_4016(caller):
    token = await caller.token()
    conversation = await caller.conversation(token)
    async with caller.open_chat(token, "[[sim:hang_mid=1]] range", conversation) as first:
        await first.content.readuntil(b"message.delta")
        assert b'"code":4016' in await caller.chat(token, "hello", conversation)


async def test_a_cancelled_chat_ends_its_stream_and_cannot_be_cancelled_twice(caller):
    token = await caller.token()
    conversation = await caller.conversation(token)
    async with caller.open_chat(token, "[[sim:slow_drip=0.2]] range", conversation) as stream:
        seen = await stream.content.readuntil(b"message.delta")
        chat_id = frames(seen[: seen.index(b"\n\n") + 2])[0][1]["id"]
        body = {"chat_id": chat_id, "conversation_id": conversation}
        assert (await caller.call("POST", "/v3/chat/cancel", token, json=body))["code"] == 0
        rest = await stream.read()
    assert b"event: conversation.chat.canceled" in rest
    assert b"chat.completed" not in rest
    again = await caller.call("POST", "/v3/chat/cancel", token, json=body)
    assert again["code"] == 4104
    query = f"?conversation_id={conversation}&chat_id={chat_id}"
    for method in ("GET", "POST"):
        shown = await caller.call(method, f"/v3/chat/retrieve{query}", token)
        assert shown["data"]["status"] == "canceled"
    assert caller.simulator.count("canceled", "visitor_a") == 1


async def test_a_caller_who_leaves_frees_the_conversation(caller):
    token = await caller.token()
    conversation = await caller.conversation(token)
    async with caller.open_chat(token, "[[sim:hang_mid=1]] range", conversation) as stream:
        await stream.content.readuntil(b"message.delta")
        stream.close()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while b'"code":4016' in await caller.chat(token, "hello", conversation):
            pass


async def test_history_is_paged_along_the_chosen_order(caller):
    token = await caller.token()
    conversation = await caller.conversation(token)
    for question in ("one", "two", "three"):
        await caller.ask(token, question, conversation)
    path = f"/v1/conversation/message/list?conversation_id={conversation}"
    first = await caller.call("POST", path, token, json={"order": "asc", "limit": 4})
    assert [m["role"] for m in first["data"]] == ["user", "assistant"] * 2
    assert first["has_more"] is True
    rest = await caller.call(
        "POST", path, token, json={"order": "asc", "after_id": first["last_id"]}
    )
    assert rest["data"][0]["content"] == "three"
    newest = await caller.call("POST", path, token, json={"limit": 1, "before_id": None})
    assert newest["data"][0]["role"] == "assistant"


async def test_armed_faults_meet_whom_they_are_meant_for_and_are_used_up(caller):
    mine, other = await caller.token("visitor_a"), await caller.token("visitor_b")
    await caller.call(
        "POST", "/sim/faults", json={"session_name": "visitor_a", "fault": "code=4020", "times": 2}
    )
    assert b"chat.completed" in await caller.chat(other, "hello")
    assert b'"code":4020' in await caller.chat(mine, "hello")
    assert b'"code":4020' in await caller.chat(mine, "hello")
    assert b"chat.completed" in await caller.chat(mine, "hello")


async def test_a_fault_can_stand_before_any_endpoint(caller):
    await caller.call("POST", "/sim/faults", json={"fault": "503", "at": "token"})
    status, _ = await caller.exchange(caller.assertion())
    assert status == 503
    token = await caller.token()
    await caller.call("POST", "/sim/faults", json={"fault": "5000", "at": "conversation"})
    answer = await caller.call("POST", "/v1/conversation/create", token, json={})
    assert answer["code"] == 5000


async def test_unknown_faults_are_refused_loudly(caller):
    assert (await caller.call("POST", "/sim/faults", json={"fault": "nonsense"}))["status"] == 400
    wrong_place = {"fault": "hang", "at": "moon"}
    assert (await caller.call("POST", "/sim/faults", json=wrong_place))["status"] == 400
    token = await caller.token()
    for call in ("[[sim:nonsense]]", "[[sim:slow_drip=fast]]", "[[sim:99]]"):
        assert b'"code":4000' in await caller.chat(token, call)


async def test_reset_disarms_and_forgets(caller):
    await caller.call("POST", "/sim/faults", json={"fault": "503", "times": None})
    token = await caller.token()
    await caller.call("POST", "/sim/reset", json={})
    assert (await caller.call("GET", "/sim/faults"))["armed"] == []
    assert (await caller.call("GET", "/sim/calls"))["total"] == {}
    assert b"chat.completed" in await caller.chat(token, "hello")
    await caller.call("POST", "/sim/reset", json={"all": True})
    async with caller.open_chat(token, "hello") as answer:
        assert answer.status == 401


async def test_calls_are_counted_a_session(caller):
    token = await caller.token("visitor_a")
    await caller.ask(token, "hello", await caller.conversation(token))
    calls = await caller.call("GET", "/sim/calls?session_name=visitor_a")
    assert calls["total"] == {"token": 1, "conversation": 1, "chat": 1}
    assert calls["recent"][-1]["outcome"] == "completed"
    assert calls["recent"][-1]["body"]["app_id"] == "123"


async def test_bench_streams_exactly_the_asked_chunks(caller):
    async with running_simulator(bench_chunks=7, bench_gap_ms=1) as simulator:
        fast = Caller(simulator, caller.http)
        found = frames(await fast.chat(await fast.token(), "[[sim:bench]]"))
    pieces = [data["content"] for event, data in found if event.endswith("message.delta")]
    assert [int(piece.split()[0]) for piece in pieces] == list(range(7))
    sent = [int(piece.split()[1]) for piece in pieces]
    assert sent == sorted(sent)
    assert found[-1][0] == "done"


async def test_conversations_survive_a_restart_with_a_data_file(tmp_path, caller):
    data_file = tmp_path / "coze.jsonl"
    async with running_simulator(data_file=data_file) as simulator:
        before = Caller(simulator, caller.http)
        token = await before.token()
        conversation = await before.conversation(token)
        await before.ask(token, "my name is Ada", conversation)
    with data_file.open("ab") as file:
        file.write(b'{"conversation": "half a li')
    async with running_simulator(data_file=data_file) as simulator:
        after = Caller(simulator, caller.http)
        answer = await after.ask(await after.token(), "what is my name?", conversation)
    assert "Ada" in answer


async def test_what_is_not_http_gets_400(simulator):
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(b"nonsense\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_a_chunked_request_body_is_read(caller):
    async def body():
        yield b'{"grant_type":'
        yield b'"x"}'

    url = f"{caller.simulator.base_url}/api/permission/oauth2/token"
    async with aiohttp.ClientSession() as http, http.post(url, data=body()) as answer:
        assert (await answer.json())["error"] == "unsupported_grant_type"
