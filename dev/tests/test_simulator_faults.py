"""Each fault shows on the wire as its name says."""

import asyncio
import json
import zlib

import aiohttp
import pytest
from common.testing.waiting import PATIENCE_SECONDS

from dev.simulator.faults import FAULTS
from dev.tests.simulator_caller import deltas, frames

QUESTION = "How far can I ride?"


async def raw(caller, text, *, limit=10_000_000):
    """The bytes of the whole answer, head and chunks as they are, and how the connection ended."""
    token = await caller.token()
    body = json.dumps(
        {
            "workflow_id": caller.simulator.workflow_id,
            "additional_messages": [{"role": "user", "content": text, "content_type": "text"}],
        }
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.simulator.port)
    writer.write(
        b"POST /v1/workflows/chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
        % (token.encode(), len(body), body)
    )
    seen, ending = bytearray(), "eof"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(seen) < limit and (data := await reader.read(65536)):
                seen += data
    except ConnectionResetError:
        ending = "reset"
    writer.close()
    return bytes(seen), ending


async def chat(caller, text):
    token = await caller.token()
    conversation = await caller.conversation(token)
    return await caller.chat(token, f"{text} {QUESTION}", conversation)


async def test_every_listed_fault_is_listed_over_http_with_its_meaning(caller):
    listed = (await caller.call("GET", "/sim/faults"))["faults"]
    assert set(listed) == set(FAULTS)
    assert all(entry["about"] for entry in listed.values())


async def test_refuse_resets_before_a_byte(caller):
    assert await raw(caller, "[[sim:refuse]]") == (b"", "reset")


async def test_hang_never_sends_a_byte(caller):
    token = await caller.token()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await raw(caller, "[[sim:hang=0.2]]") == (b"", "eof")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await caller.chat(token, "[[sim:hang]]")


async def test_half_head_and_garbage_are_not_http(caller):
    head, _ = await raw(caller, "[[sim:half_head]]")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"\r\n\r\n" not in head
    garbage, _ = await raw(caller, "[[sim:garbage_http]]")
    assert not garbage.startswith(b"HTTP/")


@pytest.mark.parametrize("status", [401, 404, 429, 500, 502, 503, "http_504"])
async def test_a_status_is_answered_with_a_json_body(caller, status):
    token = await caller.token()
    async with caller.open_chat(token, f"[[sim:{status}]]") as answer:
        assert answer.status == int(str(status)[-3:])
        assert (await answer.json())["code"]


@pytest.mark.parametrize("code", ["4016", "4020", "code_4100", "720702204"])
async def test_a_code_is_answered_under_http_200(caller, code):
    token = await caller.token()
    async with caller.open_chat(token, f"[[sim:{code}]]") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        body = await answer.json()
    assert body["code"] == int(code.removeprefix("code_"))
    assert body["detail"]["logid"] == answer.headers["x-tt-logid"]


async def test_wrong_types_and_empty_bodies(caller):
    token = await caller.token()
    async with caller.open_chat(token, "[[sim:wrong_type]]") as answer:
        assert answer.content_type == "text/html"
    async with caller.open_chat(token, "[[sim:html]]") as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")
    async with caller.open_chat(token, "[[sim:empty_body]]") as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.read() == b""


async def test_garbage_holds_no_frame(caller):
    assert b"event: conversation" not in await chat(caller, "[[sim:garbage]]")


async def test_comments_only_come_without_end(caller):
    seen, _ = await raw(caller, "[[sim:comments_only=0.001]]", limit=2000)
    assert seen.count(b": still here") > 10
    assert b"data:" not in seen


async def test_a_long_line_has_no_end(caller):
    seen, _ = await raw(caller, "[[sim:long_line=3]]")
    body = seen.split(b"\r\n\r\n", 1)[1]
    assert len(body) > 3 * 1024 * 1024
    assert body.count(b"\n\n") == 0


async def test_the_gzip_bomb_is_small_on_the_wire_and_huge_inside(caller):
    token = await caller.token()
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        type(caller)(caller.simulator, http).open_chat(token, "[[sim:gzip_bomb=20]]") as answer,
    ):
        assert answer.headers["content-encoding"] == "gzip"
        packed = await answer.read()
    assert len(packed) < 200_000
    assert len(zlib.decompressobj(31).decompress(packed)) > 20 * 1024 * 1024


async def test_an_expired_token_is_dead_for_good_and_a_new_one_lives(caller):
    token = await caller.token()
    async with caller.open_chat(token, "[[sim:token_expired]]") as answer:
        assert answer.status == 401
        assert (await answer.json())["code"] == 700012006
    async with caller.open_chat(token, "hello") as answer:
        assert answer.status == 401
    assert b"chat.completed" in await caller.chat(await caller.token(), "hello")


async def test_a_short_token_dies_though_it_promises_more(caller):
    caller.simulator.arm("token_short=0", at="token")
    _, body = await caller.exchange(caller.assertion())
    async with caller.open_chat(body["access_token"], "hello") as answer:
        assert answer.status == 401


async def test_a_relative_expiry_is_a_small_number(caller):
    caller.simulator.arm("expires_relative", at="token")
    _, body = await caller.exchange(caller.assertion(), duration_seconds=77)
    assert body["expires_in"] == 77


@pytest.mark.parametrize(
    "fault", ["slow_headers=0.1", "slow_first_token=0.1", "slow_body=0.1", "slow_drip=0.001"]
)
async def test_slow_answers_are_whole_all_the_same(caller, fault):
    assert "| Titan |" in deltas(frames(await chat(caller, f"[[sim:{fault}]]")))


async def test_hang_mid_falls_silent_after_some_deltas(caller):
    token = await caller.token()
    async with caller.open_chat(token, f"[[sim:hang_mid=2]]{QUESTION}") as answer:
        seen = await answer.content.readuntil(b"message.delta")
        seen += await answer.content.readuntil(b"message.delta")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer.content.readuntil(b"message.delta"), 0.5)
    assert seen.count(b"event: conversation.message.delta") == 2


@pytest.mark.parametrize(
    ("fault", "event", "late"),
    [
        ("error_event", b'event: error\ndata: {"code":"5000"', False),
        ("error_event=4000", b'event: error\ndata: {"code":"4000"', False),
        ("error_event_late", b'event: error\ndata: {"code":"5000"', True),
        ("error_int", b'event: error\ndata: {"code":5000', False),
        ("error_text", b"event: error\ndata: internal server error\n\n", False),
        ("error_text_late", b"event: error\ndata: internal server error\n\n", True),
        ("failed_code", b'chat.failed\ndata: {"code":"720702204"', False),
        ("failed_code_late", b'chat.failed\ndata: {"code":"720702204"', True),
        ("failed_chat", b'"last_error":{"code":5000', False),
        ("failed_chat_late", b'"last_error":{"code":5000', True),
        ("json_in_stream", b'\n\n{"code":5000,', False),
    ],
)
async def test_failures_inside_the_stream(caller, fault, event, late):
    seen = await chat(caller, f"[[sim:{fault}]]")
    assert event in seen
    assert (b"message.delta" in seen) is late
    assert b"chat.completed" not in seen


async def test_requires_action_asks_as_an_ordinary_answer(caller):
    found = frames(await chat(caller, "[[sim:requires_action]]"))
    assert "Which model" in deltas(found)
    assert found[-2][0] == "conversation.chat.requires_action"
    assert found[-2][1]["status"] == "requires_action"


@pytest.mark.parametrize(
    ("fault", "ending", "begun", "last_chunk"),
    [
        ("truncated", "eof", True, True),
        ("truncated_first", "eof", False, True),
        ("half_frame", "eof", True, True),
        ("disconnect", "eof", True, False),
        ("reset", "reset", True, False),
        ("reset_first", "reset", False, False),
    ],
)
async def test_streams_that_break_off(caller, fault, ending, begun, last_chunk):
    seen, how = await raw(caller, f"[[sim:{fault}]] {QUESTION}")
    assert how == ending
    assert (b"message.delta" in seen) is begun
    assert seen.endswith(b"\r\n0\r\n\r\n") is last_chunk
    assert b"chat.completed" not in seen


async def test_half_a_frame_is_the_last_that_comes(caller):
    seen = await chat(caller, "[[sim:half_frame]]")
    assert not seen.endswith(b"\n\n")
    assert seen.rsplit(b"\n\n", 1)[1].startswith(b"event: conversation.message.delta")


async def test_frames_that_cannot_be_read(caller):
    assert b'data: {"id": "1", "content": \n\n' in await chat(caller, "[[sim:broken_json]]")
    with pytest.raises(UnicodeDecodeError):
        (await chat(caller, "[[sim:invalid_utf8]]")).decode()


async def test_sizes_over_the_limits(caller):
    event = await chat(caller, "[[sim:huge_event=1100]]")
    assert max(len(block) for block in event.split(b"\n\n")) > 1024 * 1024
    answer = frames(await chat(caller, "[[sim:huge_answer=70]]"))
    assert len(deltas(answer)) > 64 * 1024
    endless, _ = await raw(caller, "[[sim:endless=0]]", limit=100_000)
    assert b"chat.completed" not in endless


async def test_answers_without_deltas_or_text(caller):
    only = frames(await chat(caller, "[[sim:only_completed]]"))
    assert deltas(only) == ""
    assert any("| Titan |" in data.get("content", "") for _, data in only)
    empty = frames(await chat(caller, "[[sim:empty]]"))
    assert deltas(empty) == ""
    assert not any("| Titan |" in data.get("content", "") for _, data in empty)
    assert empty[-2][0] == "conversation.chat.completed"


async def test_a_lost_delta_is_seen_only_in_the_whole_text(caller):
    found = frames(await chat(caller, "[[sim:mismatch]]"))
    whole = next(
        d["content"] for e, d in found if e.endswith("message.completed") and d["type"] == "answer"
    )
    assert 0 < len(deltas(found)) < len(whole)


async def test_legal_though_seldom(caller):
    reasoning = frames(await chat(caller, "[[sim:reasoning]]"))
    assert any(d.get("reasoning_content") and d["content"] == "" for _, d in reasoning)
    several = frames(await chat(caller, "[[sim:several_answers]]"))
    assert len({d["id"] for e, d in several if e.endswith("message.delta")}) == 2
    tools = frames(await chat(caller, "[[sim:tools]]"))
    kinds = {d.get("type") for e, d in tools if e.endswith("message.completed")}
    assert {"function_call", "tool_output", "tool_response", "knowledge", ""} <= kinds
    assert "PING" in {e for e, _ in frames(await chat(caller, "[[sim:ping]]"))}


async def test_other_spellings(caller):
    crlf = await chat(caller, "[[sim:crlf]]")
    assert crlf.count(b"\n") == crlf.count(b"\r\n")
    assert b"event:conversation.chat.created\ndata:{" in await chat(caller, "[[sim:no_space]]")
    numbered = await chat(caller, "[[sim:numbered]]")
    assert numbered.startswith(b": sent by a proxy\nid: 1\nretry: 3000\nevent: ")
    assert (await chat(caller, "[[sim:done_quoted]]")).endswith(b'event: done\ndata: "[DONE]"\n\n')
    assert b"event: done" not in await chat(caller, "[[sim:no_done]]")
    several = await chat(caller, "[[sim:crlf]][[sim:no_space]][[sim:done_quoted]]")
    assert several.endswith(b'event:done\r\ndata:"[DONE]"\r\n\r\n')


async def test_separators_are_raw_only_on_request(caller):
    raw_separators = await chat(caller, "[[sim:separators]]")
    for character in "\u2028\u2029\u0085":
        assert character.encode() in raw_separators


async def test_bytes_may_come_one_by_one(caller):
    seen, _ = await raw(caller, "[[sim:split_utf8]] 你好")
    chunks = seen.split(b"\r\n\r\n", 1)[1]
    assert chunks.startswith(b"1\r\ne\r\n1\r\nv\r\n")


async def test_the_line_stays_open_after_done(caller):
    token = await caller.token()
    async with caller.open_chat(token, "[[sim:open_after_done]]") as answer:
        await answer.content.readuntil(b"event: done")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await answer.read()


async def test_overlap_is_refused_as_if_another_turn_ran(caller):
    assert b'"code":4016' in await chat(caller, "[[sim:overlap]]")


async def test_the_sticky_conversation_mixes_sessions_that_name_none(caller):
    one, two = await caller.token("visitor_a"), await caller.token("visitor_b")
    trap = "[[sim:sticky_conversation]]"
    first = frames(await caller.chat(one, f"{trap} my name is Ada"))
    second = frames(await caller.chat(two, f"{trap} what is my name?"))
    assert first[0][1]["conversation_id"] == second[0][1]["conversation_id"]
    assert "Ada" in deltas(second)
    apart = frames(await caller.chat(two, "what is my name?"))
    assert "Ada" not in deltas(apart)
    assert caller.simulator.count("implicit_conversation", "visitor_b") == 2
