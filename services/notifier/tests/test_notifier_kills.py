"""R7: real notifier processes, killed again and again beside a mail server that misbehaves."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from common.events import MailRequested
from common.testing.server import free_port

PARALLEL = 4
# the letter may be out although no one was told
AMBIGUOUS = ("drop_after_data", "hang_after_data")
FAULTS = (*AMBIGUOUS, "drop_in_data", "drop_before_data", "451", "rcpt_450", "refuse", "hang")


def request_of(letter: int) -> MailRequested:
    return MailRequested(
        session_name=f"session_{letter}",
        escalation_id=f"{letter:032x}",
        cause="after_hours",
        at=1_790_000_000.0,
        reason="manual",
    )


class Process:
    """One notifier, as it runs in production."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "notifier",
            env={**os.environ, **self._env},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@pytest.fixture
async def process(
    redis_url: str, test_keys: Any, mails: Any, unused_port: int
) -> AsyncIterator[Process]:
    env = {
        "PORT": str(unused_port),
        "APP_ENV": "test",
        "REDIS_URL": redis_url,
        "INTERNAL_SECRET": "internal-for-tests-0123456789abcdef",
        "VISITOR_TOKEN_PUBLIC_KEY": test_keys.visitor[1],
        "AGENT_TOKEN_PUBLIC_KEY": test_keys.agent[1],
        "SMTP_HOST": mails.smtp_host,
        "SMTP_PORT": str(mails.smtp_port),
        "SMTP_TLS": "none",
        "SMTP_TIMEOUT_SECONDS": "2",
        "SMTP_DEADLINE_SECONDS": "4",
        "MAIL_LEASE_MARGIN_SECONDS": "2",
        "MAIL_FROM": "kefu@shop.example",
        "MAIL_TO": "team@shop.example",
        "MAIL_PARALLEL": str(PARALLEL),
        "MAIL_POLL_SECONDS": "0.05",
        "MAIL_RETRY_SECONDS": ",".join(["0.3"] * 60),
    }
    made = Process(env)
    yield made
    await made.kill()


@pytest.fixture
def unused_port() -> int:
    return free_port()


async def survive(
    process: Process, mails: Any, ask: Any, told: Any, until: Any, *, letters: int, kills: int
) -> None:
    dice = random.Random(7)
    await process.start()
    for letter in range(letters):
        await ask(request_of(letter), times=2)
        if letter % 5 == 0:
            mails.arm(dice.choice(FAULTS))

    async def done() -> int:
        return len({orjson.loads(e)["escalation_id"] for e in await told("mail.sent")})

    for kill in range(kills):
        goal = letters * (kill + 1) // (kills + 1)
        await until(lambda goal=goal: _at_least(done, goal))
        await process.kill()
        await process.start()
    await until(lambda: _at_least(done, letters), timeout=240)
    ids = Counter(mail["message_id"] for mail in mails.details())
    assert len(ids) == letters
    # each kill may catch a letter a lane between 250 and record, each ambiguous fault one
    ambiguous = letters // 5 + 1
    assert sum(ids.values()) - letters <= kills * PARALLEL + ambiguous
    assert await told("mail.failed") == []


async def test_killed_notifiers_lose_no_letter(
    process: Process, mails: Any, ask: Any, told: Any, until: Any
) -> None:
    await survive(process, mails, ask, told, until, letters=40, kills=2)


@pytest.mark.reliability
@pytest.mark.timeout(1200)
async def test_a_thousand_letters_survive_twenty_kills(
    process: Process, mails: Any, ask: Any, told: Any, until: Any
) -> None:
    """R7 in full."""
    await survive(process, mails, ask, told, until, letters=1000, kills=20)


async def test_without_the_ledger_the_second_telling_is_a_second_mail(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, redis: Any, keys: Any
) -> None:
    """The canary: what the ledger is for."""
    async with start_notifier():
        await ask(request_of(1), times=1)
        await until(lambda: _at_least(lambda: _len(told), 1))
        await redis.delete(keys.letter(f"<{1:032x}.escalation.0@shop.example>"))
        await ask(request_of(1), times=1)
        await until(lambda: _at_least(lambda: _len(told), 2))
        assert len(mails.mails) == 2


async def _at_least(count: Any, goal: int) -> bool:
    return await count() >= goal


async def _len(told: Any) -> int:
    return len(await told("mail.sent"))
