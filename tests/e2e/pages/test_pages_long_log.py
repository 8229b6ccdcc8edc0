"""A long conversation keeps its place: what a visitor reads stays where it is, whatever comes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
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
  const row = rows.find(one => one.getBoundingClientRect().bottom > top + height / 2)
  return { text: row.querySelector('.text').innerText, top: row.getBoundingClientRect().top }
}"""
WHERE = """text => [...document.querySelectorAll('.list [role=article]')]
  .find(one => one.querySelector('.text')?.innerText === text)?.getBoundingClientRect().top"""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
COUNT = "() => Number(document.querySelector('[aria-setsize]').getAttribute('aria-setsize'))"
FROM_END = """() => {
  const list = document.querySelector('.list')
  return list.scrollHeight - list.clientHeight - list.scrollTop
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
    widget = await open_widget(await context.new_page(), shop_url)
    await widget.sees(f"Number {SAID - 1}")
    yield widget
    assert widget.errors == []
    await context.close()


async def scroll(widget: Widget, top: int) -> None:
    """To this place, or so far from the end where it is negative."""
    script = "top => { const l = document.querySelector('.list'); l.scrollTop = top < 0 ? l.scrollHeight - l.clientHeight + top : top }"
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


@pytest.mark.parametrize("width", [390, 1280])
async def test_older_messages_come_above_and_what_is_read_stays(
    browser: Browser, shop_url: str, stack: Rig, width: int
) -> None:
    async with reading(
        browser, shop_url, stack, viewport={"width": width, "height": 800}
    ) as widget:
        asked: asyncio.Queue[Route] = asyncio.Queue()
        await widget.page.route(OLDER, asked.put)
        before = await widget.frame.evaluate(COUNT)
        await scroll(widget, 0)
        request = await asyncio.wait_for(asked.get(), 20)
        read = await widget.frame.evaluate(READ)
        await request.continue_()
        await until(widget, COUNT, lambda count: count > before)
        await still(widget, read)


async def test_the_keyboard_reads_to_the_beginning_and_back_to_the_end(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        frame = widget.frame
        await frame.focus(".list")
        while not await frame.get_by_text("Number 0 https").count():
            await frame.press(".list", "Home")
            await frame.evaluate(TWO_FRAMES)
        assert await frame.evaluate("document.activeElement.className") == "list"
        await frame.press(".list", "PageDown")
        await frame.press(".list", "End")
        await until(widget, FROM_END, lambda far: far < 2)
        await frame.locator(".down").wait_for(state="detached")
        await widget.sees(f"Number {SAID - 1}")


async def test_what_has_the_focus_keeps_it_while_older_messages_come(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        asked: asyncio.Queue[Route] = asyncio.Queue()
        await widget.page.route(OLDER, asked.put)
        await scroll(widget, 0)
        request = await asyncio.wait_for(asked.get(), 20)
        before = await widget.frame.evaluate(COUNT)
        link = widget.frame.locator(".list a").first
        await link.focus()
        read = await widget.frame.evaluate(READ)
        await request.continue_()
        await until(widget, COUNT, lambda count: count > before)
        await still(widget, read)
        href = await widget.frame.evaluate("document.activeElement.href")
        assert href.startswith("https://shop.example/")


async def test_an_answer_grows_below_and_what_is_read_stays(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        await long_answer(widget, stack)
        await scroll(widget, -1500)
        read = await widget.frame.evaluate(READ)
        await widget.frame.locator(".down").wait_for()
        await widget.frame.wait_for_selector(".chips")
        await still(widget, read)


async def test_at_the_end_the_growing_answer_is_followed(
    browser: Browser, shop_url: str, stack: Rig
) -> None:
    async with reading(browser, shop_url, stack) as widget:
        await long_answer(widget, stack)
        far = await widget.frame.evaluate("""async () => {
          let far = 0
          const list = document.querySelector('.list')
          while (list.querySelector('.growing')) {
            far = Math.max(far, list.scrollHeight - list.clientHeight - list.scrollTop)
            await new Promise(requestAnimationFrame)
          }
          return far
        }""")
        assert far < 60, "a line and a half at most, until the next frame is drawn"
        await until(widget, FROM_END, lambda far: far < 2)


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
