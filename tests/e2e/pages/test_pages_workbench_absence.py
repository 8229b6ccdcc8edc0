"""Logins that end and laptops that close, where both happen soon."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from dev.rig import Rig
from dev.rig.rig import eventually

from .cable import Cable, cable_to
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
    await dora.holds()
    await dora.page.press("#reply", "Enter")
    await dora.sees("typed as it en")
    await is_whole(dora, await hasty.admin(), name)


@pytest_asyncio.fixture(loop_scope="session")
async def sleepy(browser: Browser, hasty: Rig) -> AsyncIterator[tuple[Desk, Cable]]:
    """An agent whose laptop will be closed; the page's clock can be moved."""
    async with (
        cable_to(*hasty.gateway_address()) as (cable, url),
        at_desk(browser, hasty, "Sina Lumi", url=url) as desk,
    ):
        await desk.page.clock.install()
        await desk.page.reload()
        await desk.is_live()
        yield desk, cable


async def test_after_an_hour_of_sleep_the_truth_is_shown_and_nobody_has_to_log_in(
    hasty: Rig, sleepy: tuple[Desk, Cable]
) -> None:
    desk, cable = sleepy
    visitor = await waiting_visitor(hasty, "Awake")
    name = str(visitor.name)
    await desk.serve(name)
    await desk.say("I look it up")
    await desk.has_unsent(0)
    await desk.page.type("#reply", "half an answ")
    await desk.falls_asleep(cable)

    async def is_given_back() -> bool:
        return (await visitor.state())["status"] == "pending_manual"

    await eventually(is_given_back)
    colleague = await hasty.new_agent(await hasty.admin(), name="Emil Foss")
    await colleague.takeover(name)
    await colleague.say(name, "Emil here, I go on")
    await visitor.say("Thank you, Emil")
    await colleague.release(name)
    await visitor.chat("How do I return it?")
    newcomer = await waiting_visitor(hasty, "Newcomer")
    # the beginning of what was missed can't be replayed: the queue has to be fetched anew
    await hasty.trim_bus()

    async with desk.page.expect_request("**/api/sessions?status=pending_manual*"):
        await desk.wakes(cable)
    await desk.stands("With the AI")
    await desk.has_draft("half an answ")
    await desk.is_live()
    await desk.finds(str(newcomer.name))
    await is_whole(desk, await hasty.admin(), name)
    assert desk.page.url.endswith(f"/agent/c/{name}")
    await expect(desk.page.get_by_role("button", name="Sina Lumi, Online")).to_be_visible()


async def test_a_login_that_ended_during_the_sleep_leads_back_to_the_same_place(
    hasty: Rig, sleepy: tuple[Desk, Cable]
) -> None:
    desk, cable = sleepy
    visitor = await waiting_visitor(hasty, "Patient")
    name = str(visitor.name)
    await desk.serve(name)
    await desk.page.type("#reply", "half an answ")
    await desk.falls_asleep(cable)
    # a login that nobody uses lives for a week
    await desk.page.context.clear_cookies()
    await visitor.say("Are you still there?")
    await desk.wakes(cable, hours=200)
    await desk.is_asked_to_log_in("everything you typed")
    await desk.log_in()
    assert desk.page.url.endswith(f"/agent/c/{name}")
    await desk.has_draft("half an answ")
    await desk.holds()
    await desk.page.press("#reply", "Enter")
    await desk.has_unsent(0)
    await is_whole(desk, await hasty.admin(), name)
