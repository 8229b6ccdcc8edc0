"""The start: the first admin, settings that are refused, Redis away, a Cluster."""

import asyncio
import contextlib
import hashlib
import re
from pathlib import Path
from typing import Any

import hiredis
import orjson
import pytest
from auth.admin_reset import reset
from auth.settings import AuthSettings
from common.security.tokens import generate_key_pair
from common.testing.server import cluster_url, running_server, three_masters
from common.testing.waiting import PATIENCE_SECONDS
from pydantic import ValidationError

LINE = re.compile(r"^first admin: username=(\S+) password=(\S+)$", re.MULTILINE)


async def test_two_replicas_make_one_first_admin_and_print_it_once(
    start_auth: Any, capfd: Any, redis: Any, keys: Any
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        one, other = start_auth(admin_password=None), start_auth(admin_password=None)
        replicas = await asyncio.gather(one.__aenter__(), other.__aenter__())
        lines = LINE.findall(capfd.readouterr().err)
        assert len(lines) == 1
        username, password = lines[0]
        assert username == "admin"
        for auth in replicas:
            assert (await auth.login(username, password)).status_code == 200
        assert await redis.scard(keys.admins()) == 1
        await one.__aexit__(None, None, None)
        await other.__aexit__(None, None, None)


async def test_a_given_password_is_used_and_not_printed(start_auth: Any, capfd: Any) -> None:
    async with start_auth(admin_username="boss", admin_password="my-own-choice-of-77") as auth:
        assert (await auth.login("boss", "my-own-choice-of-77")).status_code == 200
    assert "my-own-choice-of-77" not in "".join(capfd.readouterr())


async def test_a_restart_makes_no_second_admin(start_auth: Any, capfd: Any) -> None:
    async with start_auth(admin_password=None):
        pass
    capfd.readouterr()
    async with start_auth(admin_password=None, admin_username="other"):
        assert LINE.search(capfd.readouterr().err) is None


async def test_the_owner_of_the_machine_gets_back_in(
    start_auth: Any, auth_settings: Any, until: Any
) -> None:
    async with start_auth() as auth:
        pair = await auth.pair()
        password = await reset(auth_settings(admin_password=None), "admin")

        async def is_dead() -> bool:
            return (await auth.profile(pair["token"])).status_code == 401

        # this process runs by the real clock, the app by the test's: its own logins are older
        await until(is_dead)
        assert (await auth.refresh(pair["refresh_token"])).status_code == 401
        assert (await auth.login("admin", password)).status_code == 200


async def test_admin_reset_makes_an_admin_of_an_agent_and_of_nobody(
    start_auth: Any, auth_settings: Any
) -> None:
    async with start_auth() as auth:
        await auth.add("bert")
        for name in ("bert", "somebody-new"):
            password = await reset(auth_settings(admin_password=None), name)
            pair = await auth.pair(name, password)
            assert pair["agent"]["role"] == "admin"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"agent_token_private_key": "nonsense"}, "AGENT_TOKEN_PRIVATE_KEY"),
        ({"agent_token_private_key": generate_key_pair()[0]}, "AGENT_TOKEN_PRIVATE_KEY"),
        ({"admin_password": "admin"}, "ADMIN_PASSWORD"),
        ({"admin_password": "password123"}, "ADMIN_PASSWORD"),
        ({"access_token_seconds": 3600}, "access_token_seconds"),
        ({"app_env": "production", "internal_secret": "dev-secret-0123456789"}, "INTERNAL_SECRET"),
    ],
)
def test_wrong_settings_are_refused_by_name(
    auth_settings: Any, values: dict[str, Any], name: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        auth_settings(**values)
    assert name in str(caught.value)
    secrets = [str(v) for k, v in values.items() if "password" in k or "secret" in k or "key" in k]
    assert not any(f"'{secret}'" in str(caught.value) for secret in secrets)


def test_production_takes_only_strong_secrets_and_slow_hashes(auth_settings: Any) -> None:
    strong = {
        "app_env": "production",
        "internal_secret": "Zq8vT1mXr5Kp2Lw9Yc3Nb7Hd4Gf6Js0Ae",
        "admin_password": "a-good-one-of-my-own",
    }
    assert auth_settings(**strong, bcrypt_rounds=12).production
    with pytest.raises(ValidationError, match="BCRYPT_ROUNDS"):
        auth_settings(**strong, bcrypt_rounds=4)


async def test_redis_away_is_a_503_and_back_by_itself(
    start_auth: Any, tmp_path: Path, until: Any
) -> None:
    with running_server(tmp_path) as server:
        async with start_auth(redis_url=server.url()) as auth:
            assert (await auth.login()).status_code == 200
            server.kill()
            answer = await auth.login()
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "STATE_UNAVAILABLE"
            server.start()

            async def is_back() -> bool:
                return (await auth.login()).status_code == 200

            await until(is_back)


async def test_who_must_be_stopped_is_stopped_when_redis_is_full(
    start_auth: Any, tmp_path: Path
) -> None:
    options = ("--maxmemory", "24mb", "--maxmemory-policy", "noeviction")
    with running_server(tmp_path, options=options) as server:
        async with start_auth(redis_url=server.url()) as auth:
            pair = await auth.pair()
            fill(server)
            token = {"Authorization": f"Bearer {pair['token']}"}
            answer = await auth.http.post("/api/agent/logout", headers=token)
            assert answer.status_code == 200
            assert (await auth.refresh(pair["refresh_token"])).status_code == 401


def fill(server: Any) -> None:
    """Until the server refuses to take more."""
    number = 0
    with contextlib.suppress(hiredis.ReplyError):
        while True:
            number += 1
            server.ask("SET", f"filler-{number}", "x" * 1_000_000)
    number = 0
    with contextlib.suppress(hiredis.ReplyError):
        while True:
            number += 1
            server.ask("SET", f"small-{number}", "x" * 10_000)


async def test_all_of_it_works_on_a_cluster(start_auth: Any, clock: Any, tmp_path: Path) -> None:
    """R21: every script, on three masters."""
    with three_masters(tmp_path) as servers:
        async with start_auth(redis_url=cluster_url(servers)) as auth:
            pair = await auth.pair()
            for seconds, status in ((0, 200), (5, 200), (11, 401)):
                clock.advance(seconds)
                assert (await auth.refresh(pair["refresh_token"])).status_code == status
            await auth.running.wiring.attendance.heard([pair["agent"]["id"]])
            await auth.running.wiring.attendance.sweep()


async def test_an_api_key_is_known_by_its_hash_only(auth: Any, redis: Any, keys: Any) -> None:
    key = "kefu_0123456789abcdef_" + "s" * 43
    digest = hashlib.sha256(key.encode()).hexdigest()
    entry = {"hash": digest, "name": "shop", "scopes": ["read"]}
    headers = {"X-Internal-Token": auth.keys.internal("gateway").header("auth")}

    async def verify(text: str) -> dict[str, Any]:
        url = "/internal/keys/verify"
        answer = await auth.http.post(url, json={"key": text}, headers=headers)
        assert answer.status_code == 200
        return answer.json()

    assert await verify(key) == {"valid": False, "scopes": []}
    await redis.hset(keys.api_keys(), {"0123456789abcdef": orjson.dumps(entry)})
    known = {"valid": True, "id": "0123456789abcdef", "name": "shop", "scopes": ["read"]}
    assert await verify(key) == known
    assert await verify(key[:-1] + "t") == {"valid": False, "scopes": []}
    assert await verify("nonsense") == {"valid": False, "scopes": []}


async def test_tokens_are_needed_for_all_but_login_and_refresh(auth: Any) -> None:
    calls = [
        ("POST", "/api/agent/logout"),
        ("GET", "/api/agent/profile"),
        ("PUT", "/api/agent/status"),
        ("GET", "/api/agents"),
        ("DELETE", "/api/agents/admin"),
    ]
    for method, path in calls:
        answer = await auth.http.request(method, path)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"]


def test_the_settings_know_which_pages_are_ours(auth_settings: Any) -> None:
    settings: AuthSettings = auth_settings(
        public_url="https://kefu.example/", workbench_origins="https://desk.example , "
    )
    assert settings.origins == {"https://kefu.example", "https://desk.example"}
