"""Everything is reached by Tab, the focus is seen, and dialogs keep it and give it back."""

from typing import Any

import pytest
from playwright.async_api import Browser, Frame, Page, expect

from dev.rig import Rig
from dev.rig.rig import PASSWORD

from .conftest import embedded
from .desk import Desk, new_person, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
# What a person with a mouse could use, of this part of the page; of radio buttons the chosen one.
WALK = """
const usable = 'a[href], button, input, select, textarea, [tabindex="0"]'
const isThere = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled
const isStop = (one) => one.tabIndex >= 0 && !(one.type === 'radio' && !one.checked &&
  document.querySelector(`input[type=radio][name="${one.name}"]:checked`))
const look = (one) => {
  const styles = []
  for (let at = one, level = 0; at && level < 3; at = at.parentElement, level += 1) {
    const { outline, boxShadow, borderColor, backgroundColor } = getComputedStyle(at)
    styles.push(outline, boxShadow, borderColor, backgroundColor)
  }
  return styles.join()
}
const name = (one) => one.outerHTML.slice(0, 110)
window.walk = {
  begin(part) {
    walk.wanted = new Set([...document.querySelectorAll(part)].flatMap(
      (box) => [...box.querySelectorAll(usable)]).filter((one) => isThere(one) && isStop(one)))
    const at = document.activeElement
    at.blur()
    walk.plain = new Map([...walk.wanted].map((one) => [one, look(one)]))
    walk.unseen = []
    at.focus()
    addEventListener('focusin', walk.step)
    return document.querySelectorAll(usable).length
  },
  step({ target }) {
    if (!walk.wanted.delete(target)) return
    if (look(target) === walk.plain.get(target)) walk.unseen.push(name(target))
  },
  report() {
    removeEventListener('focusin', walk.step)
    return { missed: [...walk.wanted].map(name), unseen: walk.unseen }
  },
}"""
NOTHING: dict[str, Any] = {"missed": [], "unseen": []}


async def tab_through(where: Page | Frame, part: str = "body") -> dict[str, Any]:
    """Which of what is usable Tab does not reach, and where the focus is not seen."""
    page = where if isinstance(where, Page) else where.page
    await where.evaluate(WALK)
    for _ in range(int(await where.evaluate("part => walk.begin(part)", part)) + 4):
        await page.keyboard.press("Tab")
    found: dict[str, Any] = await where.evaluate("walk.report()")
    return found


async def keeps_focus(where: Page | Frame, dialog: str) -> None:
    """Tab and Shift+Tab, all the way round, stay inside."""
    page = where if isinstance(where, Page) else where.page
    inside = f"document.activeElement.closest('{dialog}') !== null"
    stops = await where.locator(f"{dialog} :is(a, button, input, select, textarea)").count()
    for key in ["Tab"] * (stops + 1) + ["Shift+Tab"] * (stops + 2):
        await page.keyboard.press(key)
        assert await where.evaluate(inside), key


async def gives_focus_back(where: Page | Frame, opener: str, dialog: str) -> None:
    """Opened by its button with a key, closed by Escape: the button has the focus again."""
    page = where if isinstance(where, Page) else where.page
    await where.focus(opener)
    await page.keyboard.press("Enter")
    await where.wait_for_selector(dialog)
    await keeps_focus(where, dialog)
    assert await tab_through(where, dialog) == NOTHING
    await page.keyboard.press("Escape")
    await where.wait_for_selector(dialog, state="detached")
    await expect(where.locator(opener)).to_be_focused()


async def test_the_widget_by_keys_alone(browser: Browser, stack: Rig, shop_url: str) -> None:
    context = await browser.new_context(locale="en-GB", reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(shop_url)
    launcher = page.locator("[data-fiido-kefu] button.l")
    await launcher.focus()
    assert await launcher.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    await page.keyboard.press("Enter")
    frame = await embedded(page)
    # the AI's own questions have come, which take the place of others
    await frame.get_by_text("How do I return my bike?").wait_for()
    assert await tab_through(frame, ".window") == NOTHING
    await gives_focus_back(frame, ".window > header [aria-label=Menu]", ".sheet")
    await frame.focus(".composer textarea")
    await page.keyboard.type("How far does the battery go?")
    await page.keyboard.press("Enter")
    await frame.wait_for_selector(".chips")
    assert await tab_through(frame, ".window") == NOTHING
    await gives_focus_back(frame, ".window > header [aria-label=Menu]", ".sheet")
    await frame.focus(".slim button")
    await page.keyboard.press("Enter")
    await frame.wait_for_selector("section.waiting")
    assert await tab_through(frame, ".window") == NOTHING
    await frame.focus("section.waiting .btn:nth-of-type(2)")
    await page.keyboard.press("Enter")
    await frame.wait_for_selector(".away form")
    assert await tab_through(frame, ".window") == NOTHING
    await page.keyboard.press("Escape")
    await page.locator("[data-fiido-kefu] .p").wait_for(state="hidden")
    assert await launcher.evaluate("one => one.getRootNode().activeElement === one")
    await context.close()


async def test_the_workbench_by_keys_alone(browser: Browser, stack: Rig) -> None:
    username, _ = await new_person(stack, "Keyra", role="admin")
    visitor = await waiting_visitor(stack, "Keyboard")
    context = await browser.new_context(
        locale="en-GB", viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )
    page = await context.new_page()
    await page.goto(f"{stack.gateway}/agent/c/{visitor.name}")
    await page.wait_for_selector("input[name=username]")
    assert await tab_through(page) == NOTHING
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[data-test=takeover]")
    await page.focus("[data-test=takeover]")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-test=state]")).to_have_text("With you")
    # the rows of the list come and go while others use this shop
    for part in ("nav", ".filters, [role=tablist]", ".conversation", ".details"):
        assert await tab_through(page, part) == NOTHING, part
    acts = await page.locator("[data-test^=act-]").evaluate_all(
        "all => all.map(a => a.dataset.test)"
    )
    for act in acts:
        await gives_focus_back(page, f"[data-test={act}]", "[role=dialog]")
    await page.goto(f"{stack.gateway}/agent/people")
    await gives_focus_back(page, "[data-test=new-person]", "[role=dialog]")
    for address in ("people", "me", "numbers"):
        await page.goto(f"{stack.gateway}/agent/{address}")
        await page.wait_for_selector("main h1")
        assert await tab_through(page, "main .page > :not(.table)") == NOTHING, address
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
