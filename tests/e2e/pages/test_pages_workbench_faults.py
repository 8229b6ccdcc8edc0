"""What goes wrong at an agent's desk without anything of ours failing: explained, nothing lost."""

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from dev.rig import Rig
from dev.rig.rig import PASSWORD, eventually

from .desk import Desk, at_desk, is_whole, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
CHINESE = Path(__file__).resolve().parents[3] / "web/workbench/src/locales/zh.json"
ANOTHER_PASSWORD = "another horse battery 8"


async def test_without_network_it_says_so_and_goes_on_by_itself(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Tunnel")
    name = str(visitor.name)
    await ann.serve(name)
    await ann.page.context.set_offline(True)
    await expect(ann.page.locator("[data-line=offline]")).to_be_visible()
    await expect(ann.page.locator(".banner")).to_contain_text("No network")
    await ann.say("typed in the tunnel")
    await ann.has_unsent(1)
    await visitor.say("meanwhile")
    await ann.page.context.set_offline(False)
    await ann.is_live()
    await ann.sees("meanwhile")
    await ann.sees("typed in the tunnel")
    await is_whole(ann, await stack.agent(), name)


async def test_a_message_that_came_too_late_is_explained_and_kept(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Late")
    name = str(visitor.name)
    await ann.serve(name)
    await ann.page.context.set_offline(True)
    await ann.say("written too late")
    admin = await stack.admin()
    assert (await admin.post(f"/api/sessions/{name}/close")).status == 200
    await ann.page.context.set_offline(False)
    await ann.told("has been closed meanwhile")
    refused = ann.page.locator("[data-phase=failed]")
    await refused.get_by_text("Back into the box").click()
    await ann.has_draft("written too late")
    assert "written too late" not in [
        m["content"] for m in await (await stack.agent()).messages(name)
    ]


async def test_who_is_logged_out_comes_back_to_the_same_place_with_the_draft(
    stack: Rig, ann: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Kicked")
    await ann.serve(str(visitor.name))
    await ann.page.type("#reply", "in the middle of a sent")
    await reset_password(stack, ann)
    await ann.is_asked_to_log_in("has been kept")
    await ann.log_in(ANOTHER_PASSWORD)
    assert ann.page.url.endswith(f"/agent/c/{visitor.name}")
    await ann.has_draft("in the middle of a sent")
    await ann.holds()


async def test_a_message_under_way_when_the_login_dies_goes_out_after_the_next_one(
    stack: Rig, ann: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Revoked")
    name = str(visitor.name)
    await ann.serve(name)
    revoked = asyncio.Event()

    async def held(route: Route) -> None:
        await revoked.wait()
        await route.continue_()

    await ann.page.route("**/api/manual/messages", held)
    async with ann.page.expect_request("**/api/manual/messages"):
        await ann.say("sent with a token that died on the way")
    await ann.page.type("#reply", "and the next one beg")
    await reset_password(stack, ann)
    async with ann.page.expect_response("**/api/manual/messages") as refused:
        revoked.set()
    assert (await refused.value).status == 401
    await ann.is_asked_to_log_in("has been kept")
    await ann.log_in(ANOTHER_PASSWORD)
    await ann.has_unsent(0)
    await ann.sees("sent with a token that died on the way")
    await ann.has_draft("and the next one beg")
    await is_whole(ann, await stack.agent(), name)


async def test_a_deactivated_account_is_shown_out_and_told_so(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Orphan")
    name = str(visitor.name)
    await ann.serve(name)
    admin = await stack.admin()
    assert (await admin.call("DELETE", f"/api/agents/{ann.username}")).status == 200
    await ann.is_asked_to_log_in("logged out by an admin")
    await ann.page.fill("input[name=username]", ann.username)
    await ann.page.fill("input[name=password]", PASSWORD)
    await ann.page.click("button[type=submit]")
    await expect(ann.page.locator(".problem")).to_have_text("Wrong user name or password.")

    async def waits_again() -> bool:
        return (await visitor.state())["status"] == "pending_manual"

    await eventually(waits_again)


async def test_a_transfer_to_somebody_who_just_left_is_explained_and_changes_nothing(
    stack: Rig, ann: Desk, bob: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Stays")
    name = str(visitor.name)
    await ann.serve(name)
    await ann.page.fill("#reply", "half an answ")
    await ann.transfer(to=bob.agent_id)
    await ann.page.fill("[role=dialog] input.input", "speaks Dutch")
    await bob.leave()
    agent = await stack.agent()

    async def is_missed() -> bool:
        there = (await agent.get("/api/agents/available")).body["data"]["agents"]
        return bob.agent_id not in [one["id"] for one in there]

    await eventually(is_missed)
    await ann.page.click("[role=dialog] [data-test=confirm]")
    await ann.told("Bob Lindgren has just gone offline. Please choose somebody else.")
    await expect(ann.page.locator(f"[role=dialog] input[value='{bob.agent_id}']")).to_have_count(0)
    await expect(ann.page.locator("[role=dialog] input.input")).to_have_value("speaks Dutch")
    await ann.page.keyboard.press("Escape")
    await ann.holds()
    await ann.has_draft("half an answ")
    await ann.page.press("#reply", "Enter")
    await ann.sees("half an answ")
    await is_whole(ann, agent, name)


async def test_a_message_too_long_is_counted_explained_and_kept(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Long")
    name = str(visitor.name)
    await ann.serve(name)
    below = ann.page.locator(".composer .below")
    # an emoji counts as one, here as at the server
    too_long = "🚲" + "x" * 5002
    await ann.page.fill("#reply", too_long[:4600])
    await expect(below).to_contain_text("4600 / 5000")
    await ann.say(too_long)
    await ann.told("The message is 3 characters too long (at most 5000).")
    await expect(below).to_contain_text("3 characters too long")
    await ann.has_draft(too_long)
    await ann.has_unsent(0)
    for _ in range(3):
        await ann.page.press("#reply", "Backspace")
    await expect(below).to_contain_text("5000 / 5000")
    await ann.page.press("#reply", "Enter")
    await ann.has_draft("")
    await ann.has_unsent(0)
    await ann.sees(too_long[:-3])
    assert (await (await stack.agent()).messages(name))[-1]["content"] == too_long[:-3]


async def test_the_same_is_said_in_chinese(browser: Browser, stack: Rig) -> None:
    first, second = await waiting_visitor(stack, "Eins"), await waiting_visitor(stack, "Zwei")
    colleague = await stack.new_agent(await stack.admin(), name="Emil Foss")
    async with at_desk(browser, stack, "Lin Mei", locale="zh-CN") as lin:

        async def too_late(route: Route) -> None:
            await colleague.takeover(str(first.name))
            await route.continue_()

        await lin.page.route(f"**/{first.name}/takeover", too_late)
        await lin.open(str(first.name))
        await lin.take()
        await lin.told(chinese("problem.ALREADY_TAKEN_BY", name="Emil Foss"))
        await lin.open(str(second.name))
        await lin.take()
        await lin.stands(chinese("head.with_me"))
        await lin.say("长" * 5001)
        await lin.told(chinese("problem.too_long", over=1, most=5000))
        await reset_password(stack, lin)
        await lin.is_asked_to_log_in(chinese("login.kicked"))
        await lin.log_in(ANOTHER_PASSWORD)
        await lin.has_draft("长" * 5001)


def chinese(key: str, **values: object) -> str:
    """The text of this key, as the workbench has it."""
    found = json.loads(CHINESE.read_text())
    for part in key.split("."):
        found = found[part]
    return str(found).format(**values)


async def reset_password(stack: Rig, desk: Desk) -> None:
    """What an admin does; every login of the account ends with it."""
    admin = await stack.admin()
    body = {"new_password": ANOTHER_PASSWORD}
    reset = await admin.post(f"/api/agents/{desk.username}/reset-password", body)
    assert reset.status == 200
