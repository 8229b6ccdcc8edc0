"""`make backup`, `make test-mail`, `make admin-reset`: acts on an installation, running or not."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from dev.runner import backup, guard
from dev.runner.choices import Choices, choose
from dev.runner.plan import ROOT, Wishes, process_counts
from dev.runner.ports import anywhere
from dev.runner.stack import Stack, make_stack

STOPPED_SECONDS = 10


def back_up(data_dir: Path, env: Mapping[str, str]) -> int:
    """Copies the data and says where to."""
    choices = choose(env)
    about = guard.running(data_dir)
    redis_port = about["redis_port"] or None if about else None
    name = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    target = asyncio.run(backup.back_up(data_dir, redis_port=redis_port, name=name))
    print(f"copied to {target}")
    if choices.redis_url:
        print("REDIS_URL is set: that Redis is not in the copy and needs a backup of its own")
    return 0


def restore(data_dir: Path, env: Mapping[str, str], source: Path) -> int:
    """Puts a backup in place; refuses while the product runs."""
    with guard.holding(data_dir, {"redis_port": 0}):
        aside = backup.restore(data_dir, source)
        asyncio.run(_mark_restored(data_dir, env))
    print(f"restored from {source}; what was there before is in {aside}")
    return 0


def test_mail(data_dir: Path, env: Mapping[str, str]) -> int:
    """One mail with the present settings, through the notifier's own code."""
    choices = choose(env)
    about = guard.running(data_dir)
    if not choices.real_mail and about is None:
        print("no SMTP_* is set and nothing runs: `make run` starts the mail catcher first")
        return 1
    stack = _planned(data_dir, env, choices=choices, about=about)
    return _call("notifier.test_mail", stack.plan.service_env("notifier"))


def admin_reset(data_dir: Path, env: Mapping[str, str], arguments: list[str]) -> int:
    """A new password for the admin; starts Redis for the moment where it does not run."""
    choices = choose(env)
    about = guard.running(data_dir)
    if choices.redis_url or about is not None:
        stack = _planned(data_dir, env, choices=choices, about=about)
        return _call("auth.admin_reset", stack.plan.service_env("auth"), arguments)
    with guard.holding(data_dir, {"redis_port": 0}):
        return asyncio.run(_reset_with_own_redis(data_dir, env, arguments))


async def _reset_with_own_redis(data_dir: Path, env: Mapping[str, str], told: list[str]) -> int:
    async with _redis_alone(data_dir, env) as stack:
        return _call("auth.admin_reset", stack.plan.service_env("auth"), told)


async def _mark_restored(data_dir: Path, env: Mapping[str, str]) -> None:
    async with _redis_alone(data_dir, env) as stack:
        port = stack.plan.ports.one("redis")
        await backup.new_generation(port, tag=env.get("REDIS_TAG", "") or "kefu")


@asynccontextmanager
async def _redis_alone(data_dir: Path, env: Mapping[str, str]) -> AsyncIterator[Stack]:
    """The embedded Redis over the installation's data, nothing else."""
    stack = _planned(data_dir, env, choices=choose(env), about=None)
    child = stack.child("redis")
    (data_dir / "redis").mkdir(parents=True, exist_ok=True)
    child.start()
    try:
        await stack.until_ready(child)
        yield stack
    finally:
        await stack.stop(seconds=STOPPED_SECONDS)


def _planned(
    data_dir: Path,
    env: Mapping[str, str],
    *,
    choices: Choices,
    about: dict[str, int] | None,
) -> Stack:
    """A plan of this installation for its environment only; what runs keeps its ports."""
    wishes = Wishes(data_dir=data_dir, env=env)
    ports = anywhere(process_counts(wishes, choices))
    if about is not None:
        known = {"redis": about.get("redis_port"), "mailcatcher": about.get("smtp_port")}
        running = {name: (port,) for name, port in known.items() if port}
        ports = replace(ports, of={**ports.of, **running})
    return make_stack(wishes, ports=ports, choices=choices)


def _call(module: str, env: Mapping[str, str], arguments: list[str] | None = None) -> int:
    command = [sys.executable, "-m", module, *(arguments or [])]
    return subprocess.run(command, cwd=ROOT, env=dict(env), check=False).returncode
