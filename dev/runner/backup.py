"""Copies an installation's data so that the copy can be started, also while everything runs.

Redis keeps an append-only log in parts and a manifest that names them. While a rewrite is held off,
parts are only appended to, so a plain copy is a state of some moment: at worst its last write is
cut off, and Redis drops such a tail by itself when it loads.
"""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dev.runner.probes import redis_command

COPIED = ("redis", "keys", "mails", "simulator")
REWRITE_SECONDS = 120


class BackupRefusedError(Exception):
    """The copy or the restore cannot be made; says why."""


async def back_up(data_dir: Path, *, redis_port: int | None, name: str) -> Path:
    """Copies into `.data/backups/<name>`; `redis_port` is that of the running embedded Redis."""
    target = data_dir / "backups" / name
    unfinished = target.with_suffix(".unfinished")
    if target.exists():
        raise BackupRefusedError(f"{target} exists already")
    unfinished.mkdir(parents=True, mode=0o700)
    async with _no_rewrite(redis_port):
        for folder in COPIED:
            if (data_dir / folder).is_dir():
                shutil.copytree(data_dir / folder, unfinished / folder)
    unfinished.rename(target)
    return target


def restore(data_dir: Path, source: Path) -> Path:
    """Puts a backup in the place of the present data, which is kept aside; returns where.

    Only while nothing runs. Afterwards `new_generation` must be called on the started Redis.
    """
    if not (source / "redis").is_dir():
        raise BackupRefusedError(f"{source} is no backup: it has no redis folder")
    aside = data_dir / "backups" / f"before-restore-{int(time.time())}"
    aside.mkdir(parents=True, mode=0o700)
    for folder in COPIED:
        if (data_dir / folder).exists():
            (data_dir / folder).rename(aside / folder)
        if (source / folder).is_dir():
            shutil.copytree(source / folder, data_dir / folder)
    return aside


async def new_generation(redis_port: int, *, tag: str) -> None:
    """Event ids given out before the restore are unknown from now on: clients reload."""
    value = secrets.token_hex(8)
    await redis_command("127.0.0.1", redis_port, "SET", f"{{{tag}}}:generation", value)


@asynccontextmanager
async def _no_rewrite(redis_port: int | None) -> AsyncIterator[None]:
    """Inside, no append-only file is replaced or removed."""
    if redis_port is None:
        yield
        return
    setting = "auto-aof-rewrite-percentage"
    await redis_command("127.0.0.1", redis_port, "CONFIG", "SET", setting, "0")
    try:
        await _until_no_rewrite_runs(redis_port)
        yield
    finally:
        await redis_command("127.0.0.1", redis_port, "CONFIG", "SET", setting, "100")


async def _until_no_rewrite_runs(redis_port: int) -> None:
    async with asyncio.timeout(REWRITE_SECONDS):
        while True:
            facts = await redis_command("127.0.0.1", redis_port, "INFO", "persistence")
            if "aof_rewrite_in_progress:0" in facts:
                return
            await asyncio.sleep(0.1)
