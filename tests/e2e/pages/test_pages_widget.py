"""The visitor's side of the main job, through the widget on a shop's page of another origin."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from playwright.async_api import Browser

from dev.rig import Rig
from dev.rig.rig import eventually

from .conftest import Widget, embedded, open_widget

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]


async def test_before_the_visitor_acts_nothing_is_asked_for_and_nothing_is_kept(
    browser: Browser, shop_url: str
) -> None:
    page = await browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(shop_url)
    await page.wait_for_selector("[data-fiido-kefu] button.l")
    await page.wait_for_load_state("networkidle")
    assert [url for url in asked if url != shop_url and "favicon" not in url] == [
        next(url for url in asked if url.endswith("/sdk/fiido-kefu.js"))
    ]
    kept = "JSON.stringify([localStorage.length, sessionStorage.length, document.cookie])"
    assert await page.evaluate(kept) == '[0,0,""]'
    await page.close()


async def test_the_whole_story_over_a_cut_a_restart_a_reload_and_two_tabs(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    context = await browser.new_context(locale="en-GB")
    widget = await open_widget(await context.new_page(), shop_url)
    await widget.ask("How far does the battery go?")
    await widget.frame.wait_for_selector(".chips")

    await context.set_offline(True)
    await widget.ask("This was typed offline")
    await widget.frame.wait_for_selector(".pale")
    await context.set_offline(False)
    await widget.frame.wait_for_selector(".pale", state="detached")

    agent = await stack.agent()
    await widget.ask("I want a human")
    await widget.frame.wait_for_selector("section.waiting")
    name = await widget.session()
    assert (await agent.takeover(name)).status == 200
    await widget.frame.wait_for_selector(".notice.strong")
    await agent.say(name, "Hello from a person")
    await widget.sees("Hello from a person")

    await stack.restart("gateway")
    await stack.agent()
    await agent.say(name, "Said after the restart")
    await widget.sees("Said after the restart")

    await widget.page.reload()
    widget = Widget(widget.page, await embedded(widget.page))
    second = await context.new_page()
    await second.goto(shop_url)
    other = Widget(second, await embedded(second))
    await widget.ask("From the first tab")
    await other.sees("From the first tab")
    await agent.say(name, "To both tabs")
    await widget.sees("To both tabs")
    await other.sees("To both tabs")

    await agent.release(name)
    await widget.frame.wait_for_selector(".card")
    await widget.page.reload()
    widget = Widget(widget.page, await embedded(widget.page), widget.errors)
    await widget.frame.wait_for_selector(".card .stars")
    await widget.ask("How do I return it?")
    await widget.frame.wait_for_selector(".chips")

    log = [m["content"] for m in await agent.messages(name) if m["role"] in ("user", "agent")]
    assert len(log) == len(set(log)), "nothing was stored twice"
    assert "This was typed offline" in log
    shown = await widget.said()
    for text in ("From the first tab", "To both tabs", "How do I return it?"):
        assert shown.count(text) == 1
    assert widget.errors == []
    await context.close()


async def test_it_works_where_the_browser_denies_a_foreign_frame_its_storage(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    # by another name it is another site: private windows deny such frames all storage and locks
    context = await browser.new_context(locale="en-GB")
    widget = await open_widget(await context.new_page(), shop_url.replace("127.0.0.1", "localhost"))
    await widget.ask("I want a human")
    await widget.frame.wait_for_selector("section.waiting")
    agent = await stack.agent()
    waiting = await agent.get("/api/sessions?status=pending_manual&sort=-created_at&limit=1")
    name = waiting.body["data"]["sessions"][0]["session_name"]
    assert (await agent.takeover(name)).status == 200
    await agent.say(name, "Seen without storage")
    await widget.sees("Seen without storage")
    assert widget.errors == []
    await context.close()


async def test_on_a_phone_it_fills_the_screen_and_the_back_button_closes_it(
    browser: Browser, shop_url: str
) -> None:
    context = await browser.new_context(
        locale="zh-CN", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    widget = await open_widget(page, shop_url)

    async def fills_the_screen() -> bool:
        box = await page.locator("[data-fiido-kefu] .p").bounding_box()
        return box == {"x": 0, "y": 0, "width": 390, "height": 844}

    # it grows out of its button
    await eventually(fills_the_screen)
    size = "getComputedStyle(document.querySelector('.composer textarea')).fontSize"
    assert await widget.frame.evaluate(size) == "16px"
    await widget.ask("电池续航多少公里？")
    await widget.frame.wait_for_selector(".row.assistant")
    await page.go_back()
    await page.locator("[data-fiido-kefu] .p").wait_for(state="hidden")
    assert page.url == shop_url
    await context.close()


async def test_out_of_hours_it_takes_the_question_and_an_address(
    browser: Browser, shop_url: str, closed_shop: Callable[[], AbstractAsyncContextManager[None]]
) -> None:
    async with closed_shop():
        context = await browser.new_context(locale="en-GB")
        widget = await open_widget(await context.new_page(), shop_url)
        await widget.ask("I want a human")
        form = widget.frame.locator(".away form")
        await form.wait_for()
        await form.locator("textarea").fill("My display stays dark")
        await form.locator("input[type=email]").fill("rider@example.com")
        await form.locator(".btn").first.click()
        await form.get_by_text("permission").wait_for()
        await form.locator("input[type=checkbox]").check()
        await form.locator(".btn").first.click()
        await widget.frame.get_by_text("rider@example.com").wait_for()
        await context.close()
