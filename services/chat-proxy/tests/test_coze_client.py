"""Calls and streams over real sockets: what is sent, and how every bad reply ends in time."""

import asyncio
import gzip
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from chat_proxy.coze.auth import OAuthApp, Token, TokenKeeper
from chat_proxy.coze.calls import Calls, client_of
from chat_proxy.coze.client import CozeClient, Question, Workflow, exchange_of
from chat_proxy.coze.deadlines import Deadlines
from chat_proxy.coze.decode import Delta, Finished, Item, Limits
from chat_proxy.coze.faults import CozeError, FaultKind
from chat_proxy.coze.streams import AnswerStreams
from common.clients.lines import Upstream
from common.testing.waiting import PATIENCE_SECONDS

TOKEN, CREATE, CHAT = (
    "/api/permission/oauth2/token",
    "/v1/conversation/create",
    "/v1/workflows/chat",
)
PATIENT = Deadlines(connect=30, write=30, pool=30)
# where silence is the fault; elsewhere a busy machine must not be taken for one
HASTY = replace(PATIENT, first_delta=0.8, gap=0.8)


class NoCache:
    async def get(self, session_name: str) -> Token | None:
        return None

    async def put(self, session_name: str, token: Token) -> None:
        return None


@pytest.fixture
async def client(coze_bytes, private_key: str) -> AsyncIterator[CozeClient]:
    base = coze_bytes.base
    app = OAuthApp.at(base, client_id="app-1", key_id="kid", private_key=private_key)
    upstream = Upstream(base, connect_seconds=PATIENT.connect)
    async with client_of(PATIENT, connections=10) as http:
        calls = Calls(http, base, PATIENT)
        exchange = exchange_of(
            calls, app, seconds=900, now=time.time, new_id=lambda: uuid.uuid4().hex
        )
        keeper = TokenKeeper(exchange, NoCache(), now=time.time)
        streams = AnswerStreams(upstream, PATIENT, Limits(), places=2)
        yield CozeClient(calls, streams, keeper, Workflow("wf-1", app_id="app-9"))
    upstream.close()


async def ask(client: CozeClient) -> list[Item]:
    items: list[Item] = []

    def hear(more: Sequence[Item]) -> None:
        items.extend(more)

    question = Question("session_a", "V1", "Hi", {"country": "DE"})
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            await client.ask(question, hear)
        except CozeError as error:
            error.args = (items,)
            raise
    return items


async def test_an_answer_comes_with_the_request_as_documented(client, coze_bytes) -> None:
    items = await ask(client)
    assert [i.text for i in items if isinstance(i, Delta)] == ["Hel", "lo."]
    assert isinstance(items[-1], Finished)
    request = coze_bytes.asked(CHAT)[0]
    assert request.headers["authorization"] == "Bearer czs_1"
    assert request.headers["accept-encoding"] == "identity"
    assert request.body == {
        "workflow_id": "wf-1",
        "app_id": "app-9",
        "conversation_id": "V1",
        "session_name": "session_a",
        "parameters": {"country": "DE", "USER_INPUT": "Hi"},
        "additional_messages": [
            {"role": "user", "type": "question", "content": "Hi", "content_type": "text"}
        ],
    }


async def test_the_token_request_is_as_documented(client, coze_bytes) -> None:
    await ask(client)
    request = coze_bytes.asked(TOKEN)[0]
    assert request.body == {
        "duration_seconds": 900,
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "scope": None,
    }
    assert request.headers["authorization"].count(".") == 2


async def test_a_refused_token_is_signed_anew_once(client, coze_bytes, wire) -> None:
    refused = wire.reply({"code": 700012006, "msg": "access token invalid"}, status=401)
    coze_bytes.on(CHAT, refused, wire.answer("ok"))
    assert len(await ask(client)) == 3
    assert len(coze_bytes.asked(TOKEN)) == 2

    coze_bytes.on(CHAT, refused)
    with pytest.raises(CozeError) as failure:
        await ask(client)
    assert failure.value.fault.kind is FaultKind.AUTH
    assert len(coze_bytes.asked(TOKEN)) == 3


async def test_a_conversation_is_made_by_coze(client, coze_bytes) -> None:
    assert await client.create_conversation("session_a") == "V1"
    assert coze_bytes.asked(CREATE)[0].body == {}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"code": 5000, "msg": "x", "detail": {"logid": "L"}}, 200, FaultKind.SERVER),
        ({"code": 0, "data": {}}, 200, FaultKind.GARBAGE),
        ({"code": 0, "data": {"id": 7}}, 200, FaultKind.GARBAGE),
        (b"<html>", 200, FaultKind.GARBAGE),
        (b"<html>", 502, FaultKind.SERVER),
        (b"", 429, FaultKind.BUSY),
        (b"", 302, FaultKind.GARBAGE),
        (b"x" * 1_100_000, 200, FaultKind.OVERSIZED),
    ],
)
async def test_a_bad_reply_to_a_call_is_a_classified_failure(
    client, coze_bytes, wire, body, status, kind
) -> None:
    coze_bytes.on(CREATE, wire.reply(body, status=status))
    with pytest.raises(CozeError) as failure:
        await client.create_conversation("session_a")
    assert failure.value.fault.kind is kind


async def test_the_log_id_of_a_failure_is_kept(client, coze_bytes, wire) -> None:
    coze_bytes.on(CHAT, wire.stream(wire.event("error", {"code": 5000, "msg": "x"})))
    with pytest.raises(CozeError) as failure:
        await ask(client)
    assert failure.value.fault.logid == "LOG1"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BAD_STREAMS = {
    "json instead of a stream": (lambda w: w.reply({"code": 4000}), FaultKind.INPUT),
    "json without a code": (lambda w: w.reply({"hello": 1}), FaultKind.GARBAGE),
    "html": (lambda w: w.reply(b"<html>", media="text/html"), FaultKind.GARBAGE),
    "429": (lambda w: w.reply(b"", status=429), FaultKind.BUSY),
    "500": (lambda w: w.reply(b"oops", status=500), FaultKind.SERVER),
    "404": (lambda w: w.reply(b"", status=404), FaultKind.INPUT),
    "redirect": (lambda w: w.reply(b"", status=302), FaultKind.GARBAGE),
    "not http": (lambda w: w.raw(b"SSH-2.0-x\r\n\r\n", then_close=True), FaultKind.GARBAGE),
    "hangs": (lambda w: w.hang(), FaultKind.DEADLINE),
    "hangs after the head": (lambda w: w.hang(w.STREAM_HEAD), FaultKind.DEADLINE),
    "comments only": (lambda w: w.drip(b": hb\n\n", seconds=0.01), FaultKind.DEADLINE),
    "pings only": (lambda w: w.drip(b"event: PING\n\n", seconds=0.002), FaultKind.DEADLINE),
    "drips": (lambda w: w.drip(b"data: x", seconds=0.02), FaultKind.DEADLINE),
    "silent after a delta": (
        lambda w: w.hang(w.STREAM_HEAD, w.chunked(w.delta("half"))),
        FaultKind.DEADLINE,
    ),
    "comments after a delta": (
        lambda w: w.drip(
            b": hb\n\n", seconds=0.01, head=w.STREAM_HEAD + w.chunked(w.delta("half"))
        ),
        FaultKind.DEADLINE,
    ),
    "closes at once": (lambda w: w.raw(then_close=True), FaultKind.UNREACHABLE),
    "half frame": (
        lambda w: w.stream(w.CREATED, w.delta("a"), w.COMPLETED[:30]),
        FaultKind.TRUNCATED,
    ),
    "body ends early": (lambda w: w.stream(w.CREATED, w.delta("a")), FaultKind.TRUNCATED),
    "reset": (lambda w: w.stream(w.CREATED, w.delta("a"), end=False), FaultKind.TRUNCATED),
    "garbage": (
        lambda w: w.stream(b"event: conversation.message.delta\ndata: \xff\xfe\n\n"),
        FaultKind.GARBAGE,
    ),
    "endless line": (
        lambda w: w.stream(*[b"x" * 60_000] * 8),
        FaultKind.OVERSIZED,
    ),
    "gzip": (
        lambda w: w.raw(
            HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n",
            gzip.compress(b"\0" * 10_000_000),
            then_close=True,
        ),
        FaultKind.GARBAGE,
    ),
}


@pytest.mark.parametrize("name", BAD_STREAMS)
async def test_a_bad_stream_ends_in_its_failure_in_time(client, coze_bytes, wire, name) -> None:
    script, kind = BAD_STREAMS[name]
    coze_bytes.on(CHAT, script(wire))
    if kind is FaultKind.DEADLINE:
        client._streams._deadlines = HASTY
    with pytest.raises(CozeError) as failure:
        await ask(client)
    assert failure.value.fault.kind is kind
    assert not any(isinstance(item, Finished) for item in failure.value.args[0])


async def test_a_refused_connection_is_unreachable(client, coze_bytes) -> None:
    await client.create_conversation("session_a")
    client._streams._upstream = Upstream("http://127.0.0.1:1")
    with pytest.raises(CozeError) as failure:
        await ask(client)
    assert failure.value.fault.kind is FaultKind.UNREACHABLE


async def test_a_slow_answer_lives_as_long_as_its_events_come(client, coze_bytes, wire) -> None:
    """Longer in all than any gap: each event starts the gap anew."""
    head = wire.STREAM_HEAD

    async def slow(_, writer) -> None:
        writer.write(head)
        for n in range(6):
            writer.write(wire.chunked(wire.delta(str(n))))
            await writer.drain()
            await asyncio.sleep(0.6)
        writer.write(wire.chunked(wire.COMPLETED) + b"0\r\n\r\n")

    client._streams._deadlines = replace(PATIENT, gap=3)
    coze_bytes.on(CHAT, slow)
    assert isinstance((await ask(client))[-1], Finished)


async def test_a_connection_that_stays_open_after_done_does_not_hold_the_answer(
    client, coze_bytes, wire
) -> None:
    events = wire.CREATED + wire.delta("ok") + wire.COMPLETED + wire.DONE
    coze_bytes.on(CHAT, wire.hang(wire.STREAM_HEAD, wire.chunked(events)))
    assert isinstance((await ask(client))[-1], Finished)


async def test_more_streams_than_places_wait_and_are_not_cozes_fault(
    client, coze_bytes, wire
) -> None:
    go_on = asyncio.Event()

    async def held(_, writer) -> None:
        writer.write(wire.STREAM_HEAD)
        while not go_on.is_set():
            writer.write(wire.chunked(b": hb\n\n"))
            await asyncio.wait([asyncio.ensure_future(go_on.wait())], timeout=0.05)
        writer.write(wire.chunked(wire.delta("ok") + wire.COMPLETED))
        writer.write(b"0\r\n\r\n")

    client._streams._deadlines = replace(PATIENT, pool=0.1)
    coze_bytes.on(CHAT, held)
    asking = [asyncio.create_task(ask(client)) for _ in range(2)]
    while len(coze_bytes.asked(CHAT)) < 2:
        await asyncio.wait(asking, timeout=0.01)
    with pytest.raises(CozeError) as failure:
        await ask(client)
    assert failure.value.fault.kind is FaultKind.BUSY
    client._streams._deadlines = PATIENT
    late = asyncio.create_task(ask(client))
    go_on.set()
    for items in await asyncio.gather(*asking, late):
        assert isinstance(items[-1], Finished)
    assert len(coze_bytes.asked(CHAT)) == 3


async def test_cancelling_never_raises(client, coze_bytes, wire) -> None:
    coze_bytes.on("/v3/chat/cancel", wire.reply({"code": 4104, "msg": "finished"}))
    await client.cancel("session_a", "V1", "C1")
    assert coze_bytes.asked("/v3/chat/cancel")[0].body == {"conversation_id": "V1", "chat_id": "C1"}
