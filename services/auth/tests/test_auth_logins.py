"""Logging in, staying logged in, logging out: what agents, strangers and thieves meet."""

import asyncio
import re
from typing import Any

import orjson
import pytest
from common.security.policy import RULES

ADMIN_PASSWORD = "correct-zebra-battery-9"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_login_answers_as_the_contract_says(auth: Any) -> None:
    answer = await auth.login(device_id="device-of-the-admin-1")
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 900
    agent = body["agent"]
    assert list(agent) == [
        "id",
        "username",
        "name",
        "role",
        "status",
        "max_sessions",
        "avatar_url",
        "created_at",
        "last_login",
    ]
    assert agent["username"] == "admin"
    assert agent["role"] == "admin"
    assert agent["status"] == "online"
    assert agent["last_login"] > 0
    assert "password" not in answer.text.replace("change-password", "").replace(
        "reset-password", ""
    )
    assert "$2b$" not in answer.text


async def test_permissions_are_what_the_policy_table_allows_the_role(auth: Any) -> None:
    await auth.add("guest-01", role="guest")
    admin, guest = await auth.pair(), await auth.pair("guest-01", "a-quiet-morning-ride-7")
    assert "POST /api/agents" in admin["permissions"]
    assert "POST /api/agents" not in guest["permissions"]
    assert set(guest["permissions"]) == {f"{r.method} {r.path}" for r in RULES if r.role == "guest"}


async def test_unknown_name_and_wrong_password_answer_the_same(auth: Any) -> None:
    wrong = await auth.login("admin", "not-the-password-1", address="192.0.2.8")
    unknown = await auth.login("nobody-here", "not-the-password-1", address="192.0.2.9")
    assert wrong.status_code == unknown.status_code == 401

    def text(answer: Any) -> str:
        return re.sub(r'"request_id":"[^"]+"', "", answer.text)

    assert text(wrong) == text(unknown)
    assert wrong.json()["error"]["code"] == "INVALID_CREDENTIALS"
    names = [
        {k.lower() for k in a.headers if k.lower() != "x-request-id"} for a in (wrong, unknown)
    ]
    assert names[0] == names[1]


async def test_user_names_have_no_case_and_passwords_do(auth: Any) -> None:
    assert (await auth.login("ADMIN")).status_code == 200
    assert (await auth.login("admin", ADMIN_PASSWORD.upper())).status_code == 401


async def test_a_refresh_gives_a_new_pair_that_works(auth: Any) -> None:
    first = await auth.pair()
    second = (await auth.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["token"] != first["token"]
    assert (await auth.profile(second["token"])).status_code == 200
    third = await auth.refresh(second["refresh_token"])
    assert third.status_code == 200


async def test_operators_see_how_logins_and_refreshes_go(auth: Any, clock: Any) -> None:
    pair = await auth.pair()
    await auth.login("admin", "not-the-password-1")
    for seconds in (0, 1, 11, 0):
        clock.advance(seconds)
        await auth.refresh(pair["refresh_token"])
    await auth.refresh("nonsense")
    text = auth.running.chassis.metrics.render().decode()
    for line in (
        'kefu_logins_total{outcome="ok"} 1.0',
        'kefu_logins_total{outcome="refused"} 1.0',
        'kefu_token_refreshes_total{outcome="rotated"} 1.0',
        'kefu_token_refreshes_total{outcome="again"} 1.0',
        'kefu_token_refreshes_total{outcome="reused"} 1.0',
        'kefu_token_refreshes_total{outcome="unknown"} 1.0',
        'kefu_token_refreshes_total{outcome="forged"} 1.0',
    ):
        assert line in text


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(auth: Any, clock: Any) -> None:
    first = await auth.pair()
    one = await auth.refresh(first["refresh_token"])
    clock.advance(9)
    other = await auth.refresh(first["refresh_token"])
    assert one.json()["refresh_token"] == other.json()["refresh_token"]
    assert one.json()["token"] != other.json()["token"]
    assert (await auth.profile(one.json()["token"])).status_code == 200
    assert (await auth.profile(other.json()["token"])).status_code == 200


async def test_without_the_grace_the_second_tab_is_thrown_out(start_auth: Any, clock: Any) -> None:
    """The canary of the test above."""
    async with start_auth(refresh_grace_seconds=0) as auth:
        first = await auth.pair()
        await auth.refresh(first["refresh_token"])
        clock.advance(9)
        assert (await auth.refresh(first["refresh_token"])).status_code == 401


async def test_a_spent_token_used_again_later_ends_the_whole_login(
    auth: Any, clock: Any, until: Any, published: Any
) -> None:
    first = await auth.pair()
    second = (await auth.refresh(first["refresh_token"])).json()
    clock.advance(11)
    thief = await auth.refresh(first["refresh_token"])
    assert thief.status_code == 401
    assert thief.json()["error"]["code"] == "TOKEN_REVOKED"
    assert (await auth.refresh(second["refresh_token"])).status_code == 401
    await until(lambda: _is(auth.profile(second["token"]), 401))
    revoked = [orjson.loads(e) for e in await published("agent.tokens_revoked")]
    assert [e["reason"] for e in revoked] == ["reuse"]
    audits = [orjson.loads(e)["action"] for e in await published("audit.recorded")]
    assert "refresh_token_reused" in audits


async def test_another_login_of_the_same_agent_survives_the_theft(auth: Any, clock: Any) -> None:
    stolen, other = await auth.pair(), await auth.pair()
    await auth.refresh(stolen["refresh_token"])
    clock.advance(11)
    assert (await auth.refresh(stolen["refresh_token"])).status_code == 401
    assert (await auth.refresh(other["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"),
        lambda t: t.replace(".1.", ".2."),
        lambda t: t + "x",
        lambda t: t.upper(),
        lambda _: "kr1.x.y.1.z",
        lambda _: "not a token",
        lambda t: "kr1." + "0" * 32 + t[36:],
    ],
)
async def test_a_made_up_refresh_token_is_refused_and_ends_nobodys_login(
    auth: Any, change: Any
) -> None:
    pair = await auth.pair()
    answer = await auth.refresh(change(pair["refresh_token"]))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"
    assert (await auth.refresh(pair["refresh_token"])).status_code == 200


async def test_an_access_token_does_not_refresh_and_a_refresh_token_opens_nothing(
    auth: Any,
) -> None:
    pair = await auth.pair()
    assert (await auth.refresh(pair["token"])).status_code == 401
    assert (await auth.profile(pair["refresh_token"])).status_code == 401


async def test_a_login_ends_seven_days_after_its_last_refresh(auth: Any, clock: Any) -> None:
    pair = await auth.pair()
    clock.advance(6 * 86_400)
    pair = (await auth.refresh(pair["refresh_token"])).json()
    clock.advance(6 * 86_400)
    pair = (await auth.refresh(pair["refresh_token"])).json()
    clock.advance(7 * 86_400 + 1)
    assert (await auth.refresh(pair["refresh_token"])).status_code == 401


async def test_access_tokens_live_for_fifteen_minutes(auth: Any, clock: Any) -> None:
    pair = await auth.pair()
    clock.advance(899)
    assert (await auth.profile(pair["token"])).status_code == 200
    clock.advance(2)
    answer = await auth.profile(pair["token"])
    assert answer.json()["error"]["code"] == "TOKEN_EXPIRED"


async def test_only_hashes_of_refresh_tokens_and_passwords_are_stored(
    auth: Any, redis: Any, keys: Any
) -> None:
    pair = await auth.pair()
    agent = pair["agent"]["id"]
    stored = str(await redis.hgetall(keys.agent(agent)))
    for family, _ in [(f.decode(), 0) for f in await redis.zrange(keys.families(agent), 0, -1)]:
        stored += str(await redis.hgetall(keys.family(family)))
    assert pair["refresh_token"] not in stored
    assert pair["refresh_token"].split(".")[-1] not in stored
    assert ADMIN_PASSWORD not in stored


async def test_logout_kills_both_tokens_on_every_replica(start_auth: Any, until: Any) -> None:
    async with start_auth() as one, start_auth() as other:
        pair = await one.pair()
        assert (await other.profile(pair["token"])).status_code == 200
        answer = await one.http.post("/api/agent/logout", headers=bearer(pair["token"]))
        assert answer.status_code == 200
        await until(lambda: _is(other.profile(pair["token"]), 401))
        refused = await other.profile(pair["token"])
        assert refused.json()["error"]["code"] == "TOKEN_REVOKED"
        assert (await other.refresh(pair["refresh_token"])).status_code == 401


async def test_logout_leaves_the_agents_other_login_alone(auth: Any) -> None:
    here, there = await auth.pair(), await auth.pair()
    await auth.http.post("/api/agent/logout", headers=bearer(here["token"]))
    assert (await auth.profile(there["token"])).status_code == 200
    assert (await auth.refresh(there["refresh_token"])).status_code == 200


async def test_many_refreshes_at_once_over_two_replicas_make_one_successor(
    start_auth: Any,
) -> None:
    await _storm(start_auth, 60)


@pytest.mark.reliability
async def test_five_hundred_refreshes_at_once_make_one_successor(start_auth: Any) -> None:
    await _storm(start_auth, 500)


async def _storm(start_auth: Any, count: int) -> None:
    async with start_auth() as one, start_auth() as other:
        pair = await one.pair()
        answers = await asyncio.gather(
            *((one, other)[n % 2].refresh(pair["refresh_token"]) for n in range(count))
        )
        assert {a.status_code for a in answers} == {200}
        successors = {a.json()["refresh_token"] for a in answers}
        assert len(successors) == 1
        assert (await one.refresh(successors.pop())).status_code == 200


# --- the cookie ------------------------------------------------------------------------------
async def test_the_refresh_cookie_is_out_of_reach_of_scripts_and_other_sites(auth: Any) -> None:
    cookie = (await auth.login()).headers["set-cookie"]
    assert cookie.startswith("kefu_refresh=kr1.")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/api/agent", "Max-Age=604800"):
        assert attribute in cookie
    assert "Secure" not in cookie


async def test_behind_https_the_cookie_is_secure(start_auth: Any) -> None:
    async with start_auth(public_url="https://kefu.example") as auth:
        assert "Secure" in (await auth.login()).headers["set-cookie"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "https://evil.example"}, 401),
        ({"Origin": "null"}, 401),
        ({"Sec-Fetch-Site": "cross-site"}, 401),
        ({"Sec-Fetch-Site": "same-site"}, 401),
        ({}, 401),
    ],
)
async def test_the_cookie_counts_only_where_our_own_page_sent_it(
    auth: Any, headers: dict[str, str], status: int
) -> None:
    token = (await auth.pair())["refresh_token"]
    answer = await auth.http.post(
        "/api/agent/refresh", headers={**headers, "Cookie": f"kefu_refresh={token}"}
    )
    assert answer.status_code == status
    if status == 200:
        assert "refresh_token" not in answer.json()
        assert answer.headers["set-cookie"].startswith("kefu_refresh=kr1.")


async def test_logout_clears_the_cookie(auth: Any) -> None:
    pair = await auth.pair()
    answer = await auth.http.post("/api/agent/logout", headers=bearer(pair["token"]))
    assert 'kefu_refresh=""' in answer.headers["set-cookie"]


# --- bad input -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "BAD_JSON"),
        (b"[]", 422, "VALIDATION_ERROR"),
        (b'{"username": "admin"}', 422, "VALIDATION_ERROR"),
        (b'{"username": "admin", "password": 7}', 422, "VALIDATION_ERROR"),
        (b'{"username": "a", "password": "b", "x": 1}', 422, "VALIDATION_ERROR"),
        (b'{"username": "a", "password": "' + b"x" * 300 + b'"}', 422, "VALIDATION_ERROR"),
        (b'{"username": "", "password": "b"}', 422, "VALIDATION_ERROR"),
        (b'{"username": "a", "password": "b", "device_id": "a b"}', 422, "VALIDATION_ERROR"),
    ],
)
async def test_bad_logins_get_the_envelope(auth: Any, body: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await auth.http.post("/api/agent/login", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("name", ["\\u0000", "\\ud800", "{kefu}:agent", "a b", "'; --", "名字"])
async def test_odd_user_names_are_just_wrong(auth: Any, name: str) -> None:
    body = b'{"username": "' + name.encode() + b'", "password": "b"}'
    headers = {"Content-Type": "application/json"}
    answer = await auth.http.post("/api/agent/login", content=body, headers=headers)
    assert answer.status_code in (400, 401, 422)


async def _is(request: Any, status: int) -> bool:
    return (await request).status_code == status
