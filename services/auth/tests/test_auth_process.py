"""auth as a process, and auth as other services call it."""

import asyncio
import os
import re
import signal
import sys
from typing import Any

import pytest
from common.clients.auth import AuthClient
from common.clients.http import ServiceClient
from common.errors import Unauthenticated, Unavailable
from common.security.internal import InternalSigner
from common.testing.server import free_port
from common.testing.waiting import PATIENCE_SECONDS

LINE = re.compile(r"^first admin: username=admin password=(\S+)$", re.MULTILINE)


@pytest.fixture
def env(redis_url: str, test_keys: Any) -> dict[str, str]:
    return {
        **os.environ,
        "PORT": str(free_port()),
        "APP_ENV": "test",
        "REDIS_URL": redis_url,
        "INTERNAL_SECRET": "internal-for-tests-0123456789abcdef",
        "VISITOR_TOKEN_PUBLIC_KEY": test_keys.visitor[1],
        "AGENT_TOKEN_PUBLIC_KEY": test_keys.agent[1],
        "AGENT_TOKEN_PRIVATE_KEY": test_keys.agent[0],
        "BCRYPT_ROUNDS": "4",
    }


async def run(module: str, env: dict[str, str], *words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *words,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_it_starts_prints_the_first_admin_once_and_leaves_on_sigterm(
    env: dict[str, str], until: Any, tmp_path: Any
) -> None:
    log = tmp_path / "auth.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "auth", env=env, stdout=sink, stderr=sink
        )
        await until(lambda: LINE.search(log.read_text()))
        found = LINE.findall(log.read_text())
        assert len(found) == 1
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) == 0
    code, out, _ = await run("auth.admin_reset", env)
    assert code == 0
    again = re.fullmatch(r"admin reset: username=admin password=(\S+)\n", out)
    assert again is not None
    assert again.group(1) != found[0]


@pytest.mark.parametrize("name", ["AGENT_TOKEN_PRIVATE_KEY", "INTERNAL_SECRET"])
async def test_a_missing_setting_is_named_and_the_start_refused(
    env: dict[str, str], name: str
) -> None:
    del env[name]
    code, _, err = await run("auth", env)
    assert code == 2
    assert name in err


async def test_other_services_report_who_is_there_and_check_keys(
    auth: Any, test_keys: Any, clock: Any
) -> None:
    pair = await auth.pair()
    http = ServiceClient(auth.running.url, audience="auth", signer=test_keys.internal("gateway"))
    async with http:
        client = AuthClient(http, clock)
        await client.agents_seen([pair["agent"]["id"], "nobody"])
        assert (await client.verify_key("nonsense")).valid is False


async def test_a_service_with_another_secret_is_refused(auth: Any, clock: Any) -> None:
    forged = InternalSigner("another-secret-0123456789abcdefgh", "gateway", clock)
    async with ServiceClient(auth.running.url, audience="auth", signer=forged) as http:
        with pytest.raises(Unauthenticated):
            await AuthClient(http, clock).verify_key("nonsense")


async def test_a_service_that_finds_nobody_is_told_so(test_keys: Any, clock: Any) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with ServiceClient(url, audience="auth", signer=test_keys.internal("gateway")) as http:
        with pytest.raises(Unavailable):
            await AuthClient(http, clock).agents_seen(["nobody"])
