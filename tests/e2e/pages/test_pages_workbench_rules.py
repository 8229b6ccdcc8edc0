"""What every page of the workbench must be: harmless whatever is said in it, and usable by all."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from dev.attacks import corpus
from dev.rig import Rig
from dev.rig.rig import PASSWORD

from .desk import Desk, new_person, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
RUN_AXE = """axe.run(document).then(found => JSON.stringify(found.violations.map(
    one => [one.id, one.nodes.map(node => node.target.join(' ')).slice(0, 3)])))"""


async def test_no_text_of_anybody_runs_or_fetches_anything(stack: Rig, ann: Desk) -> None:
    attacks = corpus()
    assert len(attacks) >= 200
    foreign: list[str] = []
    ann.page.on(
        "request", lambda r: foreign.append(r.url) if not r.url.startswith(stack.gateway) else None
    )
    visitor = stack.visitor()
    await visitor.new()
    profile = {"nickname": attacks[0][:60], "country": attacks[1][:40], "language": "en"}
    await visitor.post(f"/api/sessions/{visitor.name}/identify", {"profile": profile})
    assert (await visitor.escalate(message=attacks[3])).status == 200
    name = str(visitor.name)
    await ann.serve(name)
    agent = await stack.admin()
    for attack in attacks:
        assert (await visitor.say(attack)).status == 200
    for attack in attacks[::20]:
        await ann.page.fill("#reply", attack)
        await ann.page.click(".send")
    await agent.post(f"/api/sessions/{name}/requeue", {"reason": attacks[4][:200]})
    await ann.page.wait_for_selector("[data-test=takeover]")
    await nothing_happened(ann.page, foreign)

    # the AI's answers are drawn as markdown: on a second look it is the AI that said all this
    async def by_the_ai(route: Route) -> None:
        answer = await route.fetch()
        body = (await answer.text()).replace('"role":"user"', '"role":"assistant"')
        await route.fulfill(response=answer, body=body)

    await ann.page.route("**/messages?*", by_the_ai)
    await ann.page.reload()
    await ann.page.wait_for_selector(".message.assistant .md")
    await nothing_happened(ann.page, foreign)


async def nothing_happened(page: Page, foreign: list[str]) -> None:
    """From the newest message to the oldest, all of them drawn."""
    await page.wait_for_selector(".log [data-id]")
    dangerous = ".log :is(script, img, iframe, style, object, embed, form, link, base, meta)"
    hooked = """[...document.querySelectorAll('*')].some(
        element => element.getAttributeNames().some(name => name.startsWith('on')))"""
    begun = page.get_by_text("The conversation begins here")
    while not await begun.count():
        await page.evaluate("document.querySelector('.log').scrollBy(0, -600)")
        await expect(page.locator(".log [data-id]")).not_to_have_count(0)
        assert await page.locator(dangerous).count() == 0
        assert await page.evaluate(hooked) is False
    assert await page.evaluate("typeof window.hit") == "undefined"
    assert foreign == []


async def violations(page: Page) -> list[Any]:
    if not await page.evaluate("typeof window.axe !== 'undefined'"):
        await page.evaluate(AXE.read_text())
    found: list[Any] = json.loads(await page.evaluate(RUN_AXE))
    return found


async def new_context(browser: Browser, theme: str, width: int) -> BrowserContext:
    return await browser.new_context(
        locale="en-GB",
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": 900},
        bypass_csp=True,
        reduced_motion="reduce",
    )


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
async def test_axe_finds_nothing(browser: Browser, stack: Rig, theme: str, width: int) -> None:
    username, agent_id = await new_person(stack, "Axel", role="admin")
    visitor, other = await waiting_visitor(stack, "Axe"), await waiting_visitor(stack, "Edge")
    context = await new_context(browser, theme, width)
    page = await context.new_page()
    desk = Desk(page, username, agent_id)
    await page.goto(f"{stack.gateway}/agent/")
    await page.wait_for_selector("input[name=username]")
    assert await violations(page) == []
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await desk.finds(str(other.name))
    assert await violations(page) == []
    await (await desk.finds(str(visitor.name))).click()
    await page.wait_for_selector(".message")
    assert await violations(page) == []
    await page.click("[data-test=takeover]")
    await expect(page.locator("[data-test=state]")).to_have_text("With you")
    await page.fill("#reply", "Hello")
    await page.press("#reply", "Enter")
    await page.wait_for_selector(".message.me")
    assert await violations(page) == []
    if width > 1000:
        for act in ("transfer", "close"):
            await page.click(f"[data-test=act-{act}]")
            await page.wait_for_selector("[role=dialog] form")
            assert await violations(page) == []
            await page.keyboard.press("Escape")
        await page.press("#reply", "Escape")
        await page.keyboard.press("?")
        await page.wait_for_selector("[role=dialog] kbd")
        assert await violations(page) == []
        await page.keyboard.press("Escape")
    else:
        await page.click(".acts [aria-pressed]")
        await page.wait_for_selector(".details")
        assert await violations(page) == []
    for address, mark in (("numbers", ".tiles"), ("people", "table"), ("me", "form")):
        await page.goto(f"{stack.gateway}/agent/{address}")
        await page.wait_for_selector(mark)
        assert await violations(page) == [], address
    await context.close()


async def test_the_job_can_be_done_with_keys_alone(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Keys")
    name, keys = str(visitor.name), ann.page.keyboard
    await ann.finds(name)
    while not ann.page.url.endswith(name):
        before = ann.page.url
        await keys.press("j")
        await expect(ann.page).not_to_have_url(before)
    await expect(ann.page.locator("[data-test=takeover]")).to_be_visible()
    await keys.press("t")
    await ann.holds()
    await expect(ann.page.locator("#reply")).to_be_focused()
    await keys.type("txbqe? is text in here")
    await keys.press("Enter")
    await ann.sees("txbqe? is text in here")
    await keys.press("Escape")
    await keys.press("Control+e")
    await expect(ann.page.locator("[role=dialog]")).to_have_count(0)
    await keys.press("e")
    await expect(ann.page.locator("[role=dialog]")).to_be_visible()
    await keys.press("Enter")
    await ann.stands("Closed")
    await expect(ann.page.locator("[role=dialog]")).to_have_count(0)
    await keys.press("Escape")
    await expect(ann.page).to_have_url(f"{stack.gateway}/agent/")
