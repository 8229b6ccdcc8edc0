"""Who may frame the chat window, and whose messages it and the shop's page believe."""

import json
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Frame, Page

from dev.rig import Rig

from .conftest import Widget, embedded, open_widget

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
HOSTILE = "hostile.test"
COUNT = """who => { window.heard = 0; addEventListener('message', e => {
    if (e.origin.includes(who)) window.heard += 1 }) }"""
CROSSING = """window.crossed = []
addEventListener('message', ({ origin, data }) => crossed.push([origin, data]))"""
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


async def add_frame(page: Page, **attributes: str) -> None:
    await page.evaluate(
        "given => document.body.append(Object.assign(document.createElement('iframe'), given))",
        attributes,
    )


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


async def test_nobody_frames_the_workbench(browser: Browser, shop_url: str, stack: Rig) -> None:
    page = await browser.new_page()
    async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        await page.goto(around(shop_url, f"{stack.gateway}/agent/"))
    await page.wait_for_load_state("networkidle")
    assert await page.frames[1].locator("input").count() == 0
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
    await add_frame(page, src=around(hostile(shop_url)))
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


async def test_a_sandboxed_page_neither_frames_the_chat_nor_is_believed(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    host = quote(shop_url.rstrip("/"), safe="")
    page = await browser.new_page(locale="en-GB")
    await page.goto(around(shop_url, f"{stack.gateway}/embed?shop=default&host={host}"))
    window = frame_at(page, stack.gateway)
    await window.wait_for_selector(".composer textarea")
    await window.evaluate(COUNT, "null")
    # it has no origin of its own: it speaks as `null`, and frames a window that would hear `null`
    inside = f"""<iframe src="{stack.gateway}/embed?shop=default&host=null"></iframe><script>
      {json.dumps(FORGED)}.forEach(one => parent.frames[0].postMessage(one, '*'))</script>"""
    async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        await add_frame(page, sandbox="allow-scripts", srcdoc=inside)
    await window.wait_for_function(f"window.heard === {len(FORGED)}")
    await page.evaluate("frames[0].postMessage({kefu: 1, do: 'sendMessage', text: 'honest'}, '*')")
    chat = Widget(page, window)
    await chat.sees("honest")
    assert "forged" not in await chat.said()
    await page.close()


async def test_another_window_of_our_own_origin_is_not_the_chat_window(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    page = await browser.new_page(locale="en-GB")
    await open_widget(page, shop_url)
    await page.evaluate(COUNT, stack.gateway)
    alone = f"{stack.gateway}/embed?shop=default"
    await add_frame(page, src=alone)
    await page.frame_locator("body > iframe").locator(".composer textarea").wait_for()
    before = int(await page.evaluate("window.heard"))
    other = next(frame for frame in page.frames if frame.url == alone)
    await other.evaluate("all => all.forEach(one => parent.postMessage(one, '*'))", FORGED)
    await page.wait_for_function(f"window.heard >= {before + len(FORGED)}")
    assert await page.locator("[data-fiido-kefu] .p").is_visible()
    assert await page.title() == "A shop"
    await page.close()


async def test_a_foreign_page_that_opened_the_shop_is_neither_believed_nor_told_anything(
    browser: Browser, shop_url: str
) -> None:
    context = await browser.new_context(locale="en-GB")
    opener = await context.new_page()
    await opener.goto(around(hostile(shop_url)))
    await opener.evaluate(COUNT, "")
    async with context.expect_page() as opening:
        await opener.evaluate("url => { window.prey = open(url) }", shop_url)
    page = await opening.value
    await page.click("[data-fiido-kefu] button.l")
    chat = Widget(page, await embedded(page))
    assert await page.evaluate("opener !== null")
    await page.evaluate(COUNT, HOSTILE)
    # a frame within a shadow root stands in nobody's `frames`: there is no way past the page
    assert await opener.evaluate("prey.length") == 0
    await opener.evaluate("all => all.forEach(one => prey.postMessage(one, '*'))", FORGED)
    await page.wait_for_function(f"window.heard === {len(FORGED)}")
    assert await page.locator("[data-fiido-kefu] .p").is_visible()
    await chat.ask("honest")
    await chat.sees("honest")
    assert "forged" not in await chat.said()
    assert await opener.evaluate("window.heard") == 0
    await context.close()


async def test_a_foreign_page_that_opens_the_chat_window_loses_sight_of_it(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    evil = hostile(shop_url)
    host = quote(evil.rstrip("/"), safe="")
    context = await browser.new_context(locale="en-GB")
    opener = await context.new_page()
    await opener.goto(around(evil))
    await opener.evaluate(COUNT, "")
    async with context.expect_page() as opening:
        url = f"{stack.gateway}/embed?shop=default&host={host}"
        await opener.evaluate("url => { window.prey = open(url) }", url)
    page = await opening.value
    await page.wait_for_selector(".composer textarea")
    assert await page.evaluate("opener") is None
    assert await opener.evaluate("prey.closed") is True
    chat = Widget(page, page.main_frame)
    await chat.ask("honest")
    await chat.sees("honest")
    assert await opener.evaluate("window.heard") == 0
    await context.close()


async def test_no_token_and_no_word_of_the_log_ever_crosses(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    context = await browser.new_context(locale="en-GB")
    await context.add_init_script(CROSSING)
    widget = await open_widget(await context.new_page(), shop_url)
    page, agent = widget.page, await stack.agent()
    await page.evaluate("FiidoKefu.setUser({nickname: 'Rider'}, 'a-signature')")
    await widget.ask("My secret question")
    await widget.frame.wait_for_selector(".chips")
    await widget.ask("I want a human")
    await widget.frame.wait_for_selector("section.waiting")
    name = await widget.session()
    await agent.takeover(name)
    await agent.say(name, "My secret answer")
    await widget.sees("My secret answer")
    kept = await widget.frame.evaluate("JSON.stringify({...localStorage})")
    token = str(json.loads(json.loads(kept)["fiido-kefu:default"])["token"])
    host = await page.evaluate(
        "JSON.stringify([crossed, {...localStorage}, {...sessionStorage}, document.cookie,"
        " location.href, history.state, document.querySelector('[data-fiido-kefu]').shadowRoot.innerHTML])"
    )
    inside = await widget.frame.evaluate("JSON.stringify(crossed)")
    # what may cross was seen crossing, both ways
    assert name in host
    assert "Rider" in inside
    for secret in (token, *token.split("."), "My secret"):
        assert secret not in host
        assert secret not in inside
    await context.close()
