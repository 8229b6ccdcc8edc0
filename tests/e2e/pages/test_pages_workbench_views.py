"""What lives by itself in the workbench, and what those see who may see less."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from dev.rig import Rig
from dev.rig.rig import PASSWORD

from .desk import Desk, new_person, new_visitor, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]


# --- an idle conversation goes


async def test_a_removed_conversation_leaves_the_lists_by_itself_and_comes_back_with_its_visitor(
    stack: Rig, ann: Desk
) -> None:
    visitor = await new_visitor(stack, "Forgotten")
    name = str(visitor.name)
    await ann.open(name, "all")
    await ann.sees("How far does the battery go?")
    await ann.page.fill("#reply", "half an answ")
    row = ann.page.locator(f"[data-session={name}]")

    await stack.forget(name)
    await expect(row).to_have_count(0)
    await ann.stands("Removed")
    await ann.has_draft("half an answ")
    await ann.sees("How far does the battery go?")

    assert (await visitor.escalate(message="I am back")).status == 200
    await ann.finds(name)
    await ann.stands(re.compile("Waiting for a person"))
    await ann.sees("I am back")
    await ann.take()
    await ann.holds()
    await ann.has_draft("half an answ")


# --- the AI


async def test_that_the_ai_is_answering_stands_there_as_long_as_it_does(
    stack: Rig, ann: Desk
) -> None:
    visitor = await new_visitor(stack, "Curious")
    await ann.open(str(visitor.name), "all")
    below = ann.page.locator(".frame .typing")
    await expect(below).to_have_text("")
    # some words, then silence: until somebody does something the answer is not there
    asked = asyncio.ensure_future(visitor.stream("[[sim:hang_mid]] And the warranty?"))
    await expect(below).to_have_text("The AI is answering…")
    await ann.stands("With the AI")
    assert (await visitor.escalate()).status == 200
    await expect(below).to_have_text("")
    await ann.stands(re.compile("Waiting for a person"))
    await asyncio.wait_for(asked, 60)
    await expect(ann.page.locator(".message.assistant")).to_have_count(1)


# --- the list


async def test_a_long_last_word_stays_within_its_row(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Talkative")
    await visitor.say("and another thing " * 10)
    row = await ann.finds(str(visitor.name))
    await expect(row).to_contain_text("and another thing and")
    for part in (row, row.locator(".line")):
        assert await part.evaluate("part => part.scrollWidth <= part.clientWidth")


# --- a guest


@pytest_asyncio.fixture(loop_scope="session")
async def guest(browser: Browser, stack: Rig) -> AsyncIterator[tuple[Desk, list[str]]]:
    """Who looks on, logged in, and what their browser has asked for."""
    username, agent_id = await new_person(stack, "Gus Onlook", role="guest")
    context = await browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    desk = Desk(await context.new_page(), username, agent_id, "Gus Onlook")
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url.partition("/api/")[2]))
    await desk.page.goto(f"{stack.gateway}/agent/")
    await desk.page.fill("input[name=username]", username)
    await desk.page.fill("input[name=password]", PASSWORD)
    await desk.page.click("button[type=submit]")
    await expect(desk.page.locator("[data-line=none]")).to_be_visible()
    yield desk, asked
    await context.close()
    assert desk.errors == []


async def test_a_guest_reads_the_lists_without_a_stream_and_is_told_as_of_when(
    stack: Rig, guest: tuple[Desk, list[str]]
) -> None:
    desk, asked = guest
    banner = desk.page.locator(".banner")
    await expect(banner).to_have_text(re.compile(r"You see the queue as of \d\d:\d\d\. .*Reload"))
    visitor = await waiting_visitor(stack, "Looked at")
    name = str(visitor.name)
    await banner.get_by_role("button", name="Reload").click()
    await (await desk.finds(name)).click()
    await expect(desk.page.locator("[data-test=lists-only]")).to_contain_text("not what is said")
    await expect(desk.page.locator("[data-test=takeover], [data-test^=act-]")).to_have_count(0)
    await expect(desk.page.locator("#reply")).to_have_count(0)
    await desk.page.click("a[href='/agent/numbers']")
    await expect(desk.page.locator(".card").first).to_be_visible()
    await desk.page.get_by_role("button", name="Open menu").click()
    await expect(desk.page.get_by_role("menuitem", name="Log out")).to_be_visible()
    await expect(desk.page.get_by_role("menuitemradio")).to_have_count(0)
    assert [path for path in asked if "events" in path or path.startswith(f"sessions/{name}")] == []


# --- a verdict


async def test_a_takeover_says_why_and_what_the_visitor_said_of_it_is_seen_at_once(
    stack: Rig, ann: Desk, bob: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Judge")
    name = str(visitor.name)
    await ann.open(name)
    await ann.page.click("[data-test=explain]")
    await ann.page.get_by_role("button", name="I know this case").click()
    await ann.page.click("[role=dialog] [data-test=confirm]")
    await ann.holds()
    await expect(ann.page.locator("#reply")).to_be_focused()
    await expect(ann.page.locator(".details ol")).to_contain_text("taken over – I know this case")
    await bob.open(name, "all")
    await ann.act("release")
    await ann.stands("With the AI")
    # the button that was pressed is gone; the keys and screen readers go on in the page
    await expect(ann.page.locator("#main")).to_be_focused()
    given = {"score": 4, "comment": "Quick and kind."}
    assert (await visitor.post(f"/api/sessions/{name}/rating", given)).status == 200
    for desk in (ann, bob):
        await expect(desk.page.locator("[data-test=rated]")).to_have_text("★ 4")
        rating = desk.page.locator("[data-test=rating]")
        await expect(rating).to_contain_text("Quick and kind.")
        await expect(rating).to_contain_text("for Ann Keller")


# --- forms


async def test_an_account_half_filled_in_when_the_login_ends_is_open_again_without_its_password(
    stack: Rig, browser: Browser
) -> None:
    username, agent_id = await new_person(stack, "Ada Minton", role="admin")
    context = await browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    desk = Desk(await context.new_page(), username, agent_id, "Ada Minton")
    await desk.page.goto(f"{stack.gateway}/agent/people")
    await desk.log_in()
    await desk.page.click("[data-test=new-person]")
    for name, text in (("username", "carla"), ("name", "Carla Rossi"), ("password", PASSWORD)):
        await desk.page.fill(f"[role=dialog] [name={name}]", text)
    admin = await stack.admin()
    path = f"/api/agents/{username}/reset-password"
    assert (await admin.post(path, {"new_password": "another horse battery 8"})).status == 200
    await desk.is_asked_to_log_in("has been kept")
    stored = await desk.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert PASSWORD not in stored
    await desk.log_in("another horse battery 8")
    assert desk.page.url.endswith("/agent/people")
    for name, text in (("username", "carla"), ("name", "Carla Rossi"), ("password", "")):
        await expect(desk.page.locator(f"[role=dialog] [name={name}]")).to_have_value(text)
    await context.close()
    assert desk.errors == []
