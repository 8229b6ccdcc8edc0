"""How the workbench makes itself noticed: sound, desktop notifications, the title's count."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from playwright.async_api import TimeoutError as PageTimeout

from dev.actors import Agent
from dev.rig import Rig
from dev.rig.rig import eventually

from .desk import Desk, at_desk, waiting_visitor

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
# A browser without a screen never hides a page, so `seen.isAway` says it; the rest only listens.
SPY = """
window.seen = { isAway: false, notes: [], tones: 0, spoken: new Set() }
new MutationObserver(() => document.querySelectorAll('p.hidden-text[role=status]').forEach(
    one => seen.spoken.add(one.textContent))
).observe(document, { subtree: true, childList: true, characterData: true })
Object.defineProperty(document, 'hidden', { get: () => seen.isAway })
window.Notification = new Proxy(Notification, { construct(target, given) {
    const note = Reflect.construct(target, given)
    seen.notes.push({ title: given[0], ...given[1], click: () => note.onclick() })
    return note
} })
const start = OscillatorNode.prototype.start
OscillatorNode.prototype.start = function (...given) {
    seen.tones += 1
    return start.apply(this, given)
}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def nobody_returns(stack: Rig) -> None:
    """Whom other stories left with an agent would come back to the queue in the middle of this one,
    and be announced together with its own visitors."""
    admin = await stack.admin()
    served = "/api/sessions?status=manual_live&limit=100"
    while left := (await admin.get(served)).body["data"]["sessions"]:
        for one in left:
            await admin.post(f"/api/sessions/{one['session_name']}/close")


@pytest_asyncio.fixture(loop_scope="session")
async def ear(
    browser: Browser,
    stack: Rig,
    nobody_returns: None,
) -> AsyncIterator[Desk]:
    """An agent whose browser may notify, and tells what it heard and saw."""
    async with at_desk(
        browser, stack, "Ear Lobe", script=SPY, permissions=["notifications"]
    ) as desk:
        yield desk


async def is_announced(desk: Desk, words: str) -> None:
    """Screen readers are told at the same moment, whatever else is done."""
    try:
        await desk.page.wait_for_function("words => seen.spoken.has(words)", arg=words)
    except PageTimeout:
        raise AssertionError(await desk.page.evaluate("[...seen.spoken]")) from None


async def tones(desk: Desk) -> int:
    return int(await desk.page.evaluate("seen.tones"))


async def sounds(desk: Desk, *, after: int = 0) -> None:
    """More tones than so many; the browser may still be waking its sound."""
    await desk.page.wait_for_function("before => seen.tones > before", arg=after)


async def notes(desk: Desk, *names: str) -> list[str]:
    """About these visitors; some of earlier tests come back to the queue when they like."""
    titles: list[str] = await desk.page.evaluate("seen.notes.map(one => one.title)")
    return [title for title in titles if title.startswith(names)]


async def looks_away(desk: Desk, *, away: bool = True) -> None:
    await desk.page.evaluate("away => { seen.isAway = away }", away)


async def test_sound_comes_after_a_first_click_and_can_be_turned_off(stack: Rig, ear: Desk) -> None:
    # loaded anew and back by its cookie: nobody has clicked or pressed anything here
    await ear.page.reload()
    await ear.is_live()
    await waiting_visitor(stack, "Silent")
    await is_announced(ear, "Silent is waiting for a person")
    assert await tones(ear) == 0

    await ear.page.click("[data-test=list-all]")
    await waiting_visitor(stack, "Audible")
    await is_announced(ear, "Audible is waiting for a person")
    await sounds(ear)

    await ear.page.get_by_role("button", name="Open menu").click()
    await ear.page.get_by_role("menuitem", name="Sound is on").click()
    await ear.page.keyboard.press("Escape")
    before = await tones(ear)
    await waiting_visitor(stack, "Muted")
    await is_announced(ear, "Muted is waiting for a person")
    assert await tones(ear) == before


async def test_the_desktop_is_told_only_when_wished_and_only_who_looks_away(
    stack: Rig, ear: Desk
) -> None:
    await looks_away(ear)
    await waiting_visitor(stack, "Unwished")
    await is_announced(ear, "Unwished is waiting for a person")
    assert await notes(ear, "Unwished") == []

    await wishes_notifications(ear)
    await looks_away(ear, away=False)
    await waiting_visitor(stack, "In sight")
    await is_announced(ear, "In sight is waiting for a person")
    assert await notes(ear, "In sight") == []

    await looks_away(ear)
    visitor = await waiting_visitor(stack, "Out of sight")
    await is_announced(ear, "Out of sight is waiting for a person")
    assert await notes(ear, "Out of") == ["Out of sight is waiting for a person"]
    await looks_away(ear, away=False)
    await ear.page.evaluate("seen.notes.find(one => one.title.startsWith('Out of')).click()")
    await expect(ear.page).to_have_url(f"{stack.gateway}/agent/c/{visitor.name}")


async def test_my_own_visitors_are_announced_and_neither_others_nor_the_one_in_front(
    stack: Rig, ear: Desk
) -> None:
    mine, theirs = await waiting_visitor(stack, "Mine"), await waiting_visitor(stack, "Theirs")
    agent = await stack.agent()
    assert (await agent.takeover(str(theirs.name))).status == 200
    await ear.serve(str(mine.name))
    await wishes_notifications(ear)
    await ear.open(str(mine.name), "mine")
    before = await tones(ear)
    await mine.say("In front of you")
    await ear.sees("In front of you")
    # the queue hears of it by a stream of its own, perhaps later
    await expect(await ear.finds(str(mine.name))).to_contain_text("In front of you")

    await looks_away(ear)
    await theirs.say("To somebody else")
    await mine.say("Are you still there?")
    await is_announced(ear, "Mine has written")
    assert await notes(ear, "Mine", "Theirs") == ["Mine has written"]
    await sounds(ear, after=before)
    note = await ear.page.evaluate("seen.notes.find(one => one.title.startsWith('Mine'))")
    assert (note["body"], note["tag"]) == ("Are you still there?", mine.name)


async def test_who_is_transferred_to_me_is_announced(stack: Rig, ear: Desk) -> None:
    await wishes_notifications(ear)
    await looks_away(ear)
    visitor, agent = await waiting_visitor(stack, "Handed over"), await stack.agent()
    assert (await agent.takeover(str(visitor.name))).status == 200
    path = f"/api/sessions/{visitor.name}/transfer"
    assert (await agent.post(path, {"to_agent_id": ear.agent_id})).status == 200
    await is_announced(ear, "Handed over was transferred to you")
    assert "Handed over was transferred to you" in await notes(ear, "Handed over")


async def test_the_title_counts_who_waits_and_who_has_no_answer_yet(stack: Rig, ear: Desk) -> None:
    agent = await stack.agent()
    visitor = await waiting_visitor(stack, "Counted")
    name = str(visitor.name)
    await counts(ear.page, agent, unanswered=0)
    await ear.serve(name)
    await counts(ear.page, agent, unanswered=0)
    await ear.page.goto(f"{stack.gateway}/agent/numbers")
    await ear.is_live()
    for words in ("Anybody?", "Hello?"):
        await visitor.say(words)
    await counts(ear.page, agent, unanswered=2)
    await ear.page.goto(f"{stack.gateway}/agent/c/{name}")
    await ear.sees("Hello?")
    await counts(ear.page, agent, unanswered=0)


async def wishes_notifications(desk: Desk) -> None:
    await desk.page.click("a[href='/agent/me']")
    await desk.page.get_by_label("Desktop notifications while I look elsewhere").check()
    await desk.page.click("a[href='/agent/']")


async def counts(page: Page, agent: Agent, *, unanswered: int) -> None:
    """The title says how many wait, and how much of my own visitors is not answered."""

    async def right() -> bool:
        waiting = (await agent.get("/api/sessions?status=pending_manual")).body["data"]["total"]
        count = waiting + unanswered
        return (await page.title()).startswith(f"({count}) " if count else ("Desk", "Figures"))

    await eventually(right)
