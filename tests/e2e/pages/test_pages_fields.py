"""Every field that a person sees shows an attack as text: names, reasons, settings, options (S8)."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from dev.actors import Agent, Visitor
from dev.attacks import SCRIPT_ADDRESSES, TINY, marked, marked_letter
from dev.rig import Rig, running_rig

from .conftest import open_widget
from .desk import Desk, new_person
from .witness import BARE, Witness

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
TEXTS = {
    **{name: marked(name) for name in ("title", "subtitle", "welcome", "placeholder", "launcher")},
    "suggestions": [marked("suggestion")],
    "privacy_url": 'https://evil.test/"onclick=hit=1',
}
SHOPS = [
    {"id": "default", "texts": {"en": TEXTS}, "logo_url": '/assets/"onerror=hit=1'},
    {"id": "plain", "name": marked("shop")},
]
DRESSED = {
    "SHOPS": json.dumps(SHOPS),
    "BOT_NAME": marked("bot"),
    "BOT_DESCRIPTION": marked("about"),
    "BOT_ICON_URL": SCRIPT_ADDRESSES[0],
    "BOT_WELCOME": marked("bot_welcome"),
    "BOT_SUGGESTED_QUESTIONS": marked("bot_question"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dressed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """An installation whose operator pasted attacks into every setting people see."""
    async with running_rig(tmp_path_factory.mktemp("dressed"), env=DRESSED) as rig:
        yield rig


async def shows(where: Any, *places: str) -> None:
    """The attacks put there stand on the page as letters."""
    for place in places:
        await expect(where.get_by_text(marked(place)).first).to_be_attached()


# --- the widget ------------------------------------------------------------------------------


async def test_settings_of_shop_and_bot_are_text_in_the_widget(
    browser: Browser, dressed: Rig
) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, dressed.gateway)
    page = await context.new_page()
    await page.goto(f"{dressed.gateway}/embed?shop=default")
    await shows(page, "title", "subtitle", "welcome", "suggestion")
    await expect(page.get_by_placeholder(marked("placeholder"))).to_be_visible()
    await page.goto(f"{dressed.gateway}/embed?shop=plain")
    await shows(page, "shop", "bot_welcome", "bot_question")
    await page.goto(f"{dressed.gateway}/embed?shop=default&consent=ask")
    link = page.locator(".consent a")
    await expect(link).to_have_attribute("href", str(TEXTS["privacy_url"]))
    assert witness.caught == []
    await context.close()


async def test_options_of_the_page_are_text_in_the_widget(
    browser: Browser, stack: Rig, shop_url: str
) -> None:
    named = ("title", "subtitle", "welcome", "placeholder", "label", "language", "theme")
    styled = "red;background:url(//evil.test/style)"
    options = {
        **{name: marked(name) for name in named},
        "suggestions": [marked("suggestion")],
        "color": styled,
        "offset": {"x": styled, "y": styled},
        "zIndex": styled,
        "position": marked("position"),
        "user": {"nickname": marked("nickname"), "metadata": {marked("key"): marked("value")}},
    }
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, stack.gateway, shop_url)
    said = f"if (window === top) window.FiidoKefuConfig = {json.dumps(options)}"
    await context.add_init_script(said)
    widget = await open_widget(await context.new_page(), shop_url)
    await shows(widget.page, "label")
    await shows(widget.frame, "title", "subtitle", "welcome", "suggestion")
    for address in SCRIPT_ADDRESSES:
        more = {"logo": address, "privacyUrl": address, "consent": "ask", "title": address}
        await widget.page.evaluate("more => FiidoKefu.update(more)", more)
        await expect(widget.frame.locator("h1")).to_have_text(address.strip())
        await expect(widget.frame.locator(".consent")).to_be_visible()
        await expect(widget.frame.locator(".consent a, .avatar img")).to_have_count(0)
    await widget.page.evaluate("document.body.replaceChildren()")
    for address in SCRIPT_ADDRESSES:
        again = "base => { FiidoKefu.destroy(); FiidoKefu.init({baseUrl: base, open: true}) }"
        await widget.page.evaluate(again, address)
    assert witness.caught == []
    assert widget.errors == []
    await context.close()


async def test_addresses_and_messages_of_the_page_are_text_in_the_widget(
    browser: Browser, stack: Rig, shop_url: str
) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, stack.gateway, shop_url)
    page = await context.new_page()
    named = ("language", "theme", "color", "title", "consent", "host", "x")
    query = {name: marked(name) for name in named}
    await page.goto(f"{stack.gateway}/embed?{urlencode(query)}#{quote(marked('hash'))}")
    await shows(page, "title")
    await expect(page.locator(".composer textarea")).to_be_visible()
    await page.goto(f"{stack.gateway}/embed?{urlencode({'shop': marked('shop')})}")
    await expect(page.locator(".composer textarea")).to_be_visible()

    widget = await open_widget(page, shop_url)
    await page.evaluate(
        "all => all.forEach(one => document.querySelector('[data-fiido-kefu]').shadowRoot"
        ".querySelector('iframe').contentWindow.postMessage({kefu: 1, ...one}, '*'))",
        [
            {"do": "sendMessage", "text": marked("sent")},
            {"do": "setUser", "user": {"nickname": marked("nickname")}},
            {"do": "options", "options": {"title": marked("posted"), "color": marked("color")}},
            {"do": "visible", "visible": marked("visible"), "fullScreen": marked("full")},
            {"do": marked("do"), "__proto__": {"hit": 1}},
        ],
    )
    await shows(widget.frame, "sent", "posted")
    assert witness.caught == []
    assert widget.errors == []
    await context.close()


async def test_an_agents_name_and_the_visitors_own_words_are_text_in_the_widget(
    browser: Browser, dressed: Rig, shop_url: str
) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, dressed.gateway)
    page = await context.new_page()
    await page.goto(f"{dressed.gateway}/embed?shop=plain")
    async with dressed.closed_shop():
        await page.fill(".composer textarea", "I want a human")
        await page.press(".composer textarea", "Enter")
        form = page.locator(".away form")
        await form.locator("textarea").fill(marked("letter"))
        await form.locator("input[type=email]").fill(marked_letter("sender"))
        await form.locator("input[type=checkbox]").check()
        await form.locator(".btn").first.click()
        await expect(page.get_by_text(marked_letter("sender"))).to_be_visible()
        await page.locator(".away .btn").click()
    kept = await page.evaluate("JSON.parse(localStorage['fiido-kefu:plain'])")
    ann = await dressed.new_agent(await dressed.admin(), name=marked("colleague"))
    assert (await ann.takeover(kept["sessionName"])).status == 200
    await shows(page, "colleague")
    await ann.post(f"/api/sessions/{kept['sessionName']}/typing")
    await expect(page.locator(".typing")).to_contain_text(marked("colleague"))
    await ann.say(kept["sessionName"], marked("hello"))
    await ann.release(kept["sessionName"])
    await expect(page.locator(".card legend")).to_contain_text(marked("colleague"))
    await page.locator(".stars label").first.click()
    await page.locator(".card textarea").fill(marked("comment"))
    await page.locator(".card .btn").first.click()
    await expect(page.locator(".thanks")).to_be_visible()
    assert witness.caught == []
    await context.close()


# --- the workbench ---------------------------------------------------------------------------

# what the desktop would be told, of a page that nobody looks at
NOTIFIED = """
window.notified = []
Object.defineProperty(Document.prototype, 'hidden', { get: () => true })
window.Notification = class { constructor(...all) { notified.push(all) } }
Notification.permission = 'granted'
localStorage['kefu-workbench:preferences'] = '{"notifications": true, "language": "en"}'"""


async def visitor_of(rig: Rig) -> Visitor:
    """A visitor who writes an attack into everything a visitor can write."""
    visitor = rig.visitor()
    await visitor.new()
    profile = {
        **{name: marked(name) for name in ("nickname", "country", "customer_id")},
        "currency": TINY,
        "metadata": {marked("key"): marked("value")},
    }
    path = f"/api/sessions/{visitor.name}/identify"
    assert (await visitor.post(path, {"profile": profile})).status == 200
    assert (await visitor.escalate(message=marked("wish"))).status == 200
    return visitor


async def come_in(page: Page, rig: Rig) -> Desk:
    """Past the login, which is attacked by its address and its fields."""
    username, agent_id = await new_person(rig, "Mallory", role="admin")
    admin, renamed = await rig.admin(), {"name": marked("me")}
    assert (await admin.call("PUT", f"/api/agents/{username}", body=renamed)).status == 200
    desk = Desk(page, username, agent_id)
    await page.goto(f"{rig.gateway}/agent/login?next={quote(SCRIPT_ADDRESSES[0])}#{marked('hash')}")
    await page.fill("input[name=username]", marked("username")[:64])
    await page.fill("input[name=password]", marked("password"))
    await page.click("button[type=submit]")
    await expect(page.locator(".problem")).to_be_visible()
    await desk.log_in()
    return desk


async def lose_and_get(desk: Desk, ann: Agent, session: str) -> None:
    """Ann is faster, hands over, and gets it back by the dialog: names and reasons on the way."""
    page = desk.page

    async def faster(route: Route) -> None:
        await ann.takeover(session)
        await route.continue_()

    await page.route("**/takeover", faster)
    await desk.take()
    await shows(page.locator(".notices"), "colleague")
    body = {"to_agent_id": desk.agent_id, "reason": marked("transfer")}
    assert (await ann.post(f"/api/sessions/{session}/transfer", body)).status == 200
    await desk.holds()
    await desk.say(marked("answer"))
    await shows(page.locator(".log"), "answer")
    await page.click("[data-test=act-transfer]")
    dialog = page.get_by_role("dialog")
    await shows(dialog, "colleague")
    await dialog.locator(f"input[value='{ann.id}']").check()
    await dialog.get_by_role("textbox").fill(marked("typed"))
    await dialog.locator("[data-test=confirm]").click()
    await expect(dialog).to_have_count(0)


async def test_what_people_write_about_each_other_is_text_in_the_workbench(
    browser: Browser, stack: Rig
) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, stack.gateway)
    desk = await come_in(await context.new_page(), stack)
    page = desk.page
    ann = await stack.new_agent(await stack.admin(), name=marked("colleague"))
    visitor = await visitor_of(stack)
    name = str(visitor.name)
    # found by its name: others may wait in the same shop, too
    await page.fill("#queue-search", marked("nickname"))
    await shows(page.locator(".session"), "nickname")
    await page.goto(f"{stack.gateway}/agent/c/{name}")
    await shows(page.locator(".conversation"), "nickname", "wish")
    await shows(page.locator(".details"), "wish", "country")
    await expect(page.locator(".details").get_by_text(TINY, exact=True)).to_be_visible()
    await lose_and_get(desk, ann, name)
    for act in ("requeue", "release", "close"):
        assert (await ann.post(f"/api/sessions/{name}/takeover")).status in (200, 409)
        body = {"reason": marked(act)}
        assert (await ann.post(f"/api/sessions/{name}/{act}", body)).status == 200
        if act == "release":
            await visitor.escalate()
    await visitor.post(f"/api/sessions/{name}/rating", {"score": 1, "comment": marked("comment")})
    await page.reload()
    reasons = ("transfer", "typed", "requeue", "release", "close")
    await shows(page.locator(".details"), *reasons)
    await page.fill("#reply", marked("draft"))
    await page.click("[data-test=list-all]")
    await page.fill("#queue-search", marked("nickname"))
    await shows(page.locator(".session"), "draft")
    await page.fill("#queue-search", marked("search"))
    await expect(page.locator("#queue-list .empty")).to_be_visible()
    await expect(page).to_have_title(re.compile(r"^(\(\d+\) )?Desk · Fiido Kefu$"))
    assert witness.caught == []
    assert desk.errors == []
    await context.close()


async def becomes_the_busiest(agent: Agent, session: str) -> None:
    """The figures name the few with the most takeovers, and others have worked in this shop."""
    stats = (await agent.get("/api/sessions/stats")).body["data"]
    most = max((one["takeovers"] for one in stats["agent_efficiency"]), default=0)
    for _ in range(most):
        await agent.takeover(session)
        await agent.post(f"/api/sessions/{session}/requeue", {})
    assert (await agent.takeover(session)).status == 200


async def test_the_team_page_and_the_numbers_show_names_as_text(
    browser: Browser, stack: Rig
) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, stack.gateway)
    desk = await come_in(await context.new_page(), stack)
    page, name = desk.page, marked("colleague")
    ann = await stack.new_agent(await stack.admin(), name=name)
    visitor = await visitor_of(stack)
    await becomes_the_busiest(ann, str(visitor.name))
    await page.goto(f"{stack.gateway}/agent/people")
    for button, closing in (("Change", "Save"), ("New password for", "Cancel")):
        await page.get_by_label(f"{button} {name}").first.click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name=closing).click()
        await expect(dialog).to_have_count(0)
    await shows(page.locator(".notices"), "colleague")
    await page.get_by_label(f"Deactivate {name}").first.click()
    await shows(page.get_by_role("dialog"), "colleague")
    await page.goto(f"{stack.gateway}/agent/numbers")
    await shows(page.locator("table"), "colleague")
    await page.goto(f"{stack.gateway}/agent/me")
    await expect(page.locator("input").first).to_have_value(marked("me"))
    assert witness.caught == []
    assert desk.errors == []
    await context.close()


async def test_the_desktop_is_told_names_and_words_alone(browser: Browser, stack: Rig) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    await context.add_init_script(NOTIFIED)
    desk = await come_in(await context.new_page(), stack)
    visitor = await visitor_of(stack)
    mine = f"notified.find(([, how]) => how.tag === '{visitor.name}')"
    told = await (await desk.page.wait_for_function(mine)).json_value()
    title, how = told
    assert marked("nickname") in title
    # an address in here would be fetched or opened
    assert set(how) <= {"body", "tag"}
    await context.close()


# --- what answers directly -------------------------------------------------------------------


async def test_addresses_that_nobody_serves_answer_with_no_page(
    browser: Browser, stack: Rig
) -> None:
    context = await browser.new_context(locale="en-GB", **BARE)
    witness = await Witness.of(context, stack.gateway)
    page = await context.new_page()
    attack = quote(marked("address"), safe="")
    for path in (
        f"/{attack}",
        f"/api/{attack}",
        f"/api/sessions?status={attack}&q={attack}",
        f"/api/sessions/{attack}",
        f"/api/config?shop={attack}",
        f"/api/v1/bot/info?shop={attack}",
        f"/sdk/{attack}",
        f"/assets/{attack}",
        f"/agent/{attack}?next={attack}#{attack}",
        f"/agent/c/{attack}",
        f"/#{attack}",
    ):
        answer = await page.goto(stack.gateway + path)
        assert answer is not None
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "evil.test" not in await page.title()
        is_page = "text/html" in answer.headers["content-type"]
        assert not is_page or "evil.test" not in await answer.text()
    assert witness.caught == []
    await context.close()
