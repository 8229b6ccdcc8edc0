"""A long conversation keeps its place: what a visitor reads stays where it is, whatever comes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from common.testing.waiting import PATIENCE_SECONDS
from playwright.async_api import Browser, Route

from dev.actors import Visitor
from dev.rig import Rig
from dev.rig.rig import eventually

from .conftest import Widget, open_widget

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
SAID = 240
LINK = " https://shop.example/bikes"
OLDER = "**/messages?*before=*"
# The message that stands in the middle of the window, and where.
READ = """() => {
  const list = document.querySelector('.list')
  const { top, height } = list.getBoundingClientRect()
  const rows = [...list.querySelectorAll('[role=article]')]
  const row = rows.find(one => one.querySelector('.text') && one.getBoundingClientRect().bottom > top + height / 2)
  return { text: row.querySelector('.text').innerText, top: row.getBoundingClientRect().top }
}"""
WHERE = """text => [...document.querySelectorAll('.list [role=article]')]
  .find(one => one.querySelector('.text')?.innerText === text)?.getBoundingClientRect().top"""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
COUNT = "() => Number(document.querySelector('[aria-setsize]').getAttribute('aria-setsize'))"
HEIGHT = "() => document.querySelector('.list').clientHeight"
FROM_END = """() => {
  const list = document.querySelector('.list')
  return list.scrollHeight - list.clientHeight - list.scrollTop
}"""


# In every picture that is drawn: how far from its end the list stood at most, and how often it grew.
FOLLOW = """() => {
  const list = document.querySelector('.list')
  window.followed = { grown: 0, far: 0 }
  // made after the list's own observer, hence told after it, and before anything is painted
  new ResizeObserver(() => {
    followed.grown += 1
    followed.far = Math.max(followed.far, list.scrollHeight - list.clientHeight - list.scrollTop)
  }).observe(list.querySelector('.near'))
}"""
# What a careless list would do, once it is told to; for canaries.
CARELESS = """{
  const { get, set } = Object.getOwnPropertyDescriptor(Element.prototype, 'scrollTop')
  Object.defineProperty(Element.prototype, 'scrollTop', {
    get, set(to) { if (!window.keepsNoPlace) set.call(this, to) } })
  new MutationObserver(() => window.keepsNoFocus && document.activeElement.blur())
    .observe(document, { subtree: true, childList: true })
}"""


async def long_talk(stack: Rig) -> Visitor:
    """A visitor to whom a person has said many things of different lengths, and left."""
    visitor, agent = stack.visitor(), await stack.agent()
    await visitor.new()
    await visitor.escalate()
    await agent.takeover(str(visitor.name))
    for number in range(SAID):
        await agent.say(
            str(visitor.name),
            f"Number {number}{' and some more' * (number % 23)}{LINK if number % 7 == 0 else ''}",
        )
    await agent.release(str(visitor.name))
    return visitor


@asynccontextmanager
async def reading(
    browser: Browser, shop_url: str, stack: Rig, **options: object
) -> AsyncIterator[Widget]:
    """The visitor's own window, opened on a conversation with much more than one page."""
    visitor = await long_talk(stack)
    kept = {"sessionName": visitor.name, "token": visitor.headers["X-Visitor-Token"]}
    item = {"name": "fiido-kefu:default", "value": json.dumps(kept)}
    state = {"cookies": [], "origins": [{"origin": stack.gateway, "localStorage": [item]}]}
    context = await browser.new_context(locale="en-GB", storage_state=state, **options)  # type: ignore[arg-type]
    await context.add_init_script(CARELESS)
    widget = await open_widget(await context.new_page(), shop_url)
    await widget.sees(f"Number {SAID - 1}")
    yield widget
    assert widget.errors == []
    await context.close()


async def scroll(widget: Widget, top: int) -> None:
    """To this place, or so far from the end where it is negative."""
    script = "top => { const l = document.querySelector('.list'); l.scrollTo(0, top < 0 ? l.scrollHeight - l.clientHeight + top : top) }"
    await widget.frame.evaluate(script, top)
    await widget.frame.evaluate(TWO_FRAMES)


async def until(widget: Widget, script: str, fits: Callable[[float], bool]) -> None:
    """The window's own policy forbids what a browser needs to wait inside of it."""

    async def reached() -> bool:
        return fits(await widget.frame.evaluate(script))

    await eventually(reached)


async def still(widget: Widget, read: dict[str, float]) -> None:
    """What was read stands where it stood, to the pixel."""
    await widget.frame.evaluate(TWO_FRAMES)
    assert await widget.frame.evaluate(WHERE, read["text"]) == pytest.approx(read["top"], abs=1)


async def nothing() -> None:
    pass


async def older_come(widget: Widget, meanwhile: Callable[[], Awaitable[None]] = nothing) -> None:
    """Older messages come above while somebody reads; what is read stays where it is."""
    asked: asyncio.Queue[Route] = asyncio.Queue()
    await widget.page.route(OLDER, asked.put)
    before = await widget.frame.evaluate(COUNT)
    await scroll(widget, 0)
    request = await asyncio.wait_for(asked.get(), PATIENCE_SECONDS)
    await meanwhile()
    read = await widget.frame.evaluate(READ)
    await request.continue_()
    await until(widget, COUNT, lambda count: count > before)
    await still(widget, read)


async def follows(widget: Widget, stack: Rig) -> None:
    """An answer grows at the end, and in no picture the list stands elsewhere."""
    await widget.frame.evaluate(FOLLOW)
    await long_answer(widget, stack)
    await widget.frame.wait_for_selector(".chips")
    followed = await widget.frame.evaluate("window.followed")
    assert followed["grown"] > 1
    assert followed["far"] < 60, "a line and a half at most, until the next picture"
    await until(widget, FROM_END, lambda far: far < 2)


async def focuses_a_link(widget: Widget) -> None:
    await widget.frame.locator(".list a").first.focus()


async def link_has_focus(widget: Widget) -> None:
    href = await widget.frame.evaluate("document.activeElement.href ?? ''")
    assert href.startswith("https://shop.example/")


@pytest.mark.parametrize("width", [390, 1280])
async def test_older_messages_come_above_and_what_is_read_stays(
    browser: Browser, shop_url: str, stack: Rig, width: int
) -> None:
    window = {"width": width, "height": 800}
    async with reading(browser, shop_url, stack, viewport=window) as widget:
        await older_come(widget)


async def test_the_keyboard_reads_to_the_beginning_and_back_to_the_end(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        frame = widget.frame

        async def at_the_beginning() -> bool:
            await frame.press(".list", "Home")
            return await frame.get_by_text("Number 0 https").count() > 0

        await eventually(at_the_beginning)
        assert await frame.evaluate("document.activeElement.className") == "list"
        await frame.press(".list", "PageDown")
        await frame.press(".list", "End")
        await until(widget, FROM_END, lambda far: far < 2)
        await frame.locator(".down").wait_for(state="detached")
        await widget.sees(f"Number {SAID - 1}")


async def test_the_button_leads_to_the_end_from_within_a_link(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        for way in (".down", "End"):
            await scroll(widget, -3000)
            await focuses_a_link(widget)
            if way == "End":
                await widget.page.keyboard.press(way)
            else:
                await widget.frame.click(way)
            await until(widget, FROM_END, lambda far: far < 2)
            await widget.frame.locator(".down").wait_for(state="detached")


async def test_what_has_the_focus_keeps_it_while_older_messages_come(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        await older_come(widget, partial(focuses_a_link, widget))
        await link_has_focus(widget)


async def test_an_answer_grows_below_and_what_is_read_stays(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        await long_answer(widget, stack)
        await scroll(widget, -1500)
        read = await widget.frame.evaluate(READ)
        await widget.frame.locator(".down").wait_for()
        await widget.frame.wait_for_selector(".chips", state="attached")
        await still(widget, read)


async def test_a_little_way_up_is_enough_not_to_follow_the_growing_answer(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        await long_answer(widget, stack)
        await scroll(widget, -20)
        await widget.frame.locator(".down").wait_for()
        await widget.frame.wait_for_selector(".chips", state="attached")
        await until(widget, FROM_END, lambda far: far > 200)


async def test_at_the_end_the_growing_answer_is_followed(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        await follows(widget, stack)


async def test_a_list_that_keeps_neither_place_nor_focus_would_be_caught(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    """Canary: the same checks fail where the list is not let set its place, or the focus is taken."""
    async with reading(browser, shop_url, stack) as widget:
        await scroll(widget, -1)
        await widget.frame.evaluate("window.keepsNoPlace = true")
        with pytest.raises(AssertionError):
            await follows(widget, stack)
        await widget.frame.evaluate("window.keepsNoFocus = true")
        with pytest.raises(AssertionError):
            await older_come(widget, partial(focuses_a_link, widget))
        with pytest.raises(AssertionError):
            await link_has_focus(widget)


async def long_answer(widget: Widget, stack: Rig) -> None:
    """Asks something that takes 200 deltas to answer; back when the first have come."""
    name = await widget.session()
    deltas = [f"- word {at} of a list\n" if at % 3 else f"\nA line {at}\n\n" for at in range(200)]
    script = {
        "answers": [{"deltas": deltas, "follow_ups": ["And what else?"]}],
        "session_name": name,
    }
    await stack.simulator("POST", "/sim/answers", script)
    await stack.simulator(
        "POST", "/sim/faults", {"fault": "slow_drip", "arg": 0.012, "session_name": name}
    )
    await widget.ask("Tell me everything")
    await widget.frame.wait_for_selector(".growing .md")
