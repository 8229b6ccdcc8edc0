"""Who may come in to the workbench, and what they may do there."""

import secrets

import pytest
from playwright.async_api import Browser, expect

from dev.actors import Agent
from dev.rig import Rig
from dev.rig.rig import PASSWORD

from .desk import Desk, new_person, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]


async def test_wrong_passwords_are_named_and_then_counted_down(
    browser: Browser, stack: Rig
) -> None:
    username, _ = await new_person(stack, "Wrong")
    page = await browser.new_page(locale="en-GB")
    await page.goto(f"{stack.gateway}/agent/numbers")
    await page.fill("input[name=username]", username)
    for _ in range(5):
        await page.fill("input[name=password]", "not the password")
        async with page.expect_response("**/api/agent/login"):
            await page.click("button[type=submit]")
        await expect(page.locator(".problem")).to_have_text("Wrong user name or password.")
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    locked = page.locator("[data-test=locked]")
    await expect(locked).to_contain_text("You can try again in")
    first = await locked.text_content()
    await expect(locked).not_to_have_text(str(first))
    await expect(page.locator("button[type=submit]")).to_be_disabled()
    await page.close()


async def test_an_admin_makes_changes_resets_and_deactivates_an_account(
    browser: Browser, stack: Rig
) -> None:
    username, _ = await new_person(stack, "Chief", role="admin")
    page = await browser.new_page(locale="en-GB")
    await page.goto(f"{stack.gateway}/agent/people")
    await Desk(page, username, "").log_in()
    await page.click("[data-test=new-person]")
    newcomer = f"new-{secrets.token_hex(4)}"
    for name, value in (("username", newcomer), ("password", "short"), ("name", "Nina New")):
        await page.fill(f"[role=dialog] input[name={name}]", value)
    await page.click("[data-test=save]")
    await expect(page.locator("[role=dialog] .problem")).to_contain_text("at least 10 characters")
    await page.fill("[role=dialog] input[name=password]", PASSWORD)
    await page.click("[data-test=save]")
    row = page.locator(f"[data-username={newcomer}]")
    await expect(row).to_contain_text("Nina New")

    await row.get_by_label("Change Nina New").click()
    await page.select_option("[role=dialog] select[name=role]", "supervisor")
    await page.click("[data-test=save]")
    await expect(row).to_contain_text("Supervisor")

    await row.get_by_label("New password for Nina New").click()
    await page.click("[role=dialog] [data-test=confirm]")
    password = str(await page.locator("[data-test=password]").text_content())
    await page.get_by_role("button", name="Done").click()
    nina = await Agent(stack.gateway, stack.http).login(newcomer, password)
    assert (await nina.get("/api/agent/profile")).body["data"]["role"] == "supervisor"

    await row.get_by_label("Deactivate Nina New").click()
    await page.click("[role=dialog] [data-test=confirm]")
    await expect(row).to_have_count(0)
    assert (await nina.get("/api/agent/profile")).status == 401
    await page.close()


async def test_a_guest_reads_the_lists_and_nothing_else(browser: Browser, stack: Rig) -> None:
    username, _ = await new_person(stack, "Guest", role="guest")
    await waiting_visitor(stack, "Seen by a guest")
    page = await browser.new_page(locale="en-GB")
    await page.goto(f"{stack.gateway}/agent/people")
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await expect(page.locator("[data-line=none]")).to_be_visible()
    await expect(page.get_by_text("Seen by a guest").first).to_be_visible()
    await expect(page.locator("a[href='/agent/people']")).to_have_count(0)
    await page.close()
