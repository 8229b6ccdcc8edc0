"""The agents' side of the main job, through the workbench in a real browser."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from dev.actors import Agent, Visitor
from dev.attacks import corpus
from dev.rig import Rig, running_rig
from dev.rig.rig import PASSWORD, eventually

from .conftest import open_widget

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
RUN_AXE = """axe.run(document).then(found => JSON.stringify(found.violations.map(
    one => [one.id, one.nodes.map(node => node.target.join(' ')).slice(0, 3)])))"""
SHOWN = """() => [...document.querySelectorAll('.log [data-id]')].map(one => one.dataset.id)"""
# Two cores are shared by a whole product, its tests and a browser.
expect.set_options(timeout=20_000)


@dataclass
class Desk:
    """One agent at the workbench."""

    page: Page
    username: str
    agent_id: str
    errors: list[str] = field(default_factory=list)

    async def log_in(self, password: str = PASSWORD) -> None:
        await self.page.fill("input[name=username]", self.username)
        await self.page.fill("input[name=password]", password)
        await self.page.click("button[type=submit]")
        await self.is_live()

    async def is_live(self) -> None:
        await expect(self.page.locator("[data-line=live]")).to_be_visible(timeout=20_000)

    async def open(self, session: str, listed: str = "waiting") -> None:
        await self.page.click(f"[data-test=list-{listed}]")
        await self.page.click(f"[data-session={session}]")
        await expect(self.page.locator(f"[data-session={session}][aria-current]")).to_be_visible()

    async def take(self) -> None:
        await self.page.click("[data-test=takeover]")

    async def holds(self) -> None:
        await expect(self.page.locator("[data-test=state]")).to_have_text("With you")

    async def say(self, text: str) -> None:
        await self.page.fill("#reply", text)
        await self.page.press("#reply", "Enter")

    async def sees(self, text: str) -> None:
        await expect(self.page.locator(".log").get_by_text(text, exact=True)).to_have_count(1)

    async def act(self, act: str) -> None:
        await self.page.click(f"[data-test=act-{act}]")
        await self.page.click("[role=dialog] [data-test=confirm]")

    async def told(self, text: str) -> None:
        await expect(self.page.locator(".notice", has_text=text)).to_be_visible()


async def new_person(rig: Rig, name: str, **more: Any) -> tuple[str, str]:
    admin = await rig.admin()
    username = f"{name.split(maxsplit=1)[0].lower()}-{secrets.token_hex(4)}"
    body = {"username": username, "password": PASSWORD, "name": name, "max_sessions": 20, **more}
    made = await admin.post("/api/agents", body)
    assert made.status == 201, made
    return username, made.body["data"]["id"]


async def sit_down(browser: Browser, rig: Rig, name: str, **more: Any) -> Desk:
    """A fresh account, logged in at its own browser."""
    username, agent_id = await new_person(rig, name)
    context = await browser.new_context(
        locale="en-GB", viewport={"width": 1440, "height": 900}, **more
    )
    page = await context.new_page()
    desk = Desk(page, username, agent_id)
    page.on("pageerror", lambda error: desk.errors.append(str(error)))
    await page.goto(f"{rig.gateway}/agent/")
    await desk.log_in()
    return desk


async def waiting_visitor(rig: Rig, nickname: str) -> Visitor:
    visitor = rig.visitor()
    await visitor.new()
    await visitor.post(
        f"/api/sessions/{visitor.name}/identify", {"profile": {"nickname": nickname}}
    )
    await visitor.chat("How far does the battery go?")
    assert (await visitor.escalate()).status == 200
    return visitor


@pytest_asyncio.fixture(loop_scope="session")
async def ann(browser: Browser, stack: Rig) -> AsyncIterator[Desk]:
    desk = await sit_down(browser, stack, "Ann Keller")
    yield desk
    await desk.page.context.close()
    assert desk.errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def bob(browser: Browser, stack: Rig) -> AsyncIterator[Desk]:
    desk = await sit_down(browser, stack, "Bob Lindgren")
    yield desk
    await desk.page.context.close()
    assert desk.errors == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hasty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Access tokens of four seconds, and people who are missed soon."""
    env = {
        "ACCESS_TOKEN_SECONDS": "4",
        "PRESENCE_TIMEOUT_SECONDS": "12",
        "PRESENCE_SWEEP_SECONDS": "0.5",
        "PRESENCE_SETTLE_SECONDS": "0",
        "AGENT_ABSENCE_SECONDS": "1",
    }
    async with running_rig(tmp_path_factory.mktemp("hasty"), env=env) as rig:
        yield rig


async def is_whole(desk: Desk, agent: Agent, session: str) -> None:
    """What stands on the screen is the log: nothing lost, nothing doubled, in order."""

    async def same() -> bool:
        log = [m["id"] for m in await agent.messages(session)]
        return bool(await desk.page.evaluate(SHOWN) == log)

    await eventually(same)


# --- the main job ----------------------------------------------------------------------------


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
    await winner.holds()
    await expect(loser.page.locator("[data-test=state]")).to_have_text(f"With {holder['name']}")
    await loser.told(f"{holder['name']} was faster")
    await is_whole(winner, agent, name)


async def test_talk_transfer_release_and_the_ai_again(stack: Rig, ann: Desk, bob: Desk) -> None:
    visitor = await waiting_visitor(stack, "Story")
    name, agent = str(visitor.name), await stack.agent()
    await ann.open(name)
    await ann.take()
    await ann.holds()
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
    await expect(ann.page.locator("[data-test=state]")).to_have_text("With Bob Lindgren")
    await expect(ann.page.locator("#reply")).to_have_value("half an answ")
    await ann.page.press("#reply", "Enter")
    await ann.told("nothing was sent")

    await bob.open(name, "mine")
    await bob.holds()
    await bob.say("Bob here, I go on")
    await bob.sees("Bob here, I go on")
    await bob.act("release")
    await expect(bob.page.locator("[data-test=state]")).to_have_text("With the AI")
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
    await ann.open(name)
    await ann.take()
    await ann.holds()
    await ann.say("Ann at your service")
    await widget.sees("Ann at your service")
    await widget.ask("Thank you, Ann")
    await ann.sees("Thank you, Ann")
    await ann.act("close")
    await expect(ann.page.locator("[data-test=state]")).to_have_text("Closed")
    await is_whole(ann, await stack.agent(), name)
    await context.close()


async def test_requeue_puts_the_visitor_back_for_everybody(
    stack: Rig, ann: Desk, bob: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Again")
    name = str(visitor.name)
    await ann.open(name)
    await ann.take()
    await ann.holds()
    await ann.act("requeue")
    await expect(ann.page.locator("[data-test=takeover]")).to_be_visible()
    await bob.open(name)
    await bob.take()
    await bob.holds()
    await expect(ann.page.locator("[data-test=state]")).to_have_text("With Bob Lindgren")


# --- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["gateway", "redis"])
async def test_a_restart_loses_and_doubles_nothing(stack: Rig, ann: Desk, what: str) -> None:
    visitor = await waiting_visitor(stack, "Restart")
    name, agent = str(visitor.name), await stack.agent()
    await ann.open(name)
    await ann.take()
    await ann.holds()
    await ann.say("before")
    await ann.sees("before")
    # acknowledged, or it would be a third that waits
    await expect(ann.page.locator("[data-phase]")).to_have_count(0)
    await stack.kill(what)
    try:
        await ann.say("said while it was down")
        await ann.say("and one more")
        await expect(ann.page.locator("[data-phase]")).to_have_count(2)
    finally:
        # the stack is shared: whatever happened here, the next test finds it whole
        await stack.restart(what)
    await ann.is_live()
    await expect(ann.page.locator("[data-phase]")).to_have_count(0, timeout=40_000)

    async def spoken() -> bool:
        return (await visitor.say("after")).status == 200

    await eventually(spoken)
    await expect(ann.page.locator(".log").get_by_text("after", exact=True)).to_be_visible(
        timeout=20_000
    )
    said = [m["content"] for m in await agent.messages(name) if m["role"] == "agent"]
    assert said == ["before", "said while it was down", "and one more"]
    await is_whole(ann, agent, name)


async def test_without_network_it_says_so_and_goes_on_by_itself(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Tunnel")
    name = str(visitor.name)
    await ann.open(name)
    await ann.take()
    await ann.holds()
    await ann.page.context.set_offline(True)
    await expect(ann.page.locator("[data-line=offline]")).to_be_visible()
    await expect(ann.page.locator(".banner")).to_contain_text("No network", timeout=15_000)
    await ann.say("typed in the tunnel")
    await expect(ann.page.locator("[data-phase]")).to_have_count(1)
    await visitor.say("meanwhile")
    await ann.page.context.set_offline(False)
    await ann.is_live()
    await ann.sees("meanwhile")
    await ann.sees("typed in the tunnel")
    await is_whole(ann, await stack.agent(), name)


async def test_a_message_that_came_too_late_is_explained_and_kept(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Late")
    name = str(visitor.name)
    await ann.open(name)
    await ann.take()
    await ann.holds()
    await ann.page.context.set_offline(True)
    await ann.say("written too late")
    admin = await stack.admin()
    assert (await admin.post(f"/api/sessions/{name}/close")).status == 200
    await ann.page.context.set_offline(False)
    await ann.told("has been closed meanwhile")
    refused = ann.page.locator("[data-phase=failed]")
    await refused.get_by_text("Back into the box").click()
    await expect(ann.page.locator("#reply")).to_have_value("written too late")
    assert "written too late" not in [
        m["content"] for m in await (await stack.agent()).messages(name)
    ]


async def test_who_is_logged_out_comes_back_to_the_same_place_with_the_draft(
    stack: Rig, ann: Desk
) -> None:
    visitor = await waiting_visitor(stack, "Kicked")
    name = str(visitor.name)
    await ann.open(name)
    await ann.take()
    await ann.holds()
    await ann.page.type("#reply", "in the middle of a sent")
    admin = await stack.admin()
    body = {"new_password": "another horse battery 8"}
    reset = await admin.post(f"/api/agents/{ann.username}/reset-password", body)
    assert reset.status == 200
    await expect(ann.page.locator(".greeting")).to_contain_text("has been kept")
    await ann.log_in("another horse battery 8")
    await expect(ann.page.locator(f"[data-session={name}][aria-current]")).to_have_count(0)
    await expect(ann.page.locator("#reply")).to_have_value("in the middle of a sent")
    await ann.holds()


async def test_tokens_are_renewed_silently_and_their_end_keeps_the_draft(
    browser: Browser, hasty: Rig
) -> None:
    desk = await sit_down(browser, hasty, "Cleo")
    visitor = await waiting_visitor(hasty, "Hasty")
    name = str(visitor.name)
    renewed: list[int] = []
    desk.page.on(
        "response",
        lambda r: renewed.append(r.status) if r.url.endswith("/api/agent/refresh") else None,
    )
    await desk.open(name)
    await desk.take()
    await desk.holds()

    async def twice() -> bool:
        return renewed.count(200) >= 2

    await eventually(twice)
    await desk.say("said with the third token")
    await desk.sees("said with the third token")
    assert "/login" not in desk.page.url
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert "ey" + "J" not in await desk.page.evaluate(stored), "no token where scripts can read"

    await desk.page.type("#reply", "typed as it en")
    await desk.page.context.clear_cookies()
    await expect(desk.page.locator(".greeting")).to_contain_text("everything you typed")
    await desk.log_in()
    assert desk.page.url.endswith(f"/agent/c/{name}")
    await expect(desk.page.locator("#reply")).to_have_value("typed as it en")
    await desk.page.press("#reply", "Enter")
    await desk.sees("typed as it en")
    await is_whole(desk, await hasty.admin(), name)
    await desk.page.context.close()
    assert desk.errors == []


async def test_a_closed_laptop_gives_its_visitors_back(browser: Browser, hasty: Rig) -> None:
    gone = await sit_down(browser, hasty, "Gone")
    here = await sit_down(browser, hasty, "Here")
    visitor = await waiting_visitor(hasty, "Laptop")
    name = str(visitor.name)
    await gone.open(name)
    await gone.take()
    await gone.holds()
    await here.page.click("[data-test=list-waiting]")
    await expect(here.page.locator(f"[data-session={name}]")).to_have_count(0)
    await gone.page.context.close()
    await expect(here.page.locator(f"[data-session={name}]")).to_be_visible(timeout=60_000)
    await here.page.context.close()


# --- who may come in -------------------------------------------------------------------------


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


# --- what every page must be -----------------------------------------------------------------


async def test_no_text_of_anybody_runs_or_fetches_anything(stack: Rig, ann: Desk) -> None:
    attacks = corpus()
    assert len(attacks) >= 200
    foreign: list[str] = []
    ann.page.on(
        "request", lambda r: foreign.append(r.url) if not r.url.startswith(stack.gateway) else None
    )
    visitor = stack.visitor()
    await visitor.new()
    profile = {"nickname": attacks[0][:60], "country": attacks[1][:40], "language": "en"}
    await visitor.post(f"/api/sessions/{visitor.name}/identify", {"profile": profile})
    assert (await visitor.escalate(message=attacks[3])).status == 200
    name = str(visitor.name)
    await ann.open(name)
    await ann.take()
    await ann.holds()
    agent = await stack.admin()
    for attack in attacks:
        assert (await visitor.say(attack)).status == 200
    for attack in attacks[::20]:
        await ann.page.fill("#reply", attack)
        await ann.page.click(".send")
    await agent.post(f"/api/sessions/{name}/requeue", {"reason": attacks[4][:200]})
    await ann.page.wait_for_selector("[data-test=takeover]")
    await nothing_happened(ann.page, foreign)

    # the AI's answers are drawn as markdown: on a second look it is the AI that said all this
    async def by_the_ai(route: Route) -> None:
        answer = await route.fetch()
        body = (await answer.text()).replace('"role":"user"', '"role":"assistant"')
        await route.fulfill(response=answer, body=body)

    await ann.page.route("**/messages?*", by_the_ai)
    await ann.page.reload()
    await ann.page.wait_for_selector(".message.assistant .md")
    await nothing_happened(ann.page, foreign)


async def nothing_happened(page: Page, foreign: list[str]) -> None:
    """From the newest message to the oldest, all of them drawn."""
    await page.wait_for_selector(".log [data-id]")
    dangerous = ".log :is(script, img, iframe, style, object, embed, form, link, base, meta)"
    hooked = """[...document.querySelectorAll('*')].some(
        element => element.getAttributeNames().some(name => name.startsWith('on')))"""
    begun = page.get_by_text("The conversation begins here")
    while not await begun.count():
        await page.evaluate("document.querySelector('.log').scrollBy(0, -600)")
        await expect(page.locator(".log [data-id]")).not_to_have_count(0)
        assert await page.locator(dangerous).count() == 0
        assert await page.evaluate(hooked) is False
    assert await page.evaluate("typeof window.hit") == "undefined"
    assert foreign == []


async def violations(page: Page) -> list[Any]:
    if not await page.evaluate("typeof window.axe !== 'undefined'"):
        await page.evaluate(AXE.read_text())
    found: list[Any] = json.loads(await page.evaluate(RUN_AXE))
    return found


async def new_context(browser: Browser, theme: str, width: int) -> BrowserContext:
    return await browser.new_context(
        locale="en-GB",
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": 900},
        bypass_csp=True,
        reduced_motion="reduce",
    )


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
async def test_axe_finds_nothing(browser: Browser, stack: Rig, theme: str, width: int) -> None:
    username, _ = await new_person(stack, "Axel", role="admin")
    visitor, other = await waiting_visitor(stack, "Axe"), await waiting_visitor(stack, "Edge")
    context = await new_context(browser, theme, width)
    page = await context.new_page()
    await page.goto(f"{stack.gateway}/agent/")
    await page.wait_for_selector("input[name=username]")
    assert await violations(page) == []
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_selector(f"[data-session={other.name}]")
    assert await violations(page) == []
    await page.click(f"[data-session={visitor.name}]")
    await page.wait_for_selector(".message")
    assert await violations(page) == []
    await page.click("[data-test=takeover]")
    await expect(page.locator("[data-test=state]")).to_have_text("With you")
    await page.fill("#reply", "Hello")
    await page.press("#reply", "Enter")
    await page.wait_for_selector(".message.me")
    assert await violations(page) == []
    if width > 1000:
        for act in ("transfer", "close"):
            await page.click(f"[data-test=act-{act}]")
            await page.wait_for_selector("[role=dialog] form")
            assert await violations(page) == []
            await page.keyboard.press("Escape")
        await page.press("#reply", "Escape")
        await page.keyboard.press("?")
        await page.wait_for_selector("[role=dialog] kbd")
        assert await violations(page) == []
        await page.keyboard.press("Escape")
    else:
        await page.click(".acts [aria-pressed]")
        await page.wait_for_selector(".details")
        assert await violations(page) == []
    for address, mark in (("numbers", ".tiles"), ("people", "table"), ("me", "form")):
        await page.goto(f"{stack.gateway}/agent/{address}")
        await page.wait_for_selector(mark)
        assert await violations(page) == [], address
    await context.close()


async def test_the_job_can_be_done_with_keys_alone(stack: Rig, ann: Desk) -> None:
    visitor = await waiting_visitor(stack, "Keys")
    name, keys = str(visitor.name), ann.page.keyboard
    await expect(ann.page.locator(f"[data-session={name}]")).to_be_visible()
    rows = ann.page.locator("a.session")
    for number in range(await rows.count()):
        await keys.press("j")
        await expect(rows.nth(number)).to_have_attribute("aria-current", "true")
        if ann.page.url.endswith(name):
            break
    await expect(ann.page.locator("[data-test=takeover]")).to_be_visible()
    await keys.press("t")
    await ann.holds()
    await expect(ann.page.locator("#reply")).to_be_focused()
    await keys.type("txbqe? is text in here")
    await keys.press("Enter")
    await ann.sees("txbqe? is text in here")
    await keys.press("Escape")
    await keys.press("Control+e")
    await expect(ann.page.locator("[role=dialog]")).to_have_count(0)
    await keys.press("e")
    await expect(ann.page.locator("[role=dialog]")).to_be_visible()
    await keys.press("Enter")
    await expect(ann.page.locator("[data-test=state]")).to_have_text("Closed")
    await expect(ann.page.locator("[role=dialog]")).to_have_count(0)
    await keys.press("Escape")
    await expect(ann.page).to_have_url(f"{stack.gateway}/agent/")
