"""The stack's processes: started, killed, restarted, backed up, ended in order."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from common.testing.waiting import PATIENCE_SECONDS

from dev.runner import backup, errands
from dev.runner.child import Child
from dev.runner.console import Console, welcome
from dev.runner.plan import ROOT, Part, Wishes
from dev.runner.probes import RedisRefusedError, is_ready, redis_command
from dev.runner.stack import (
    NotReadyError,
    StoppedError,
    bare_environment,
    make_stack,
    running_stack,
)
from dev.tests.test_runner_plan import free_run


@pytest.fixture
async def embedded(tmp_path):
    """Redis, simulator and mail catcher; the services are the end-to-end tests' matter."""
    async with running_stack(Wishes(data_dir=tmp_path, services=())) as stack:
        yield stack


async def test_what_was_acknowledged_survives_a_kill_of_redis(embedded):
    await embedded.redis("SET", "a", "1")
    first = embedded.pids()["redis"]
    await embedded.kill("redis")
    assert "redis" not in embedded.pids()
    assert not await is_ready(embedded.child("redis").part.ready)
    await embedded.restart("redis")
    assert await embedded.redis("GET", "a") == "1"
    assert embedded.pids()["redis"] != first


async def test_everything_killed_at_once_comes_back_on_the_same_ports(embedded):
    url, before = embedded.simulator_url, embedded.pids()
    await embedded.kill_everything()
    assert embedded.pids() == {}
    await embedded.start_everything()
    assert embedded.simulator_url == url
    assert embedded.pids().keys() == before.keys()
    assert await is_ready(f"{embedded.mail_url}/api/mails")


async def test_a_frozen_process_answers_again_when_thawed(embedded):
    with embedded.frozen("redis"):
        assert embedded.child("redis").running
        assert not await is_ready(embedded.child("redis").part.ready)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await embedded.redis("PING") == "PONG"


async def test_an_orderly_end_has_status_0_and_a_restart_takes_new_settings(embedded):
    assert await embedded.terminate("simulator") == 0
    await embedded.restart("simulator", env={"SIM_PACE_MS": "1"})
    assert embedded.child("simulator").part.env["SIM_PACE_MS"] == "1"


async def test_logs_are_kept_for_the_owner_only(embedded):
    log = embedded.log_path("simulator")
    assert "Coze simulator on" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


async def test_redis_ends_last(tmp_path):
    ended = []
    stack = make_stack(Wishes(data_dir=tmp_path, env=bare_environment(), services=()))
    await stack.start()
    stack.say = ended.append
    await stack.stop(seconds=10)
    assert ended[-1] == "redis ended"
    assert stack.pids() == {}


async def test_a_process_that_ends_at_the_start_is_named_with_its_last_words(tmp_path):
    wishes = Wishes(
        data_dir=tmp_path,
        env=bare_environment(),
        env_of={"simulator": {"SIM_PACE_MS": "fast"}},
        services=(),
    )
    stack = make_stack(wishes)
    try:
        with pytest.raises(NotReadyError, match=r"simulator ended with status 2\n.*SIM_PACE_MS"):
            await stack.start()
    finally:
        await stack.stop(seconds=10)


async def test_a_start_can_be_given_up(tmp_path):
    stack = make_stack(Wishes(data_dir=tmp_path, env=bare_environment(), services=()))
    stack.given_up = lambda: True
    child = Child(Part("none", 0, ("sleep", "9"), {}, 1, "http://127.0.0.1:1/"), tmp_path / "x.log")
    with pytest.raises(StoppedError):
        await stack.until_ready(child)


async def test_a_backup_taken_while_redis_writes_can_be_restored(tmp_path):
    data = tmp_path / "data"
    async with running_stack(Wishes(data_dir=data, services=())) as stack:
        port = stack.plan.ports.one("redis")
        await stack.redis("SET", "kept", "yes")
        await stack.redis("BGREWRITEAOF")
        target = await backup.back_up(data, redis_port=port, name="one")
        assert (await stack.redis("CONFIG", "GET", "auto-aof-rewrite-percentage")) is not None
        await stack.redis("SET", "later", "yes")
        with pytest.raises(backup.BackupRefusedError):
            await backup.back_up(data, redis_port=port, name="one")
    assert {"redis", "keys"} <= {entry.name for entry in target.iterdir()}
    assert await asyncio.to_thread(errands.restore, data, bare_environment(), target) == 0
    async with running_stack(Wishes(data_dir=data, services=())) as stack:
        assert await stack.redis("GET", "kept") == "yes"
        assert await stack.redis("GET", "later") == ""
        assert await stack.redis("GET", "{kefu}:generation") != ""


def test_what_is_no_backup_is_not_restored(tmp_path):
    with pytest.raises(backup.BackupRefusedError, match="no backup"):
        backup.restore(tmp_path, tmp_path)


async def test_the_console_brings_back_what_dies_and_ends_all(tmp_path, capsys):
    stack = make_stack(Wishes(data_dir=tmp_path, env=bare_environment(), services=()))
    console = Console(stack)
    running = asyncio.ensure_future(console.run())
    told = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "Ready." not in told:
            told += capsys.readouterr().out
            await asyncio.sleep(0.05)
        first = stack.pids()["simulator"]
        os.kill(first, signal.SIGKILL)
        while stack.pids().get("simulator", first) == first:
            await asyncio.sleep(0.05)
        await stack.until_ready(stack.child("simulator"))
        console.ends.set()
        assert await running == 0
    told += capsys.readouterr().out
    assert "simulator died (killed by SIGKILL); it starts again" in told
    assert "SIMULATOR on" in told
    assert stack.pids() == {}
    assert told.index("simulator ended") < told.index("redis ended")


def test_the_welcome_says_what_is_real(tmp_path):
    said = welcome(make_stack(Wishes(data_dir=tmp_path, host="0.0.0.0")).plan)
    assert "SIMULATOR" in said
    assert "0.0.0.0" not in said
    real = {"REDIS_URL": "redis://user:hidden@r:6379/0"}
    said = welcome(make_stack(Wishes(data_dir=tmp_path, env=real)).plan)
    assert "yours: r:6379/0" in said
    assert "hidden" not in said


def command(*words, data: Path, **env):
    return subprocess.run(
        [sys.executable, "-m", "dev.runner", "--data", str(data), *words],
        cwd=ROOT,
        env={**bare_environment(), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_half_a_configuration_starts_nothing_and_names_the_variable(tmp_path):
    ended = command(data=tmp_path, COZE_APP_ID="1")
    assert ended.returncode == 2
    assert "COZE_PRIVATE_KEY" in ended.stderr
    assert not (tmp_path / "redis").exists()


def test_a_taken_port_starts_nothing_and_is_named(tmp_path):
    base = free_run()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", base))
        holder.listen()
        ended = command(data=tmp_path, PORT=str(base))
    assert ended.returncode == 1
    assert f"{base} (gateway)" in ended.stderr


def test_a_test_mail_needs_something_that_takes_it(tmp_path):
    ended = command("test-mail", data=tmp_path)
    assert ended.returncode == 1
    assert "make run" in ended.stdout


async def test_an_error_of_redis_is_raised(embedded):
    with pytest.raises(RedisRefusedError):
        await redis_command("127.0.0.1", embedded.plan.ports.one("redis"), "NOSUCH")
