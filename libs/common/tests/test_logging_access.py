"""Every request leaves one line, and a slow one a warning."""

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from common.app import bare, build_app, context, send_json
from common.settings import ServiceSettings


@pytest.fixture
def records():
    found: list[logging.LogRecord] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    logger = logging.getLogger("common.app.access")
    handler, level = Collect(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)


@asynccontextmanager
async def wire(_: Any):
    yield None


async def answer(scope: Any, receive: Any, send: Any) -> None:
    context(scope).session_name = "found_in_the_body"
    await send_json(send, b"{}")


async def stream(scope: Any, receive: Any, send: Any) -> None:
    head = [(b"content-type", b"text/event-stream; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await asyncio.sleep(0.02)
    await send({"type": "http.response.body", "body": b": hb\n\n"})


@pytest.fixture
async def http(make_settings, test_keys, clock, run_app):
    app = build_app(
        name="session-state",
        # so short that every answer is slow
        settings=make_settings(ServiceSettings, slow_request_seconds=0.000001),
        wire=wire,
        hot=[bare("POST", "/internal/answer", answer), bare("GET", "/internal/stream", stream)],
        clock=clock,
    )
    credential = {"X-Internal-Token": test_keys.internal("gateway").header("session-state")}
    async with (
        run_app(app) as running,
        aiohttp.ClientSession(running.url, headers=credential) as session,
    ):
        yield session


def access(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = record.__dict__["access"]
    return found


async def test_a_request_is_one_line_with_template_status_and_duration(http, records, until):
    await http.post("/internal/answer")
    await until(lambda: records)
    [record] = records
    line = access(record)
    duration = line.pop("duration_ms")
    assert duration >= 0
    assert line == {"method": "POST", "route": "/internal/answer", "status": 200}


async def test_a_slow_request_is_a_warning_but_a_stream_never_is(http, records, until):
    await http.post("/internal/answer")
    async with http.get("/internal/stream") as response:
        await response.read()
    await until(lambda: len(records) == 2)
    assert [(r.levelname, r.getMessage()) for r in records] == [
        ("WARNING", "slow request"),
        ("INFO", "request"),
    ]


async def test_probes_leave_no_lines_unless_asked_for(http, records):
    await http.get("/health/live")
    await http.get("/metrics")
    await http.post("/internal/answer")
    assert [access(r)["route"] for r in records if r.levelno <= logging.INFO] == []
