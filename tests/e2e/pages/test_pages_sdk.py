"""The loader on a shop's page: as configured before any click, in every way and on every page."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from dev.rig import Rig

from .conftest import Widget, embedded
from .site import Site, colors, contrast, drawn, errors_of, kept, serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
HOST = "[data-fiido-kefu]"
CORNER = {
    "side": "left 32",
    "bottom": "96",
    "zIndex": "4321",
    "color": "rgb(255, 216, 77)",
    "words": "Questions?",
    "name": "Questions?",
}
QUESTION = "How far does the battery go?"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(stack: Rig) -> AsyncIterator[Site]:
    async with serving(Site(stack.gateway)) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    opened = await browser.new_context(locale="en-GB")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    return await context.new_page()


async def talks(page: Page, text: str = QUESTION) -> Widget:
    """The chat on the page answers."""
    widget = Widget(page, await embedded(page))
    await widget.ask(text)
    await widget.sees(text)
    await widget.frame.wait_for_selector(".chips")
    return widget


# --- the shop's configuration ----------------------------------------------------------------


async def test_it_stands_as_configured_before_any_click_and_asks_for_nothing(
    page: Page, site: Site, stack: Rig
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    address = site.page(site.line())
    await page.goto(address)
    assert await drawn(page) == CORNER
    await page.wait_for_load_state("networkidle")
    loader = f"{stack.gateway}/sdk/fiido-kefu.js?shop=corner"
    assert [url for url in asked if not url.startswith("data:")] == [address, loader]
    assert await kept(page) == [0, 0, 0]
    packed = {"Accept-Encoding": "gzip"}
    async with stack.http.get(loader, headers=packed) as answer:
        assert int(answer.headers["Content-Length"]) <= 5 * 1024

    await page.click(f"{HOST} button.l")
    widget = await talks(page)
    await expect(widget.frame.locator("header h1")).to_have_text("The corner")
    panel = await page.locator(f"{HOST} .p").bounding_box()
    assert panel is not None
    assert panel["x"] == 32


async def test_the_pages_word_counts_before_the_shops(page: Page, site: Site) -> None:
    said = "{ position: 'right', zIndex: 7, offset: { x: 5 }, label: 'Help' }"
    head = f"<script>window.FiidoKefuConfig = {said}</script>"
    await page.goto(site.page(site.line(more='data-z-index="9" data-color="#111111"'), head=head))
    shown = {"side": "right 5", "zIndex": "7", "words": "Help", "name": "Help"}
    assert await drawn(page) == {**CORNER, **shown, "color": "rgb(17, 17, 17)"}
    await page.evaluate("FiidoKefu.update({ position: null, color: null, label: null })")
    assert await drawn(page) == {**CORNER, "side": "left 5", "zIndex": "7"}


async def test_the_words_are_in_the_pages_language(page: Page, site: Site) -> None:
    head = "<script>document.documentElement.lang = 'zh-CN'</script>"
    await page.goto(site.page(site.line(), head=head))
    assert (await drawn(page))["words"] == "咨询"


async def test_a_line_without_the_shop_knows_what_the_page_says(page: Page, site: Site) -> None:
    await page.goto(site.page(site.line("", 'async data-shop="corner" data-color="#0000ff"')))
    shown = await drawn(page)
    assert (shown["side"], shown["zIndex"]) == ("right 20", "2147483000")
    assert shown["color"] == "rgb(0, 0, 255)"
    await page.click(f"{HOST} button.l")
    await talks(page)


async def test_an_unknown_shop_draws_no_button_and_breaks_nothing(page: Page, site: Site) -> None:
    errors = errors_of(page)
    await page.goto(site.page(site.line("?shop=nobody", 'async onerror="window.failed = true"')))
    await page.wait_for_function("window.failed")
    assert await page.locator(HOST).count() == 0
    assert errors == []


async def test_what_is_on_the_button_can_be_read_on_any_colour(page: Page, site: Site) -> None:
    await page.goto(site.page(site.line()))
    await drawn(page)
    for color in [
        "#ffd84d",
        "#f4f4f4",
        "#0f6b58",
        "#c9402f",
        "#16191d",
        "#767676",
        "#777777",
        "#8a8a8a",
        "#00ff00",
    ]:
        await page.evaluate("color => FiidoKefu.update({ color })", color)
        ground, ink = await colors(page)
        assert contrast(ground, ink) >= 4.5, (color, ink)


# --- every way to put it there ---------------------------------------------------------------

WAYS = {
    "init": "{line}<script>document.currentScript.previousElementSibling.onload ="
    " () => FiidoChat.init({{ shop: 'corner', open: true }})</script>",
    "config": "<script>FiidoKefuConfig = {{ shop: 'corner', open: true }}</script>{line}",
    "element": "<fiido-chat shop='corner'></fiido-chat>{line}<script>FiidoKefu ="
    " window.FiidoKefu || []; FiidoKefu.push(['open'])</script>",
    "inline": "<fiido-chat shop='corner' inline style='display:block;width:500px;height:600px'>"
    "</fiido-chat>{line}",
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_of_embedding_talks(page: Page, site: Site, way: str) -> None:
    errors = errors_of(page)
    await page.goto(site.page(WAYS[way].format(line=site.line(""))))
    await talks(page)
    assert await page.locator(HOST).count() == 1
    assert errors == []


async def test_an_inline_element_takes_the_lines_place_and_leaves_with_its_view(
    page: Page, site: Site
) -> None:
    await page.goto(site.page(site.line()))
    await page.wait_for_selector(f"{HOST} button.l")
    view = "<div id=view style=width:400px><fiido-chat inline style=display:block;height:500px>"
    await page.evaluate("view => document.body.insertAdjacentHTML('beforeend', view)", view)
    await talks(page)
    box = await page.locator(f"fiido-chat {HOST} .p").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (400, 500)
    assert await page.locator(HOST).count() == 1
    await page.evaluate("document.getElementById('view').remove()")
    assert await page.locator(HOST).count() == 0


async def test_a_plain_iframe_talks(page: Page, site: Site, stack: Rig) -> None:
    await page.goto(site.page(f'<iframe src="{stack.gateway}/embed?shop=corner" height="600">'))
    frame = page.frames[1]
    await frame.wait_for_selector(".composer textarea")
    widget = Widget(page, frame)
    await widget.ask(QUESTION)
    await frame.wait_for_selector(".chips")


async def test_what_is_asked_before_it_is_there_is_done_then(page: Page, site: Site) -> None:
    early = f"FiidoKefu.push(['open'], ['sendMessage', '{QUESTION}'])"
    head = f"<script>window.FiidoKefu = window.FiidoKefu || []; {early}</script>{site.line()}"
    await page.goto(site.page("", head=head))
    widget = Widget(page, await embedded(page))
    await widget.sees(QUESTION)


async def test_however_often_it_is_mounted_it_is_there_once(page: Page, site: Site) -> None:
    errors = errors_of(page)
    # in the head it runs before there is a body
    lines = [site.line(more=""), site.line(""), site.line("?shop=default"), site.line()]
    await page.goto(site.page("".join(lines[1:]), head=lines[0]))
    await page.wait_for_load_state("networkidle")
    await page.evaluate("FiidoKefu.init(); FiidoChat.init({ shop: 'corner' })")
    assert await page.locator(HOST).count() == 1
    assert await drawn(page) == CORNER
    assert errors == []


async def test_the_demo_shop_shows_the_line_that_it_uses_itself(page: Page, stack: Rig) -> None:
    line = f'<script async src="{stack.gateway}/sdk/fiido-kefu.js?shop=default"></script>'
    await page.goto(f"{stack.gateway}/")
    await expect(page.locator("#embed code")).to_have_text(line)
    await page.click(f"{HOST} button.l")
    await talks(page)
    await page.goto(f"{stack.gateway}/#/options")
    await page.locator("select").nth(1).select_option("left")
    await expect(page.locator("pre code")).to_contain_text('position: "left"')
    await expect(page.locator("pre code")).to_contain_text(line)
    assert (await drawn(page))["side"] == "left 20"


# --- every kind of page ----------------------------------------------------------------------


async def test_a_single_page_shop_may_navigate_and_swap_its_body(page: Page, site: Site) -> None:
    errors = errors_of(page)
    address = site.page(site.line())
    await page.goto(address)
    await page.click(f"{HOST} button.l")
    widget = await talks(page)
    await page.evaluate("history.pushState({ view: 2 }, '', '/bikes'); document.title = 'Bikes'")
    await page.go_back()
    await page.go_forward()
    await widget.ask("After a change of view")
    await widget.sees("After a change of view")
    swap = (
        "document.body.replaceWith(Object.assign(document.createElement('body'), {innerHTML:'2'}))"
    )
    for one in (swap, "document.body.innerHTML = '<main>boosted</main>'"):
        await page.evaluate(one)
        widget = Widget(page, await embedded(page))
        await widget.sees("After a change of view")
    assert await page.locator(HOST).count() == 1
    await widget.ask("After the body was swapped")
    await widget.sees("After the body was swapped")
    assert errors == []


async def test_from_page_to_page_and_back_it_is_one_conversation(page: Page, site: Site) -> None:
    first, second = site.page(site.line()), site.page(site.line())
    await page.goto(first)
    await page.click(f"{HOST} button.l")
    await talks(page)
    await page.goto(second)
    widget = await talks(page, "From the second page")
    await widget.sees(QUESTION)
    await page.go_back()
    assert page.url == first
    widget = await talks(page, "Back on the first page")
    await widget.sees("From the second page")
    await page.go_forward()
    await Widget(page, await embedded(page)).sees("Back on the first page")


async def test_storage_that_throws_is_lived_with(context: BrowserContext, site: Site) -> None:
    await context.add_init_script(
        """for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,
            { get() { throw new DOMException('denied', 'SecurityError') } })"""
    )
    page = await context.new_page()
    errors = errors_of(page)
    await page.goto(site.page(site.line()))
    await page.click(f"{HOST} button.l")
    widget = await talks(page)
    await widget.ask("And in winter?")
    await widget.sees("And in winter?")
    assert errors == []


STRICT = (
    "default-src 'none'; script-src 'nonce-n1'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


async def test_under_a_strict_policy_it_needs_what_is_documented_and_nothing_else(
    page: Page, site: Site, stack: Rig
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    policy = f"{STRICT}; frame-src {stack.gateway}; img-src data:"
    await page.goto(site.page(site.line(more='async nonce="n1"'), policy=policy))
    assert await drawn(page) == CORNER
    await page.click(f"{HOST} button.l")
    await talks(page)
    assert [text for text in said if "Security Policy" in text] == []


async def test_it_says_exactly_what_a_strict_policy_lacks(
    page: Page, site: Site, stack: Rig
) -> None:
    line = site.line(more='nonce="n1"')
    listen = (
        "<script nonce=n1>document.addEventListener('fiido-kefu:error', (event) => {"
        " window.told = event.detail })</script>"
    )
    await page.goto(site.page(listen + line, policy=f"{STRICT}; img-src data:"))
    lacks = f"lacks: frame-src {stack.gateway}"
    async with page.expect_console_message(lambda message: lacks in message.text):
        await page.click(f"{HOST} button.l")
    assert await page.evaluate("window.told") == {"code": "CSP", "directive": "frame-src"}


# --- what the visitor agreed to, and leaving ---------------------------------------------------


async def test_where_consent_is_asked_nothing_is_kept_before_it_is_given(
    page: Page, site: Site
) -> None:
    await page.goto(site.page(site.line(more='async data-consent="ask"')))
    await page.click(f"{HOST} button.l")
    frame = page.frame_locator(f"{HOST} iframe")
    await frame.locator(".consent").wait_for()
    assert await frame.locator(".composer").count() == 0
    assert await kept(page) == [0] * 6
    await frame.locator(".consent .btn.quiet").click()
    await page.locator(f"{HOST} .p").wait_for(state="hidden")
    assert await kept(page) == [0] * 6

    await page.click(f"{HOST} button.l")
    await frame.locator(".consent .btn:not(.quiet)").click()
    await talks(page)
    await page.reload()
    await Widget(page, await embedded(page)).sees(QUESTION)


async def test_where_consent_is_denied_one_talks_and_nothing_is_kept(
    page: Page, site: Site
) -> None:
    await page.goto(site.page(site.line(more='async data-consent="denied"')))
    await page.click(f"{HOST} button.l")
    await talks(page)
    assert await kept(page) == [0] * 6


async def test_after_a_logout_nothing_of_the_visitor_is_left(page: Page, site: Site) -> None:
    await page.goto(site.page(site.line()))
    await page.evaluate("void FiidoKefu.on('session', ({ name }) => { window.session = name })")
    await page.click(f"{HOST} button.l")
    widget = await talks(page)
    first = await page.evaluate("window.session")
    await page.evaluate("FiidoKefu.logout()")
    await widget.frame.wait_for_selector(".welcome")
    assert first not in str(await widget.frame.evaluate("JSON.stringify({ ...localStorage })"))
    await page.wait_for_function("localStorage.length === 0")
    await talks(page)
    assert await page.evaluate("window.session") != first


async def test_after_destroy_nothing_of_it_is_left_and_init_brings_it_back(
    page: Page, site: Site
) -> None:
    await page.goto(site.page(site.line()))
    await page.click(f"{HOST} button.l")
    await talks(page)
    await page.evaluate("FiidoKefu.destroy()")
    assert await page.locator(HOST).count() == 0
    assert await page.locator("iframe").count() == 0
    await page.evaluate("document.body.innerHTML = '<main></main>'")
    assert await page.locator(HOST).count() == 0
    await page.evaluate("FiidoKefu.init()")
    await Widget(page, await embedded(page)).sees(QUESTION)
    assert (await drawn(page))["side"] == CORNER["side"]
