"""The guard lets in whom the policy table names, and nobody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import aiohttp
import pytest
from common.app import Chassis, UnguardedRoute, authorize, bare, build_app, ok, send_json
from common.app.build import Edge
from common.app.context import context
from common.contracts.auth import KeyGrant
from common.events.agents import TokensRevoked
from common.security.caller import Caller
from common.settings import ServiceSettings
from fastapi import APIRouter, Depends
from starlette.responses import Response

Who = Annotated[Caller, Depends(authorize)]
router = APIRouter()


def described(caller: Caller) -> dict[str, Any]:
    return {"kind": caller.kind, "address": caller.address, "shop": caller.shop}


@router.get("/api/sessions/stats")
async def stats(caller: Who) -> Response:
    return ok(described(caller))


@router.get("/api/sessions/{name}")
async def read(name: str, caller: Who) -> Response:
    return ok(described(caller))


@router.post("/api/sessions/{name}/takeover")
async def takeover(name: str, caller: Who) -> Response:
    return ok(described(caller))


@router.put("/api/shift/config")
async def configure_shift(caller: Who) -> Response:
    return ok(described(caller))


@router.get("/api/shift/status")
async def status(caller: Who) -> Response:
    return ok(described(caller))


@router.post("/api/sessions/{name}/rating")
async def rate(name: str, caller: Who) -> Response:
    return ok(described(caller))


async def typing(scope: Any, receive: Any, send: Any) -> None:
    await send_json(send, described(context(scope).caller))


@asynccontextmanager
async def wire(chassis: Chassis) -> AsyncIterator[None]:
    chassis.revocations.watch(lambda _now: 0.0)

    async def verify(key: str) -> KeyGrant:
        if key == "reads":
            return KeyGrant(valid=True, id="k1", scopes=["read"])
        return KeyGrant(valid=key == "writes", id="k2", scopes=["write"])

    chassis.verify_keys_with(verify)
    yield None


@pytest.fixture
async def running(make_settings, clock, run_app):
    app = build_app(
        name="session-state",
        settings=make_settings(ServiceSettings),
        wire=wire,
        routers=[router],
        hot=[bare("POST", "/api/sessions/{name}/typing", typing)],
        clock=clock,
    )
    async with run_app(app) as started:
        yield started


@pytest.fixture
async def http(running):
    async with aiohttp.ClientSession(running.url) as session:
        yield session


async def outcome(response) -> tuple[int, str]:
    body = await response.json()
    if response.status >= 400:
        return response.status, body["error"]["code"]
    return response.status, body.get("data", body)["kind"]


async def test_nobody_is_let_in_by_default(http):
    assert await outcome(await http.get("/api/sessions/a")) == (403, "SESSION_FORBIDDEN")
    assert await outcome(await http.post("/api/sessions/a/typing")) == (403, "SESSION_FORBIDDEN")
    assert await outcome(await http.get("/api/sessions/stats")) == (401, "UNAUTHENTICATED")
    response = await http.post("/api/sessions/a/takeover")
    assert await outcome(response) == (401, "UNAUTHENTICATED")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert await outcome(await http.get("/api/shift/status")) == (200, "anyone")


async def test_a_visitor_opens_her_own_session_only(http, test_keys):
    mine = {"X-Visitor-Token": test_keys.visitor_token("a")}
    assert await outcome(await http.get("/api/sessions/a", headers=mine)) == (200, "visitor")
    typed = await http.post("/api/sessions/a/typing", headers=mine)
    assert await outcome(typed) == (200, "visitor")
    for path in ("/api/sessions/b", "/api/sessions/A"):
        found = await outcome(await http.get(path, headers=mine))
        assert found == (403, "SESSION_FORBIDDEN")
    taken = await http.post("/api/sessions/a/takeover", headers=mine)
    assert await outcome(taken) == (401, "UNAUTHENTICATED")
    listed = await http.get("/api/sessions/stats", headers=mine)
    assert await outcome(listed) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("role", "reads", "takes", "configures"),
    [
        ("guest", 403, 403, 403),
        ("agent", 200, 200, 403),
        ("supervisor", 200, 200, 403),
        ("admin", 200, 200, 200),
    ],
)
async def test_each_role_has_the_rights_of_those_before(
    http, test_keys, role, reads, takes, configures
):
    headers = test_keys.agent_header(role=role)
    assert (await http.get("/api/sessions/stats", headers=headers)).status == 200
    assert (await http.get("/api/sessions/a", headers=headers)).status == reads
    assert (await http.post("/api/sessions/a/takeover", headers=headers)).status == takes
    assert (await http.put("/api/shift/config", headers=headers)).status == configures
    # only visitors rate, whatever the role
    assert (await http.post("/api/sessions/a/rating", headers=headers)).status == 403


async def test_tokens_of_the_other_kind_open_nothing(http, test_keys):
    visitor, agent = test_keys.visitor_token("a"), test_keys.agent_token()
    crossed = await http.get("/api/sessions/a", headers={"Authorization": f"Bearer {visitor}"})
    assert await outcome(crossed) == (401, "UNAUTHENTICATED")
    crossed = await http.get("/api/sessions/a", headers={"X-Visitor-Token": agent})
    assert await outcome(crossed) == (403, "SESSION_FORBIDDEN")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "bearer x y", "Token z"])
async def test_a_malformed_authorization_is_unauthenticated(http, header):
    response = await http.get("/api/sessions/stats", headers={"Authorization": header})
    assert await outcome(response) == (401, "UNAUTHENTICATED")


async def test_two_authorizations_are_none(http, test_keys):
    good = test_keys.agent_header()["Authorization"]
    response = await http.get(
        "/api/sessions/stats", headers=[("Authorization", good), ("Authorization", good)]
    )
    assert await outcome(response) == (401, "UNAUTHENTICATED")


async def test_an_expired_login_says_so(http, test_keys, clock):
    headers = test_keys.agent_header()
    clock.advance(899)
    assert (await http.get("/api/sessions/stats", headers=headers)).status == 200
    clock.advance(2)
    expired = await http.get("/api/sessions/stats", headers=headers)
    assert await outcome(expired) == (401, "TOKEN_EXPIRED")


async def test_a_dead_login_does_not_close_what_is_open_to_all(http, test_keys, clock):
    headers = test_keys.agent_header()
    clock.advance(1000)
    assert (await http.get("/api/shift/status", headers=headers)).status == 200


async def test_revoked_tokens_are_dead_at_once(http, running, test_keys, clock):
    headers = test_keys.agent_header("ada")
    assert (await http.get("/api/sessions/stats", headers=headers)).status == 200
    clock.advance(1)
    event = TokensRevoked(agent_id="ada", not_before=clock(), reason="logout")
    running.chassis.revocations.apply(event)
    revoked = await http.get("/api/sessions/stats", headers=headers)
    assert await outcome(revoked) == (401, "TOKEN_REVOKED")
    other = await http.get("/api/sessions/stats", headers=test_keys.agent_header("bob"))
    assert other.status == 200


async def test_a_service_that_is_deaf_trusts_no_agent(http, running, test_keys):
    deaf_for = 0.9
    running.chassis.revocations.watch(lambda _now: deaf_for)
    headers = test_keys.agent_header()
    assert (await http.get("/api/sessions/stats", headers=headers)).status == 200
    deaf_for = 1.1
    deaf = await http.get("/api/sessions/stats", headers=headers)
    assert await outcome(deaf) == (503, "STATE_UNAVAILABLE")
    # visitors' tokens are never revoked, so they need no bus
    mine = {"X-Visitor-Token": test_keys.visitor_token("a")}
    assert (await http.get("/api/sessions/a", headers=mine)).status == 200


async def test_api_keys_open_what_their_scope_names(http):
    reads = {"X-API-Key": "reads"}
    assert await outcome(await http.get("/api/sessions/stats", headers=reads)) == (200, "key")
    assert (await http.get("/api/sessions/a", headers=reads)).status == 403
    wrong = await http.get("/api/sessions/stats", headers={"X-API-Key": "writes"})
    assert await outcome(wrong) == (403, "FORBIDDEN")
    unknown = await http.get("/api/sessions/stats", headers={"X-API-Key": "guessed"})
    assert await outcome(unknown) == (401, "UNAUTHENTICATED")


async def test_address_and_shop_are_believed_from_services_only(http, test_keys):
    told = {"X-Client-Address": "203.0.113.7", "X-Shop": "berlin"}
    alone = (await (await http.get("/api/shift/status", headers=told)).json())["data"]
    assert alone == {"kind": "anyone", "address": "127.0.0.1", "shop": ""}
    credential = {"X-Internal-Token": test_keys.internal("gateway").header("session-state")}
    passed = await http.get("/api/shift/status", headers={**told, **credential})
    assert (await passed.json())["data"] == {
        "kind": "anyone",
        "address": "203.0.113.7",
        "shop": "berlin",
    }
    forged = await http.get("/api/shift/status", headers={**told, "X-Internal-Token": "v1.x"})
    assert forged.status == 401


async def test_the_services_credential_opens_no_public_route(http, test_keys):
    credential = {"X-Internal-Token": test_keys.internal("gateway").header("session-state")}
    assert (await http.get("/api/sessions/stats", headers=credential)).status == 401


async def test_with_the_protection_off_the_tests_above_would_be_red(
    make_settings, test_keys, clock, run_app, monkeypatch
):
    """Canary: the same app, but its guard lets everybody in."""

    async def everybody(found: Any, rule: Any, peer: str) -> Caller:
        return Caller()

    app = build_app(
        name="session-state",
        settings=make_settings(ServiceSettings),
        wire=wire,
        routers=[router],
        clock=clock,
    )
    monkeypatch.setattr(app.state.chassis.guard, "authorize", everybody)
    async with run_app(app) as started, aiohttp.ClientSession(started.url) as session:
        assert (await session.get("/api/sessions/a")).status == 200
        assert (await session.post("/api/sessions/a/takeover")).status == 200


# --- default deny at build time --------------------------------------------------------------


def built(name: str, *paths: str, settings, method: str = "GET"):
    extra = APIRouter()
    for path in paths:

        async def endpoint() -> None: ...

        extra.add_api_route(path, endpoint, methods=[method])
    return build_app(name=name, settings=settings, wire=wire, routers=[extra])


def test_a_route_without_an_entry_is_refused(make_settings):
    settings = make_settings(ServiceSettings)
    built("session-state", "/api/shift/status", settings=settings)
    for path in ("/api/secret", "/api/shift/status/", "/api/sessions/{other}", "/debug"):
        with pytest.raises(UnguardedRoute):
            built("session-state", path, settings=settings)
    with pytest.raises(UnguardedRoute):
        built("session-state", "/api/shift/status", settings=settings, method="POST")
    with pytest.raises(UnguardedRoute):
        built("auth", "/api/shift/status", settings=settings)
    with pytest.raises(UnguardedRoute):
        built("gateway", "/internal/anything", settings=settings)


def test_a_bare_route_without_an_entry_is_refused(make_settings):
    hot = [bare("POST", "/api/secret", typing)]
    with pytest.raises(UnguardedRoute):
        build_app(name="session-state", settings=make_settings(ServiceSettings), wire=wire, hot=hot)


def test_a_route_that_another_hides_is_refused(make_settings):
    settings = make_settings(ServiceSettings)
    built("session-state", "/api/sessions/stats", "/api/sessions/{name}", settings=settings)
    with pytest.raises(UnguardedRoute, match="stands behind"):
        built("session-state", "/api/sessions/{name}", "/api/sessions/stats", settings=settings)


# --- the gateway -----------------------------------------------------------------------------


@pytest.fixture
async def edge(make_settings, clock, run_app):
    async def forward(scope: Any, receive: Any, send: Any) -> None:
        found = context(scope)
        await send_json(send, {"rule": found.rule.path, **described(found.caller)})

    app = build_app(
        name="gateway",
        settings=make_settings(ServiceSettings),
        wire=wire,
        edge=Edge(forward=forward, open_prefixes=("/widget/",), address_of=lambda _: "9.9.9.9"),
        clock=clock,
    )
    async with run_app(app) as started, aiohttp.ClientSession(started.url) as session:
        yield session


async def test_the_gateway_forwards_what_others_own_after_the_guard(edge, test_keys):
    mine = {"X-Visitor-Token": test_keys.visitor_token("a"), "X-Shop": "forged"}
    response = await edge.get("/api/sessions/a/messages", headers=mine)
    assert await response.json() == {
        "rule": "/api/sessions/{name}/messages",
        "kind": "visitor",
        "address": "9.9.9.9",
        "shop": "",
    }
    assert (await edge.get("/api/sessions/b/messages", headers=mine)).status == 403
    assert (await edge.get("/api/unknown", headers=mine)).status == 404


async def test_nothing_internal_is_reachable_from_outside(edge, test_keys):
    for audience in ("gateway", "session-state"):
        genuine = {"X-Internal-Token": test_keys.internal("chat-proxy").header(audience)}
        for path in ("/internal/turns/open", "/internal/presence", "/internal/"):
            response = await edge.post(path, json={}, headers=genuine)
            assert await outcome(response) == (404, "NOT_FOUND")


async def test_what_is_hidden_does_not_exist_for_others(edge, test_keys):
    for headers in ({}, test_keys.agent_header(), {"Authorization": "Bearer x"}):
        response = await edge.get("/api/health/detailed", headers=headers)
        assert await outcome(response) == (404, "NOT_FOUND")
