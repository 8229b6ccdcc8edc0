"""A service's process: it drains on SIGTERM, and dies when a part of it died."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from common.security.internal import InternalSigner
from common.security.tokens import generate_key_pair
from common.testing.server import free_port
from common.testing.waiting import PATIENCE_SECONDS

PROGRAM = textwrap.dedent(
    """
    import asyncio
    import sys
    from contextlib import asynccontextmanager

    from common.app import bare, build_app, serve
    from common.settings import ServiceSettings, load_settings


    @asynccontextmanager
    async def wire(chassis):
        leaving = asyncio.Event()
        dying = asyncio.Event()

        async def drain():
            leaving.set()

        async def hang():
            await asyncio.sleep(3600)

        async def consumer():
            await dying.wait()
            if "returns" in sys.argv:
                return
            raise ValueError("redis is gone, token=abcdef123456")

        chassis.on_drain(drain)
        if "hangs" in sys.argv:
            chassis.on_drain(hang)
        chassis.supervise(consumer(), "consumer")
        if "refuses" in sys.argv:
            raise RuntimeError("an unsafe server")
        yield leaving, dying
        print("closed", file=sys.stderr)


    async def events(scope, receive, send):
        leaving, _ = scope["app"].state.wiring
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"data: ready\\n\\n", "more_body": True})
        await leaving.wait()
        await send({"type": "http.response.body", "body": b"event: drain\\n\\n"})


    async def die(scope, receive, send):
        scope["app"].state.wiring[1].set()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


    def create_app():
        return build_app(
            name="session-state",
            settings=load_settings(ServiceSettings),
            wire=wire,
            hot=[bare("GET", "/internal/events", events), bare("POST", "/internal/die", die)],
        )


    serve(create_app)
    """
)


class Running:
    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    async def end(self) -> tuple[int, list[dict[str, Any]], str]:
        """Exit status, log lines, stderr."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await self.process.communicate()
        status = self.process.returncode
        assert status is not None
        return status, [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.fixture
def launch(tmp_path, test_keys):
    @contextlib.asynccontextmanager
    async def started(*words: str, ready: bool = True, **variables: str) -> AsyncIterator[Running]:
        port = free_port()
        (tmp_path / "service.py").write_text(PROGRAM)
        environment = {
            "PORT": str(port),
            "INTERNAL_SECRET": "of-the-process-test-0123456789",
            "VISITOR_TOKEN_PUBLIC_KEY": test_keys.visitor[1],
            "AGENT_TOKEN_PUBLIC_KEY": test_keys.agent[1],
            **variables,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(tmp_path / "service.py"),
            *words,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        running = Running(process, f"http://127.0.0.1:{port}")
        try:
            if ready:
                await reachable(running)
            yield running
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return started


async def reachable(running: Running) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"{running.url}/health/ready") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.02)


@pytest.fixture
def credential(test_keys):
    signer = InternalSigner("of-the-process-test-0123456789", "gateway")
    return {"X-Internal-Token": signer.header("session-state")}


async def test_sigterm_drains_an_open_event_stream_and_exits_well(launch, credential):
    async with launch() as running, aiohttp.ClientSession(running.url, headers=credential) as http:
        async with http.get("/internal/events") as stream:
            assert await stream.content.readline() == b"data: ready\n"
            running.process.send_signal(signal.SIGTERM)
            rest = await stream.content.read()
        assert rest.endswith(b"event: drain\n\n")
        status, lines, err = await running.end()
    assert status == 0
    # the wiring's own end ran
    assert "closed" in err
    assert "draining" in [line["event"] for line in lines]


async def test_a_hook_that_hangs_keeps_the_process_no_longer_than_the_setting(launch, credential):
    async with launch("hangs", DRAIN_SECONDS="0.3") as running:
        running.process.send_signal(signal.SIGTERM)
        status, lines, _ = await running.end()
    assert status == 0
    assert "drain hooks cut short" in [line["event"] for line in lines]


async def test_a_second_signal_does_not_wait_for_the_drain(launch):
    async with launch("hangs", DRAIN_SECONDS="600") as running, aiohttp.ClientSession() as http:
        running.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with http.get(f"{running.url}/health/ready") as response:
                    if response.status == 503:
                        assert (await response.json())["status"] == "draining"
                        break
        running.process.send_signal(signal.SIGINT)
        status, _, _ = await running.end()
    assert status == 0


@pytest.mark.parametrize("how", ["raises", "returns"])
async def test_the_end_of_a_supervised_task_ends_the_process(launch, credential, how):
    async with (
        launch(how) as running,
        aiohttp.ClientSession(running.url, headers=credential) as http,
    ):
        await http.post("/internal/die")
        status, lines, _ = await running.end()
    assert status == 70
    [line] = [line for line in lines if line["event"] == "supervised task ended"]
    assert line["level"] == "CRITICAL"
    assert line["task"] == "consumer"
    assert "abcdef123456" not in json.dumps(lines)


async def test_a_wiring_that_refuses_to_start_is_no_running_service(launch):
    async with launch("refuses", ready=False) as running:
        status, lines, _ = await running.end()
    assert status == 3
    assert "an unsafe server" in json.dumps(lines)


async def test_wrong_settings_are_named_without_their_values(launch):
    wrong = {"PORT": "eighty-eighty", "VISITOR_TOKEN_PUBLIC_KEY": "not-a-key"}
    async with launch(ready=False, **wrong) as running:
        status, _, err = await running.end()
    assert status == 2
    assert "PORT" in err
    assert "VISITOR_TOKEN_PUBLIC_KEY" in err
    assert "eighty-eighty" not in err
    assert "not-a-key" not in err


async def test_production_refuses_weak_secrets(launch):
    weak = {"APP_ENV": "production", "INTERNAL_SECRET": "development-secret-development-x"}
    async with launch(ready=False, **weak) as running:
        status, _, err = await running.end()
    assert status == 2
    assert "INTERNAL_SECRET" in err
    assert "development" not in err
    # canary: the same starts elsewhere, and a strong one starts in production
    strong = {"APP_ENV": "production", "INTERNAL_SECRET": generate_key_pair()[0]}
    for variables in ({**weak, "APP_ENV": "development"}, strong):
        async with launch(**variables) as running:
            running.process.send_signal(signal.SIGTERM)
            assert (await running.end())[0] == 0


async def test_a_taken_port_is_named(launch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with launch(ready=False, PORT=str(port)) as running:
            status, lines, _ = await running.end()
    assert status == 3
    assert str(port) in json.dumps(lines)


async def test_lines_go_to_a_file_where_one_is_named(launch, tmp_path):
    async with launch(LOG_FILE=str(tmp_path / "service.log")) as running:
        running.process.send_signal(signal.SIGTERM)
        await running.end()
    events = [json.loads(line) for line in (tmp_path / "service.log").read_text().splitlines()]
    assert "draining" in [line["event"] for line in events]
