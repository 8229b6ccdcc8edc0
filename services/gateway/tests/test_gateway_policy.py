"""The matrix of S2, generated from the policy table: every route × every kind of caller."""

import re

import orjson
import pytest
from aiohttp import web
from common.security.policy import RANK, RULES, Limit, Owner, Rule
from yarl import URL

CALLERS = ("anonymous", "visitor", "foreign", *RANK, "refresh", "revoked", "expired", "forged")
_BODIES = {"POST": b"{}", "PUT": b"{}"}


def expected(rule: Rule, caller: str) -> set[int]:
    """The statuses the table allows; {200} means that it got through."""
    if caller in RANK:
        passed = rule.anyone or rule.allows_role(caller)
        refused = 403
    elif caller == "visitor":
        passed, refused = rule.anyone or rule.visitor, 401
    elif caller == "foreign":
        # where no session is named, there is nothing foreign about it
        named = "{name}" in rule.path
        passed = rule.anyone or (rule.visitor and not named)
        refused = 403 if rule.visitor else 401
    elif caller == "anonymous":
        passed, refused = rule.anyone, 403 if rule.visitor else 401
    else:
        # a dead agent's token opens nothing; where agents have no part, nobody looks at it
        passed, refused = rule.anyone and rule.role is None, 401
    if passed:
        return {200}
    return {404} if rule.hidden else {refused}


@pytest.fixture
async def headers(test_keys, services, visitor, clock, door, until):
    refresh = test_keys.agents._sign("refresh", {"sub": "agent-1"}, 600)
    expired = test_keys.agent_token(lifetime_seconds=-10)
    forged = test_keys.agent_token(role="admin")[:-6] + "AAAAAA"
    revoked = test_keys.agent_header("agent-9", role="admin")
    clock.advance(1)
    body = {"agent_id": "agent-9", "not_before": clock(), "reason": "logout"}
    await services.publish("agent-9", "agent.tokens_revoked", orjson.dumps(body))
    await until(lambda: len(door.running.chassis.revocations))
    return {
        "anonymous": {},
        "visitor": visitor("session_a"),
        "foreign": visitor("session_b"),
        **{role: test_keys.agent_header(role, role=role) for role in RANK},
        "refresh": {"Authorization": f"Bearer {refresh}"},
        "revoked": revoked,
        "expired": {"Authorization": f"Bearer {expired}"},
        "forged": {"Authorization": f"Bearer {forged}"},
    }


def path_of(rule: Rule) -> str:
    return re.sub(r"\{\w+\}", "session_a", rule.path)


async def test_every_cell_is_as_the_table_says(services, door, headers):
    services.session("session_a")
    wrong = []
    for rule in RULES:
        for caller in CALLERS:
            before = len(services.calls)
            kind = {"Content-Type": "application/json"} if rule.method in _BODIES else {}
            async with door.call(
                rule.method,
                path_of(rule),
                headers={**headers[caller], **kind},
                data=_BODIES.get(rule.method),
            ) as response:
                status = response.status
            if status not in expected(rule, caller):
                wrong.append((rule.method, rule.path, caller, status, expected(rule, caller)))
            reached = [c for c in services.calls[before:] if c.path == path_of(rule)]
            if rule.owner is not Owner.GATEWAY and bool(reached) != (status == 200):
                wrong.append((rule.method, rule.path, caller, "reached", len(reached)))
    assert wrong == []


async def test_the_alias_opens_no_other_door(door, headers):
    for rule in RULES:
        if rule.anyone or rule.method != "GET":
            continue
        path = path_of(rule).replace("/api/", "/api/v1/", 1)
        for caller in ("anonymous", "revoked", "expired", "forged"):
            async with door.call(rule.method, path, headers=headers[caller]) as response:
                assert response.status in expected(rule, caller), (path, caller)


@pytest.mark.parametrize(
    "trick",
    [
        "/api//sessions",
        "/api/./sessions",
        "/api/sessions/",
        "/api/sessions/session_b/../session_a",
        "/api/sessions%2Fstats",
        "/API/sessions",
        "/api/v1/../internal/turns/open",
        "/api/v1/v1/sessions",
        "/internal/presence",
        "//internal/presence",
        "/api/internal/presence",
    ],
)
async def test_tricks_with_paths_reach_no_service(services, door, visitor, trick):
    url = URL(door.running.url + trick, encoded=True)
    async with door.http.get(url, headers=visitor("session_b")) as response:
        assert response.status in (401, 403, 404)
    assert services.calls == []


async def test_api_keys_open_what_their_scope_says(services, door):
    async def verify(request):
        key = (await request.json())["key"]
        grants = {"ops-key": ["ops"], "read-key": ["read"]}
        body = {"valid": key in grants, "id": key, "scopes": grants.get(key, [])}
        return web.json_response(body)

    services.on("POST", "/internal/keys/verify", verify)
    cases = [
        ("ops-key", "/api/metrics", 200),
        ("read-key", "/api/metrics", 404),
        ("wrong", "/api/metrics", 404),
        ("read-key", "/api/sessions", 200),
        ("ops-key", "/api/sessions", 403),
        ("wrong", "/api/sessions", 401),
        ("read-key", "/api/agents", 401),
    ]
    for key, path, status in cases:
        found, _, _ = await door.answer("GET", path, headers={"X-API-Key": key})
        assert found == status, (key, path)


def test_only_health_and_documents_are_unlimited():
    free = {rule.path for rule in RULES if rule.limit is Limit.NONE}
    assert free == {"/api/health", "/api/docs", "/api/openapi.json"}


async def test_no_answer_holds_anothers_secret(services, door, visitor):
    """S1 at a small size: every route with a foreign token, none reaches the owner's text."""
    services.session("session_a")
    await services.commit("session_a", "secret-of-a")
    for rule in RULES:
        kind = {"Content-Type": "application/json"} if rule.method in _BODIES else {}
        if "{name}" not in rule.path:
            continue
        for foreign in (visitor("session_b"), {}, {"X-Visitor-Token": "guess"}):
            async with door.call(
                rule.method,
                path_of(rule),
                headers={**foreign, **kind},
                data=_BODIES.get(rule.method),
            ) as response:
                assert response.status >= 400, rule.path
                assert b"secret-of-a" not in await response.read()
