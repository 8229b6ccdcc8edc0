"""A client of a service gives the contract's models, or this process's own failures."""

import json
import logging
from contextlib import asynccontextmanager
from typing import Any

import pytest
from common.app import authorize_scope, bare, build_app, context, read_body, send_json
from common.clients.auth import AuthClient
from common.clients.http import ServiceClient
from common.clients.session_state import SessionStateClient
from common.contracts.auth import Paths as AuthPaths
from common.contracts.sessions import OpenTurn, Paths, RenewLease
from common.errors import AlreadyTaken, Busy, TurnLost, Unauthenticated, Unavailable
from common.logging import request_id, traceparent
from common.security.internal import InternalSigner
from common.settings import ServiceSettings

TICKET = {
    "verdict": "answer",
    "session_name": "a",
    "sid": "s",
    "turn_id": "t",
    "message_id": "m",
    "epoch": 1,
    "language": "zh",
    "status": "bot_active",
    "timestamp": 1.0,
    "a_field_of_tomorrow": True,
}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@asynccontextmanager
async def wire(_: Any):
    yield None


async def left(receive: Any) -> None:
    """Returns when the caller has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Provider:
    """A provider whose answers the test decides."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = TICKET
        self.calls: list[Any] = []
        self.silent = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = context(scope)
        body = await read_body(receive)
        self.calls.append((scope["path"], body, authorize_scope(scope), found))
        if self.silent:
            await left(receive)
        await send_json(send, self.answer, status=self.status)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
async def http(provider, make_settings, test_keys, clock, run_app):
    posts = (Paths.OPEN_TURN, Paths.LEASE, Paths.PRESENCE, AuthPaths.VERIFY_KEY)
    app = build_app(
        name="session-state",
        settings=make_settings(ServiceSettings, drain_seconds=0),
        wire=wire,
        hot=[*(bare("POST", path, provider) for path in posts), bare("GET", Paths.LOG, provider)],
        clock=clock,
    )
    async with (
        run_app(app) as running,
        ServiceClient(
            running.url,
            audience="session-state",
            signer=test_keys.internal("chat-proxy"),
            timeout_seconds=30,
        ) as client,
    ):
        yield client


async def test_an_answer_is_the_contracts_model(http, provider):
    ticket = await SessionStateClient(http).open_turn(OpenTurn(message="hi", session_name="a"))
    assert (ticket.turn_id, ticket.epoch) == ("t", 1)
    [(path, body, caller, _)] = provider.calls
    assert path == Paths.OPEN_TURN
    assert OpenTurn.model_validate_json(body).message == "hi"
    assert (caller.kind, caller.service) == ("service", "chat-proxy")


async def test_an_answer_may_come_in_the_envelope(http, provider):
    provider.answer = {"success": True, "data": TICKET}
    assert (await SessionStateClient(http).open_turn(OpenTurn(message="hi"))).turn_id == "t"


async def test_ids_of_the_request_travel_with_the_call(http, provider):
    tokens = request_id.set("req-12345678"), traceparent.set(TRACE)
    try:
        await SessionStateClient(http).open_turn(OpenTurn(message="hi"))
    finally:
        request_id.reset(tokens[0])
        traceparent.reset(tokens[1])
    found = provider.calls[0][3]
    assert (found.request_id, found.traceparent) == ("req-12345678", TRACE)


async def test_failures_come_back_as_their_own_classes(http, provider):
    provider.status = 409
    provider.answer = {
        "success": False,
        "error": {"code": "ALREADY_TAKEN", "message": "x", "details": {"winner": "Ada"}},
    }
    with pytest.raises(AlreadyTaken) as caught:
        await SessionStateClient(http).open_turn(OpenTurn(message="hi"))
    assert caught.value.details == {"winner": "Ada"}
    provider.answer = {"success": False, "error": {"code": "TURN_LOST", "message": "x"}}
    with pytest.raises(TurnLost):
        await SessionStateClient(http).renew_lease(RenewLease(session_name="a", turn_id="t"))
    provider.status, provider.answer = 503, {"error": {"code": "BUSY", "message": "x"}}
    with pytest.raises(Busy):
        await SessionStateClient(http).open_turn(OpenTurn(message="hi"))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"<html>"),
        (502, b""),
        (409, {"error": "text"}),
        (409, {"error": {"code": "CODE_OF_TOMORROW", "message": "x"}}),
        (409, {"error": {"code": 7, "details": []}}),
        (302, b""),
        (200, b"no json"),
        (200, {"verdict": "nonsense"}),
    ],
)
async def test_what_cannot_be_understood_is_unavailable(http, provider, status, answer):
    provider.status, provider.answer = status, answer
    with pytest.raises(Unavailable):
        await SessionStateClient(http).open_turn(OpenTurn(message="hi"))


async def test_silence_is_unavailable_in_time(http, provider):
    provider.silent = True
    with pytest.raises(Unavailable) as caught:
        await http.call("POST", Paths.LEASE, timeout_seconds=0.05)
    assert caught.value.details["service"] == "session-state"


async def test_nobody_there_is_unavailable(test_keys):
    signer = test_keys.internal("gateway")
    async with ServiceClient("http://127.0.0.1:9", audience="auth", signer=signer) as client:
        with pytest.raises(Unavailable):
            await AuthClient(client).agents_seen(["ada"])


async def test_a_wrong_secret_is_refused(http, provider, clock):
    signer = InternalSigner("another-secret-of-this-test-00001", "chat-proxy", clock)
    base = http.base_url
    async with ServiceClient(base, audience="session-state", signer=signer) as client:
        with pytest.raises(Unauthenticated):
            await SessionStateClient(client).open_turn(OpenTurn(message="hi"))
    assert provider.calls == []


async def test_the_log_is_asked_for_by_name_and_position(http, provider):
    provider.answer = {
        "session_name": "a",
        "sid": "s",
        "generation": "g",
        "status": "bot_active",
        "epoch": 1,
        "newest_seq": 9,
    }
    page = await SessionStateClient(http).log("session_a", after=7, limit=2, audience="a")
    assert page.newest_seq == 9
    [(path, _, _, found)] = provider.calls
    assert path == "/internal/sessions/session_a/log"
    assert found.session_name == "session_a"


async def test_any_number_of_visitors_is_seen(http, provider):
    names = [f"s{number}" for number in range(4500)]
    await SessionStateClient(http).seen(names)
    reports = [json.loads(body)["sessions"] for _, body, _, _ in provider.calls]
    assert len(reports) > 1
    assert [name for report in reports for name in report] == names


async def test_a_key_is_verified_once_a_second(http, provider, clock):
    provider.answer = {"valid": True, "id": "k", "scopes": ["read"]}
    client = AuthClient(http, clock)
    for _ in range(5):
        assert (await client.verify_key("key-of-a-shop")).valid
    assert len(provider.calls) == 1
    provider.answer = {"valid": False}
    clock.advance(1)
    assert not (await client.verify_key("key-of-a-shop")).valid
    assert (await client.verify_key("another")).valid is False
    assert len(provider.calls) == 3


async def test_connections_are_used_again(http, provider):
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for _ in range(20):
        await SessionStateClient(http).open_turn(OpenTurn(message="hi"))
    ports = {call[3].caller.address for call in provider.calls}
    assert ports == {"127.0.0.1"}
    assert len(http.upstream._idle) == 1
