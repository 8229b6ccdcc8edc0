"""Who may frame the chat window, and whose messages it and the shop's page believe."""

from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Frame, Page

from dev.rig import Rig

from .conftest import Widget, open_widget

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
HOSTILE = "hostile.test"
COUNT = """who => { window.heard = 0; addEventListener('message', e => {
    if (e.origin.includes(who)) window.heard += 1 }) }"""
FORGED = [
    {"kefu": 1, "do": "sendMessage", "text": "forged"},
    {"kefu": 1, "do": "logout"},
    {"kefu": 1, "is": "close"},
    {"kefu": 1, "is": "unread", "count": 7},
]


def hostile(url: str) -> str:
    return url.replace("127.0.0.1", HOSTILE)


def around(site: str, *inner: str) -> str:
    """The address of a page at `site` that frames `inner`."""
    return f"{site}around?" + "&".join(f"of={quote(url, safe='')}" for url in inner)


def frame_at(page: Page, start: str) -> Frame:
    return next(frame for frame in page.frames if frame.url.startswith(start))


@pytest.mark.parametrize("nested", ["directly", "around the shop", "inside the shop"])
async def test_no_foreign_page_frames_the_chat_however_it_nests(
    browser: Browser, shop_url: str, stack: Rig, nested: str
) -> None:
    evil, embed = hostile(shop_url), f"{stack.gateway}/embed?shop=default"
    address = {
        "directly": around(evil, embed),
        "around the shop": around(evil, around(shop_url, embed)),
        "inside the shop": around(shop_url, around(evil, embed)),
    }[nested]
    page = await browser.new_page()
    async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        await page.goto(address)
    await page.wait_for_load_state("networkidle")
    for frame in page.frames:
        assert await frame.locator(".composer").count() == 0
    await page.close()


async def test_the_shops_own_pages_frame_it_nested_too(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    embed = f"{stack.gateway}/embed?shop=default"
    page = await browser.new_page()
    await page.goto(around(shop_url, around(shop_url, embed)))
    await page.frame_locator("iframe").frame_locator("iframe").locator(".composer").wait_for()
    await page.close()


async def test_the_chat_window_believes_its_own_page_alone(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    host = quote(shop_url.rstrip("/"), safe="")
    embed = f"{stack.gateway}/embed?shop=default&host={host}"
    page = await browser.new_page(locale="en-GB")
    # the second frame is foreign; the third has the right origin and is the wrong window
    await page.goto(around(shop_url, embed, around(hostile(shop_url)), around(shop_url)))
    window = frame_at(page, stack.gateway)
    await window.wait_for_selector(".composer textarea")
    await window.evaluate(COUNT, "")
    forgers = [frame_at(page, around(hostile(shop_url))), page.frames[-1]]
    for forger in forgers:
        await forger.evaluate(
            "all => all.forEach(one => parent.frames[0].postMessage(one, '*'))", FORGED
        )
    await window.wait_for_function(f"window.heard === {len(forgers) * len(FORGED)}")

    await page.evaluate("frames[0].postMessage({kefu: 1, do: 'sendMessage', text: 'honest'}, '*')")
    chat = Widget(page, window)
    await chat.sees("honest")
    assert "forged" not in await chat.said()
    await page.close()


async def test_the_shops_page_believes_its_own_chat_window_alone(
    browser: Browser, shop_url: str
) -> None:
    page = await browser.new_page(locale="en-GB")
    widget = await open_widget(page, shop_url)
    await page.evaluate(COUNT, HOSTILE)
    await page.evaluate(
        "url => document.body.append(Object.assign(document.createElement('iframe'), {src: url}))",
        around(hostile(shop_url)),
    )
    await page.frame_locator("body > iframe").locator("html").wait_for(state="attached")
    forger = frame_at(page, around(hostile(shop_url)))
    await forger.evaluate("all => all.forEach(one => parent.postMessage(one, '*'))", FORGED)
    await page.wait_for_function(f"window.heard === {len(FORGED)}")
    panel = page.locator("[data-fiido-kefu] .p")
    assert await panel.is_visible()
    assert await page.title() == "A shop"

    await widget.frame.evaluate("parent.postMessage({kefu: 1, is: 'close'}, '*')")
    await panel.wait_for(state="hidden")
    await page.close()
