"""What anybody says is shown as text and nothing else, in the widget and the workbench (S8)."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Frame, Page

from dev.actors import Agent, Answer, Visitor
from dev.attacks import corpus
from dev.rig import Rig
from dev.rig.rig import eventually

from .conftest import Widget, embedded, open_widget
from .desk import Desk, new_person
from .witness import BARE, UNSAFE, Witness

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
ATTACKS = corpus()
AN_ANSWER = 12  # attacks
# From the newest message to the oldest; gives back how many were drawn.
DRAW_ALL = """async (count) => {
  const list = document.querySelector('.list, .log'), seen = new Set()
  const rows = '.list [role=article]:has(.row, .notice), .log [data-id]'
  const key = (row) => row.dataset.id ?? row.ariaSetSize - row.ariaPosInSet
  list.scrollTop = list.scrollHeight
  for (let idle = 0; seen.size < count && idle < 300; idle += 1) {
    const before = seen.size
    for (const row of document.querySelectorAll(rows)) seen.add(key(row))
    if (seen.size > before) idle = 0
    list.scrollTop -= list.clientHeight * 0.8
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  }
  return seen.size
}"""


@dataclass
class Attacked:
    """A conversation in which the AI, the visitor and an agent have said the whole corpus."""

    name: str
    size: int
    widget: Widget
    witness: Witness


def answer(number: int) -> dict[str, list[str]]:
    """Some attacks as one answer of the AI, three letters a delta.

    The cuts shift from answer to answer: attacks of one shape are half open at every place.
    """
    some = ATTACKS[number * AN_ANSWER : (number + 1) * AN_ANSWER]
    text, first = "\n\n".join(some), number % 3 + 1
    deltas = [text[:first], *(text[at : at + 3] for at in range(first, len(text), 3))]
    return {"deltas": deltas, "follow_ups": [f"go on {number}", *some[:2]]}


async def ask_for_attacks(rig: Rig, widget: Widget) -> None:
    """The whole corpus as answers of the AI, and as questions that the visitor chooses."""
    answers = [answer(number) for number in range(math.ceil(len(ATTACKS) / AN_ANSWER))]
    await rig.simulator("POST", "/sim/answers", {"answers": answers})
    await widget.ask("begin")
    for number in range(len(answers)):
        chips = widget.frame.locator(".chips button")
        await chips.get_by_text(f"go on {number}", exact=True).wait_for()
        if number + 1 < len(answers):
            await chips.nth(1).click()


async def say_all(say: Callable[[str], Awaitable[Answer]]) -> None:
    for attack in ATTACKS:
        assert (await say(attack)).status == 200


async def talk(rig: Rig, name: str, agent: Agent, headers: dict[str, str]) -> None:
    """The visitor asks for a person; then both say the corpus."""
    visitor = Visitor(rig.gateway, rig.http, headers, name=name)
    assert (await visitor.escalate(message=ATTACKS[0])).status == 200
    assert (await agent.takeover(name)).status == 200
    async with asyncio.TaskGroup() as both:
        both.create_task(say_all(lambda text: agent.say(name, text)))
        both.create_task(say_all(visitor.say))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def attacked(browser: Browser, stack: Rig, shop_url: str) -> AsyncIterator[Attacked]:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, stack.gateway, shop_url)
    widget = await open_widget(await context.new_page(), shop_url)
    await ask_for_attacks(stack, widget)
    kept = "JSON.parse(localStorage['fiido-kefu:default']).token"
    headers = {"X-Visitor-Token": await widget.frame.evaluate(kept)}
    name, agent = await widget.session(), await stack.agent()
    await talk(stack, name, agent, headers)
    log = [m["content"] for m in await agent.messages(name)]
    assert all("\n\n".join(log).count(attack) >= 3 for attack in ATTACKS)
    yield Attacked(name, len(log), widget, witness)
    await context.close()


async def has(witness: Witness, *kinds: str) -> bool:
    return witness.kinds >= set(kinds)


async def all_drawn(frame: Frame | Page, count: int) -> None:
    await frame.wait_for_selector(".list .row, .log [data-id]")
    assert await frame.evaluate(DRAW_ALL, count) == count


async def open_log(page: Page, rig: Rig, session: str) -> Desk:
    username, agent_id = await new_person(rig, "Wanda")
    desk = Desk(page, username, agent_id)
    await page.goto(f"{rig.gateway}/agent/c/{session}")
    await desk.log_in()
    return desk


async def test_the_widget_shows_what_everybody_says_as_text(attacked: Attacked) -> None:
    # as it was streamed, half open again and again, and as it is read again
    assert await attacked.widget.frame.evaluate("window.grown") > len(ATTACKS) / AN_ANSWER
    await attacked.widget.page.reload()
    await all_drawn(await embedded(attacked.widget.page), attacked.size)
    assert attacked.witness.caught == []
    assert attacked.widget.errors == []


async def test_the_workbench_shows_what_everybody_says_as_text(
    browser: Browser, stack: Rig, attacked: Attacked
) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, stack.gateway)
    desk = await open_log(await context.new_page(), stack, attacked.name)
    await all_drawn(desk.page, attacked.size)
    assert witness.caught == []
    assert desk.errors == []
    await context.close()


# --- the witness's own proof -----------------------------------------------------------------


@pytest.mark.parametrize("policy", ["off", "on"])
async def test_a_careless_page_would_be_caught(
    browser: Browser, stack: Rig, attacked: Attacked, policy: str
) -> None:
    """Canary: text drawn as HTML is seen to run and to fetch; the policy alone stops the running."""
    bare: Any = BARE if policy == "off" else {}
    context = await browser.new_context(locale="en-GB", **bare)
    witness = await Witness.of(context, stack.gateway)
    await context.add_init_script(UNSAFE)
    await open_log(await context.new_page(), stack, attacked.name)
    runs = {"ran"} if policy == "off" else set()
    await eventually(partial(has, witness, "drew", "fetched", *runs))
    assert witness.kinds & {"ran"} == runs
    await context.close()


PLANTED = [
    "<b onclick=0>",
    "<a href='javascript:0'>",
    "<a href='data:text/html,x'>",
    "<a target=_blank href='https://a.test'>",
    "<button formaction='javascript:0'>",
    "<p style='background: url(//a.test)'>",
    "<div class=md><img src='data:,'></div>",
    "<p class=plain><i>i</i></p>",
    "<iframe srcdoc=x>",
    "<base href='//a.test'>",
    "<meta http-equiv=refresh content=9>",
    "<svg><animate attributeName=x>",
    "<object data=x>",
    "<kefu-x>",
]


async def test_each_thing_that_text_must_not_become_is_caught_by_itself(
    browser: Browser, stack: Rig
) -> None:
    context = await browser.new_context(**BARE)
    witness = await Witness.of(context, stack.gateway)
    page = await context.new_page()
    await page.goto(f"{stack.gateway}/agent/")
    await page.wait_for_selector("input[name=username]")
    assert witness.caught == []
    for planted in PLANTED:
        await page.evaluate(
            "html => new Promise((drawn) => { const box = document.createElement('div');"
            "document.body.append(box); box.innerHTML = html; setTimeout(drawn) })",
            planted,
        )
        await eventually(partial(has, witness, "drew"))
        witness.caught.clear()
    for act, kind in (
        ("alert(1)", "asked"),
        ("hit = 1", "ran"),
        ("void (new Image().src = '//a.test/i')", "fetched"),
        ("location.href = '//a.test/'", "went"),
    ):
        await page.evaluate(act)
        await eventually(partial(has, witness, kind))
    await context.close()
