"""Every view of the workbench passes axe (WCAG 2.2 AA), light and dark, wide and narrow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from dev.rig import Rig
from dev.rig.rig import PASSWORD

from .axe import SIZES, Review, new_context, violations
from .desk import new_person, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
BY_SIZE = pytest.mark.parametrize("size", list(SIZES))


@asynccontextmanager
async def a_desk(browser: Browser, rig: Rig, size: str) -> AsyncIterator[tuple[Page, Review]]:
    context = await new_context(browser, size)
    page = await context.new_page()

    async def paint(theme: str) -> None:
        await page.wait_for_selector(f"html[data-theme={theme}]", state="attached")

    review = Review(page, paint)
    await page.goto(f"{rig.gateway}/agent/")
    await page.wait_for_selector("input[name=username]")
    yield page, review
    await context.close()
    review.passes()


async def logs_in(rig: Rig, page: Page, review: Review) -> None:
    """Six wrong passwords for one account, then in with another."""
    locked, _ = await new_person(rig, "Locked")
    username, _ = await new_person(rig, "Axel", role="admin")
    await review.of("login")
    await page.fill("input[name=username]", locked)
    for _ in range(6):
        await page.fill("input[name=password]", "not the password")
        async with page.expect_response("**/api/agent/login"):
            await page.click("button[type=submit]")
        await page.wait_for_selector(".problem")
    await page.wait_for_selector("[data-test=locked]")
    await review.of("login throttled")
    await page.reload()
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_selector("#queue-list a.session")


async def serves(rig: Rig, page: Page, review: Review, *, is_phone: bool) -> None:
    visitor = await waiting_visitor(rig, "Axe")
    await page.click("[data-test=list-waiting]")
    await page.click(".filters [aria-expanded]")
    await review.of("queue with filters")
    await page.click(".filters [aria-expanded]")
    await page.goto(f"{rig.gateway}/agent/c/{visitor.name}")
    await page.wait_for_selector(".message")
    await review.of("conversation that waits")
    await page.click("[data-test=takeover]")
    await expect(page.locator("[data-test=state]")).to_have_text("With you")
    await page.fill("#reply", "Hello")
    await page.press("#reply", "Enter")
    await page.wait_for_selector(".message.me")
    await visitor.post(f"/api/sessions/{visitor.name}/typing")
    await page.wait_for_selector(".typing .dots")
    await review.of("conversation of mine")
    if is_phone:
        await page.click(".acts [aria-pressed]")
        await page.wait_for_selector(".details")
        await review.of("details")
        await page.click(".details .close")
    await page.context.set_offline(True)
    await page.fill("#reply", "Typed in the tunnel")
    await page.press("#reply", "Enter")
    await page.wait_for_selector(".banner")
    await review.of("connection lost")
    await page.context.set_offline(False)
    await expect(page.locator("[data-phase]")).to_have_count(0)


async def opens_dialogs(page: Page, review: Review, *, is_phone: bool) -> None:
    """Every dialog and menu of a conversation, and the list of keys."""
    acts = await page.locator("[data-test^=act-]").evaluate_all(
        "all => all.map(a => a.dataset.test)"
    )
    assert len(acts) >= 4
    for act in acts:
        if is_phone:
            await page.click(".acts [aria-haspopup=menu]")
            await page.wait_for_selector("[role=menu]")
            if act == acts[0]:
                await review.of("menu of acts")
            await page.get_by_role("menuitem").nth(acts.index(act)).click()
        else:
            await page.click(f"[data-test={act}]")
        await page.wait_for_selector("[role=dialog] form")
        await review.of(act)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    if is_phone:
        await page.click(".back")
    await page.click("nav .me")
    await page.wait_for_selector("[role=menu]")
    await review.of("menu of presence")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_have_count(0)
    if is_phone:
        return
    await page.focus("main")
    await page.keyboard.press("?")
    await page.wait_for_selector("[role=dialog] kbd")
    await review.of("keys")
    await page.keyboard.press("Escape")


async def looks_around(rig: Rig, page: Page, review: Review) -> None:
    """The other pages, and what opens on them."""
    await page.goto(f"{rig.gateway}/agent/numbers")
    await page.wait_for_selector(".tiles")
    await review.of("numbers")
    await page.goto(f"{rig.gateway}/agent/me")
    await page.wait_for_selector("form")
    await review.of("me")
    await page.goto(f"{rig.gateway}/agent/c/nobody_here")
    await page.wait_for_selector(".problem-page")
    await review.of("conversation that is gone")
    await page.goto(f"{rig.gateway}/agent/people")
    await page.wait_for_selector("table")
    await review.of("people")
    await page.click("[data-test=new-person]")
    await page.fill("[role=dialog] input[name=username]", f"axe-{id(page)}")
    await page.fill("[role=dialog] input[name=password]", "short")
    await page.fill("[role=dialog] input[name=name]", "Axe")
    await page.click("[data-test=save]")
    await page.wait_for_selector("[role=dialog] .problem")
    await review.of("new person, refused")
    await page.fill("[role=dialog] input[name=password]", PASSWORD)
    await page.click("[data-test=save]")
    await page.wait_for_selector(".notice")
    await review.of("notice")
    row = page.locator(f"[data-username=axe-{id(page)}]")
    await row.locator(".tools button").nth(1).click()
    await page.click("[role=dialog] [data-test=confirm]")
    await page.wait_for_selector("[data-test=password]")
    await review.of("new password")
    await page.keyboard.press("Escape")
    await row.locator(".tools button").nth(2).click()
    await page.wait_for_selector("[role=dialog] .danger")
    await review.of("deactivate?")
    await page.keyboard.press("Escape")


@BY_SIZE
async def test_the_workbench_in_every_view(browser: Browser, stack: Rig, size: str) -> None:
    await waiting_visitor(stack, "Edge")
    is_phone = size == "phone"
    async with a_desk(browser, stack, size) as (page, review):
        await logs_in(stack, page, review)
        await serves(stack, page, review, is_phone=is_phone)
        await opens_dialogs(page, review, is_phone=is_phone)
        await looks_around(stack, page, review)


# --- axe's own proof -------------------------------------------------------------------------


TINY = '<p><button style="font-size: 5px">a</button><button style="font-size: 5px">b</button></p>'
HARMS = {
    "label": "document.querySelector('label.field span').remove()",
    "color-contrast": "document.querySelector('h1').style.color = '#ddd'",
    "target-size": f"document.querySelector('form').insertAdjacentHTML('beforeend', '{TINY}')",
    "page-has-heading-one": "document.querySelector('h1').outerHTML = '<h4>too deep</h4>'",
}


@pytest.mark.parametrize("rule", list(HARMS))
async def test_harm_is_found(browser: Browser, stack: Rig, rule: str) -> None:
    """Canary: what would exclude somebody turns the review red."""
    context = await new_context(browser, "desktop")
    page = await context.new_page()
    await page.goto(f"{stack.gateway}/agent/")
    await page.wait_for_selector("input[name=username]")
    await page.evaluate(HARMS[rule])
    assert rule in [one[0] for one in await violations(page)]
    await context.close()
