"""Accounts: made, changed and ended by admins; profile and password by their owners."""

import asyncio
from typing import Any

import orjson
import pytest

PASSWORD = "a-quiet-morning-ride-7"
NEW = "a-louder-evening-walk-8"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def admin(auth: Any) -> dict[str, str]:
    return bearer((await auth.pair())["token"])


async def test_an_admin_makes_an_account_that_can_log_in(auth: Any, published: Any) -> None:
    made = await auth.add("li.wei", name="李伟", max_sessions=3)
    assert made["role"] == "agent"
    assert made["status"] == "offline"
    pair = await auth.pair("LI.WEI", PASSWORD)
    assert pair["agent"]["id"] == made["id"]
    cards = [orjson.loads(e)["agent"] for e in await published("agent.changed")]
    assert cards[-1]["name"] == "李伟"
    assert cards[-1]["max_sessions"] == 3


async def test_a_name_is_taken_in_any_case(auth: Any, admin: Any) -> None:
    await auth.add("li.wei")
    body = {"username": "Li.Wei", "password": PASSWORD, "name": "x"}
    answer = await auth.http.post("/api/agents", json=body, headers=admin)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "USERNAME_TAKEN"


async def test_racing_admins_make_one_account_of_a_name(auth: Any, admin: Any) -> None:
    body = {"username": "li.wei", "password": PASSWORD, "name": "x"}
    answers = await asyncio.gather(
        *(auth.http.post("/api/agents", json=body, headers=admin) for _ in range(12))
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 11
    listed = (await auth.http.get("/api/agents", headers=admin)).json()["data"]
    assert listed["total"] == 2


async def test_the_list_is_paged_by_name(auth: Any, admin: Any) -> None:
    for name in ("carol", "bert", "dora"):
        await auth.add(name)
    url = "/api/agents?limit=2&offset="
    first = (await auth.http.get(f"{url}0", headers=admin)).json()["data"]
    assert [a["username"] for a in first["agents"]] == ["admin", "bert"]
    assert (first["total"], first["limit"], first["offset"], first["has_more"]) == (4, 2, 0, True)
    last = (await auth.http.get(f"{url}2", headers=admin)).json()["data"]
    assert [a["username"] for a in last["agents"]] == ["carol", "dora"]
    assert last["has_more"] is False
    assert "$2b$" not in str(first)


async def test_a_changed_role_ends_the_access_tokens_but_not_the_login(
    auth: Any, admin: Any, until: Any
) -> None:
    await auth.add("bert")
    pair = await auth.pair("bert", PASSWORD)
    answer = await auth.http.put("/api/agents/bert", json={"role": "supervisor"}, headers=admin)
    assert answer.json()["data"]["role"] == "supervisor"

    async def is_dead() -> bool:
        return (await auth.profile(pair["token"])).status_code == 401

    await until(is_dead)
    renewed = (await auth.refresh(pair["refresh_token"])).json()
    assert renewed["agent"]["role"] == "supervisor"
    assert (await auth.profile(renewed["token"])).status_code == 200


async def test_a_token_issued_before_a_revocation_is_older_than_it_whatever_the_clocks_say(
    auth: Any, admin: Any, clock: Any, published: Any, test_keys: Any
) -> None:
    """Replicas' clocks differ; the account has a clock of its own."""
    await auth.add("bert")
    clock.advance(30)
    pair = await auth.pair("bert", PASSWORD)
    clock.advance(-30)
    await auth.http.put("/api/agents/bert", json={"role": "guest"}, headers=admin)
    revoked = orjson.loads((await published("agent.tokens_revoked"))[-1])
    before = test_keys.verifier.agent(pair["token"])
    assert before.iat < revoked["not_before"]
    renewed = (await auth.refresh(pair["refresh_token"])).json()
    assert test_keys.verifier.agent(renewed["token"]).iat > revoked["not_before"]


async def test_deactivation_ends_everything_and_frees_the_name(
    auth: Any, admin: Any, until: Any, published: Any
) -> None:
    made = await auth.add("bert")
    pair = await auth.pair("bert", PASSWORD)
    assert (await auth.http.delete("/api/agents/BERT", headers=admin)).status_code == 200

    async def is_dead() -> bool:
        return (await auth.profile(pair["token"])).status_code == 401

    await until(is_dead)
    assert (await auth.refresh(pair["refresh_token"])).status_code == 401
    assert (await auth.login("bert", PASSWORD)).status_code == 401
    assert (await auth.http.delete("/api/agents/bert", headers=admin)).status_code == 404
    removed = [orjson.loads(e)["agent_id"] for e in await published("agent.removed")]
    assert removed == [made["id"]]
    assert (await auth.add("bert"))["id"] != made["id"]


async def test_the_last_admin_can_not_be_deleted_or_demoted(auth: Any, admin: Any) -> None:
    for answer in (
        await auth.http.delete("/api/agents/admin", headers=admin),
        await auth.http.put("/api/agents/admin", json={"role": "agent"}, headers=admin),
    ):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "LAST_ADMIN"


async def test_of_two_admins_that_delete_each_other_at_once_one_stays(
    start_auth: Any,
) -> None:
    async with start_auth() as one, start_auth() as other:
        for number in range(8):
            await one.add(f"second-{number}", role="admin")
            tokens = bearer((await one.pair())["token"])
            answers = await asyncio.gather(
                one.http.delete("/api/agents/admin", headers=tokens),
                other.http.delete(f"/api/agents/second-{number}", headers=tokens),
            )
            codes = sorted(a.status_code for a in answers)
            assert codes == [200, 409]
            if answers[0].status_code == 200:
                return


async def test_a_reset_password_ends_all_logins_and_is_shown_once(auth: Any, admin: Any) -> None:
    await auth.add("bert")
    pair = await auth.pair("bert", PASSWORD)
    answer = await auth.http.post("/api/agents/bert/reset-password", headers=admin)
    password = answer.json()["data"]["password"]
    assert len(password) >= 16
    assert (await auth.refresh(pair["refresh_token"])).status_code == 401
    assert (await auth.login("bert", PASSWORD)).status_code == 401
    assert (await auth.login("bert", password)).status_code == 200
    body = {"new_password": NEW}
    answer = await auth.http.post("/api/agents/bert/reset-password", json=body, headers=admin)
    assert "password" not in answer.json()["data"]
    assert (await auth.login("bert", NEW)).status_code == 200


async def test_a_changed_password_ends_all_other_logins(auth: Any, until: Any) -> None:
    await auth.add("bert")
    here, there = await auth.pair("bert", PASSWORD), await auth.pair("bert", PASSWORD)
    body = {"old_password": PASSWORD, "new_password": NEW}
    url = "/api/agent/change-password"
    answer = await auth.http.post(url, json=body, headers=bearer(here["token"]))
    assert answer.status_code == 200

    async def is_dead() -> bool:
        return (await auth.profile(there["token"])).status_code == 401

    await until(is_dead)
    assert (await auth.refresh(there["refresh_token"])).status_code == 401
    assert (await auth.profile(here["token"])).status_code == 200
    assert (await auth.refresh(here["refresh_token"])).status_code == 200
    assert (await auth.login("bert", PASSWORD, address="192.0.2.2")).status_code == 401
    assert (await auth.login("bert", NEW)).status_code == 200


async def test_the_old_password_can_not_be_guessed_with_a_stolen_token(auth: Any) -> None:
    pair = await auth.pair()
    codes = []
    for number in range(7):
        body = {"old_password": f"guess-number-{number}", "new_password": NEW}
        answer = await auth.http.post(
            "/api/agent/change-password", json=body, headers=bearer(pair["token"])
        )
        codes.append(answer.json()["error"]["code"])
    assert codes == ["WRONG_PASSWORD"] * 5 + ["LOGIN_LOCKED"] * 2


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("short-1", "too_short"),
        ("password-of-bert.sel", "contains_username"),
        ("aaaaaaaaaaab", "too_simple"),
        ("1234567890", "too_common"),
        ("Password2024!", "too_common"),
        ("P@ssw0rd!!!!", "too_common"),
        ("qwertyuiop", "too_common"),
        ("Fiido2026!!", "too_common"),
    ],
)
async def test_weak_passwords_are_refused_by_rule(
    auth: Any, admin: Any, password: str, rule: str
) -> None:
    body = {"username": "bert.sel", "password": password, "name": "Bert"}
    answer = await auth.http.post("/api/agents", json=body, headers=admin)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "WEAK_PASSWORD"
    assert answer.json()["error"]["details"]["rule"] == rule


async def test_a_profile_takes_name_and_picture_only(auth: Any) -> None:
    token = (await auth.pair())["token"]
    body = {"name": "管理员", "avatar_url": "https://img.example/a.png"}
    answer = await auth.http.put("/api/agent/profile", json=body, headers=bearer(token))
    assert answer.status_code == 200
    profile = (await auth.profile(token)).json()["data"]
    assert (profile["name"], profile["avatar_url"]) == (body["name"], body["avatar_url"])
    for more in ({"role": "admin"}, {"username": "x"}, {"avatar_url": "javascript:alert(1)"}):
        answer = await auth.http.put("/api/agent/profile", json=more, headers=bearer(token))
        assert answer.status_code == 422


@pytest.mark.parametrize("name", [" ", "A\u202eb", "A\u0007b", "\u200b"])
async def test_a_name_that_visitors_read_is_one_visible_line(auth: Any, name: str) -> None:
    token = bearer((await auth.pair())["token"])
    answer = await auth.http.put("/api/agent/profile", json={"name": name}, headers=token)
    assert answer.status_code == 422
    answer = await auth.http.put("/api/agent/profile", json={"name": " Zoë\n王 "}, headers=token)
    assert answer.json()["data"]["name"] == "Zoë 王"


@pytest.mark.parametrize("role", ["guest", "agent", "supervisor"])
async def test_only_admins_manage_accounts(auth: Any, role: str) -> None:
    await auth.add("bert", role=role)
    token = bearer((await auth.pair("bert", PASSWORD))["token"])
    answers = [
        await auth.http.get("/api/agents", headers=token),
        await auth.http.post("/api/agents", json={}, headers=token),
        await auth.http.put("/api/agents/admin", json={}, headers=token),
        await auth.http.delete("/api/agents/admin", headers=token),
        await auth.http.post("/api/agents/admin/reset-password", headers=token),
    ]
    assert [a.status_code for a in answers] == [403] * 5


async def test_every_act_on_an_account_is_audited(auth: Any, admin: Any, published: Any) -> None:
    await auth.add("bert")
    await auth.http.put("/api/agents/bert", json={"max_sessions": 9}, headers=admin)
    await auth.http.post("/api/agents/bert/reset-password", headers=admin)
    await auth.http.delete("/api/agents/bert", headers=admin)
    audits = [orjson.loads(e) for e in await published("audit.recorded")]
    acts = [(e["actor"], e["action"], e["target"]) for e in audits if e["target"] == "bert"]
    assert acts == [
        ("admin", "agent_created", "bert"),
        ("admin", "agent_updated", "bert"),
        ("admin", "password_reset", "bert"),
        ("admin", "agent_deactivated", "bert"),
    ]
    assert PASSWORD not in str(audits)


@pytest.mark.parametrize("name", ["a b", "x", "%2e%2e", "名字", "a" * 80])
async def test_odd_names_in_the_path_get_the_envelope(auth: Any, admin: Any, name: str) -> None:
    answer = await auth.http.delete(f"/api/agents/{name}", headers=admin)
    assert answer.status_code in (404, 422)
    assert answer.json()["success"] is False
