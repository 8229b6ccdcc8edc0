"""`make test-mail`, and a start with half a configuration."""

import asyncio
import os
import sys
from typing import Any

import pytest


@pytest.fixture
def env(redis_url: str, test_keys: Any, mails: Any) -> dict[str, str]:
    return {
        **os.environ,
        "APP_ENV": "test",
        "REDIS_URL": redis_url,
        "INTERNAL_SECRET": "internal-for-tests-0123456789abcdef",
        "VISITOR_TOKEN_PUBLIC_KEY": test_keys.visitor[1],
        "AGENT_TOKEN_PUBLIC_KEY": test_keys.agent[1],
        "SMTP_HOST": mails.smtp_host,
        "SMTP_PORT": str(mails.smtp_port),
        "SMTP_TLS": "none",
        "MAIL_FROM": "kefu@shop.example",
        "MAIL_TO": "team@shop.example",
    }


async def run(module: str, env: dict[str, str]) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_test_mail_arrives(env: dict[str, str], mails: Any) -> None:
    code, out, err = await run("notifier.test_mail", env)
    assert (code, err) == (0, "")
    assert "team@shop.example" in out
    assert len(mails.mails) == 1


@pytest.mark.parametrize("fault", ["550", "451", "refuse"])
async def test_a_test_mail_that_fails_says_why(env: dict[str, str], mails: Any, fault: str) -> None:
    mails.arm(fault)
    code, _, err = await run("notifier.test_mail", env)
    assert code == 1
    assert err.startswith("not sent by 127.0.0.1:")


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"SMTP_HOST": None}, "SMTP_HOST"),
        ({"MAIL_TO": None}, "MAIL_TO"),
        ({"MAIL_FROM": None}, "MAIL_FROM"),
        ({"SMTP_USERNAME": "me"}, "SMTP_PASSWORD"),
        ({"SMTP_PORT": "many"}, "SMTP_PORT"),
    ],
)
async def test_half_a_configuration_is_refused_by_name(
    env: dict[str, str], wrong: dict[str, str | None], name: str
) -> None:
    for key, value in wrong.items():
        env.pop(key, None)
        if value is not None:
            env[key] = value
    code, _, err = await run("notifier", env)
    assert code == 2
    assert name in err
