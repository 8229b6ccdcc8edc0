"""Every state of the widget passes axe (WCAG 2.2 AA), light and dark, wide and narrow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from dev.rig import Rig

from .axe import LOOKS, SIZES, Review, new_context, violations
from .conftest import Widget, embedded

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
HOST = "[data-fiido-kefu]"
BY_SIZE = pytest.mark.parametrize("size", list(SIZES))
EVERYTHING = """## Before you ride
Read **this** and *that*, or `press 3`, [the manual](https://example.com/manual) and ~~no more~~.

1. Charge it
2. Fold it

| Model | Range |
| --- | --- |
| Titan | 160 km |

> As we said.

```
error 21
```
"""


@asynccontextmanager
async def a_widget(
    browser: Browser, shop_url: str, size: str
) -> AsyncIterator[tuple[Widget, Review]]:
    """The chat opened on a shop's page, before consent; at the end nothing may have been found."""
    context = await new_context(browser, size)
    page = await context.new_page()

    async def paint(theme: str) -> None:
        await page.evaluate("color => window.FiidoKefu.update({color})", LOOKS[theme])

    review = Review(page, paint)
    await page.goto(shop_url)
    await page.wait_for_selector("[data-fiido-kefu] button.l")
    options = {"consent": "ask", "privacyUrl": "https://example.com/p", "label": "Ask us"}
    await page.evaluate("options => FiidoKefu.update(options)", options)
    await review.of("closed", part=HOST)
    await page.click("[data-fiido-kefu] button.l")
    handle = await page.wait_for_selector("[data-fiido-kefu] iframe", state="attached")
    frame = await handle.content_frame() if handle else None
    assert frame is not None
    await frame.wait_for_selector(".consent")
    yield Widget(page, frame), review
    await context.close()
    review.passes()


async def talks_to_the_ai(rig: Rig, widget: Widget, review: Review) -> None:
    frame = widget.frame
    await review.of("consent", frame)
    await frame.locator(".consent .btn").first.click()
    await frame.wait_for_selector(".welcome")
    await review.of("welcome", frame)
    await widget.ask("How far does the battery go? [[sim:hang_mid=4]]")
    await frame.wait_for_selector(".growing")
    await review.of("streaming", frame)
    await frame.click(".go.stop")
    await frame.wait_for_selector(".assistant .state")
    await review.of("stopped", frame)
    await widget.ask("Broken? [[sim:4000]]")
    await frame.wait_for_selector(".failed button")
    await review.of("failed", frame)
    answer = {"deltas": [EVERYTHING], "follow_ups": ["And uphill?", "And in winter?"]}
    await rig.simulator("POST", "/sim/answers", {"answers": [answer]})
    await widget.ask("Everything, please")
    await frame.wait_for_selector(".chips")
    await review.of("answer with chips", frame)
    await frame.locator(".list").evaluate("list => list.scrollTo(0, 0)")
    await frame.wait_for_selector(".frame > .down")
    await review.of("scrolled up", frame)
    await frame.fill(".composer textarea", "x" * 4990)
    await review.of("almost too long", frame)
    await frame.fill(".composer textarea", "x" * 5001)
    await review.of("too long", frame)
    await frame.fill(".composer textarea", "")


async def opens_the_menu(widget: Widget, review: Review) -> None:
    frame = widget.frame
    sheet, back = frame.locator(".sheet"), frame.locator(".sheet .bar .tool").first
    await frame.click(".window > header .tool")
    await sheet.locator(".menu").wait_for()
    await review.of("menu", frame)
    lines = sheet.locator("button.line")
    await lines.nth(1).click()
    await sheet.locator("form").wait_for()
    await sheet.locator("form .btn").click()
    await sheet.get_by_role("alert").wait_for()
    await review.of("transcript by mail, nothing filled in", frame)
    await sheet.locator("input[type=email]").fill("rider@example.com")
    await sheet.locator("input[type=checkbox]").check()
    await sheet.locator("form .btn").click()
    await sheet.locator(".sent").wait_for()
    await review.of("transcript sent", frame)
    await back.click()
    await lines.nth(2).click()
    await sheet.locator(".fresh").wait_for()
    await review.of("new conversation?", frame)
    await frame.press(".sheet", "Escape")
    await sheet.wait_for(state="detached")


async def is_served(rig: Rig, widget: Widget, review: Review) -> None:
    frame, agent = widget.frame, await rig.agent()
    await widget.ask("I want a human")
    await frame.wait_for_selector("section.waiting")
    await review.of("waiting", frame)
    await frame.locator("section.waiting .btn").nth(1).click()
    await frame.wait_for_selector(".away form")
    await review.of("a mail instead", frame)
    await frame.locator(".away .btn.quiet").click()
    name = await widget.session()
    assert (await agent.takeover(name)).status == 200
    await frame.wait_for_selector(".notice.strong")
    await agent.say(name, "Hello, I am here")
    await widget.sees("Hello, I am here")
    await agent.post(f"/api/sessions/{name}/typing")
    await frame.wait_for_selector(".typing")
    await review.of("a person", frame)
    await widget.page.evaluate("FiidoKefu.close()")
    await agent.say(name, "Still there?")
    await widget.page.locator(f"{HOST} .b").wait_for()
    await review.of("closed, with something unread", part=HOST)
    await widget.page.evaluate("FiidoKefu.open()")
    await widget.page.context.set_offline(True)
    await widget.ask("Typed in the tunnel")
    await frame.wait_for_selector(".bar.down")
    await review.of("offline", frame)
    await widget.page.context.set_offline(False)
    await frame.wait_for_selector(".pale", state="detached")
    await agent.release(name)
    await frame.wait_for_selector(".card .stars")
    await frame.locator(".stars label").nth(3).click()
    await review.of("rating", frame)
    await frame.locator(".card .btn").first.click()
    await frame.wait_for_selector(".thanks")
    await review.of("thanks", frame)


async def comes_out_of_hours(rig: Rig, widget: Widget, review: Review) -> None:
    frame = widget.frame
    async with rig.closed_shop():
        await widget.ask("I want a human again")
        form = frame.locator(".away form")
        await form.wait_for()
        await form.locator("textarea").fill("")
        await form.locator(".btn").first.click()
        await form.locator(".wrong").first.wait_for()
        await review.of("out of hours, nothing filled in", frame)
        await form.locator("textarea").fill("My display stays dark")
        await form.locator("input[type=email]").fill("rider@example.com")
        await form.locator("input[type=checkbox]").check()
        await form.locator(".btn").first.click()
        await frame.wait_for_selector(".away .sent")
        await review.of("out of hours, sent", frame)


@BY_SIZE
async def test_the_widget_in_every_state(
    browser: Browser, stack: Rig, shop_url: str, size: str
) -> None:
    async with a_widget(browser, shop_url, size) as (widget, review):
        await talks_to_the_ai(stack, widget, review)
        await opens_the_menu(widget, review)
        await is_served(stack, widget, review)
        await comes_out_of_hours(stack, widget, review)
        await review.of("open", part=HOST)


async def test_the_widget_that_reaches_nobody(browser: Browser, shop_url: str) -> None:
    context = await new_context(browser, "desktop")
    page = await context.new_page()
    await context.route("**/api/**", lambda route: route.abort())
    await page.goto(shop_url)
    await page.click("[data-fiido-kefu] button.l")
    frame = await embedded(page)
    await frame.wait_for_selector(".welcome .down")
    assert await violations(frame) == []
    await context.close()
