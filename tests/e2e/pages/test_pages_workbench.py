"""The agents' side of the main job, through the workbench in a real browser."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, Route, expect

from dev.rig import Rig
from dev.rig.rig import eventually

from .conftest import open_widget
from .desk import Desk, is_whole, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]


async def test_two_race_for_a_visitor_and_the_loser_is_told_by_whom(
    stack: Rig, ann: Desk, bob: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Race")
    name = str(visitor.name)
    for desk in (ann, bob):
        await desk.open(name)
        await expect(desk.page.locator("[data-test=takeover]")).to_be_visible()
        await expect(desk.page).to_have_title(re.compile(r"^\(\d+\) Desk · Fiido Kefu$"))
    # neither call leaves before both have clicked: a race, however slow the machine is
    clicked = asyncio.Barrier(2)

    async def together(route: Route) -> None:
        await clicked.wait()
        await route.continue_()

    for desk in (ann, bob):
        await desk.page.route("**/takeover", together)
        await desk.page.evaluate("document.querySelector('[data-test=takeover]').click()")

    agent = await stack.agent()

    async def taken() -> bool:
        return bool((await agent.state(name))["assigned_agent"])

    await eventually(taken)
    holder = (await agent.state(name))["assigned_agent"]
    winner, loser = (ann, bob) if holder["id"] == ann.agent_id else (bob, ann)
    await loser.told(f"{holder['name']} was faster")
    await loser.stands(f"With {holder['name']}")
    await winner.holds()
    await is_whole(winner, agent, name)


async def test_talk_transfer_release_and_the_ai_again(stack: Rig, ann: Desk, bob: Desk) -> None:
    visitor = await waiting_visitor(stack, "Story")
    name, agent = str(visitor.name), await stack.agent()
    await ann.serve(name)
    async with visitor.events() as heard:
        await ann.page.type("#reply", "Hello, this is Ann")
        typing = await heard.until("typing")
        assert typing.data["agent_name"] == "Ann Keller"
        await ann.page.press("#reply", "Enter")
        told = await heard.until(lambda f: f.data.get("content") == "Hello, this is Ann")
        assert told.event == "manual_message"
    await ann.sees("Hello, this is Ann")

    await visitor.post(f"/api/sessions/{name}/typing")
    await expect(ann.page.locator(".typing")).to_have_text("The visitor is typing…")
    await visitor.say("My display stays dark")
    await ann.sees("My display stays dark")
    await expect(ann.page.locator(".typing")).to_have_text("")

    await ann.page.fill("#reply", "half an answ")
    await ann.page.click("[data-test=act-transfer]")
    await ann.page.check(f"[role=dialog] input[value='{bob.agent_id}']")
    await ann.page.fill("[role=dialog] input.input", "speaks Dutch")
    await ann.page.click("[role=dialog] [data-test=confirm]")
    await ann.stands("With Bob Lindgren")
    await ann.has_draft("half an answ")
    await ann.page.press("#reply", "Enter")
    await ann.told("nothing was sent")

    await bob.open(name, "mine")
    await bob.holds()
    await bob.say("Bob here, I go on")
    await bob.sees("Bob here, I go on")
    await bob.act("release")
    await bob.stands("With the AI")
    answer = await visitor.chat("How do I return it?")
    assert answer.status == 200
    await expect(bob.page.locator(".message.assistant")).to_have_count(2)
    for desk in (ann, bob):
        await is_whole(desk, agent, name)


async def test_a_visitor_at_the_widget_and_an_agent_at_the_workbench_talk(
    browser: Browser, stack: Rig, shop_url: str, ann: Desk
) -> None:
    context = await browser.new_context(locale="en-GB")
    widget = await open_widget(await context.new_page(), shop_url)
    await widget.ask("I want a human")
    await widget.frame.wait_for_selector("section.waiting")
    name = await widget.session()
    await ann.serve(name)
    await ann.say("Ann at your service")
    await widget.sees("Ann at your service")
    await widget.ask("Thank you, Ann")
    await ann.sees("Thank you, Ann")
    await ann.act("close")
    await ann.stands("Closed")
    await is_whole(ann, await stack.agent(), name)
    await widget.is_whole(stack)
    await context.close()


@pytest.mark.parametrize(
    "damage", ["one.remove()", "one.after(one.cloneNode(true))", "one.before(one.nextSibling)"]
)
async def test_a_line_that_is_missing_stands_twice_or_in_the_wrong_place_would_be_seen(
    browser: Browser, stack: Rig, shop_url: str, ann: Desk, damage: str
) -> None:
    context = await browser.new_context(locale="en-GB")
    widget = await open_widget(await context.new_page(), shop_url)
    await widget.ask("I want a human")
    await widget.frame.wait_for_selector("section.waiting")
    agent, name = await stack.agent(), await widget.session()
    await ann.serve(name)
    await ann.say("A line to damage")
    await ann.say("and the next")
    await widget.sees("and the next")
    await is_whole(ann, agent, name)
    await widget.is_whole(stack)
    await ann.page.locator(".log .row", has_text="A line to damage").evaluate(f"one => {damage}")
    await widget.frame.locator("[role=article]", has_text="A line to damage").evaluate(
        f"one => {damage}"
    )
    with pytest.raises(AssertionError):
        await is_whole(ann, agent, name, seconds=1)
    with pytest.raises(AssertionError):
        await widget.is_whole(stack, seconds=1)
    await context.close()


async def test_requeue_puts_the_visitor_back_for_everybody(
    stack: Rig, ann: Desk, bob: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Again")
    name = str(visitor.name)
    await ann.serve(name)
    await ann.act("requeue")
    await expect(ann.page.locator("[data-test=takeover]")).to_be_visible()
    await bob.serve(name)
    await ann.stands("With Bob Lindgren")
