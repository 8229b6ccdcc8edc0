"""Logins that end and laptops that close, where both happen soon."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from dev.rig import Rig
from dev.rig.rig import eventually

from .desk import Desk, at_desk, is_whole, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("hasty"),
    pytest.mark.browser,
]


@pytest_asyncio.fixture(loop_scope="session")
async def dora(browser: Browser, hasty: Rig) -> AsyncIterator[Desk]:
    async with at_desk(browser, hasty, "Dora Quint") as desk:
        yield desk


async def test_tokens_are_renewed_silently_and_their_end_keeps_the_draft(
    hasty: Rig, dora: Desk
) -> None:
    visitor = await waiting_visitor(hasty, "Hasty")
    name = str(visitor.name)
    renewed: list[int] = []
    dora.page.on(
        "response",
        lambda r: renewed.append(r.status) if r.url.endswith("/api/agent/refresh") else None,
    )
    await dora.serve(name)

    async def twice() -> bool:
        return renewed.count(200) >= 2

    await eventually(twice)
    await dora.say("said with the third token")
    await dora.sees("said with the third token")
    assert "/login" not in dora.page.url
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert "ey" + "J" not in await dora.page.evaluate(stored), "no token where scripts can read"

    await dora.page.type("#reply", "typed as it en")
    await dora.page.context.clear_cookies()
    await dora.is_asked_to_log_in("everything you typed")
    await dora.log_in()
    assert dora.page.url.endswith(f"/agent/c/{name}")
    await dora.has_draft("typed as it en")
    await dora.page.press("#reply", "Enter")
    await dora.sees("typed as it en")
    await is_whole(dora, await hasty.admin(), name)
