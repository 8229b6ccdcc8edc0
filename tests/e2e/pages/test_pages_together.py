"""Two agents and three visitors at once, each in a browser of their own, through all that happens:
nothing is lost, nothing doubled, and in the end every screen shows the log and nothing else."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from common.testing.waiting import PATIENCE_SECONDS
from playwright.async_api import Browser, Route

from dev.rig import Rig

from .conftest import Widget, a_shop, open_widget
from .desk import Desk, at_desk, is_whole

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("hasty"),
    pytest.mark.browser,
    pytest.mark.timeout(300),
]


@dataclass
class Guest:
    """A visitor at a widget, who asked for a person."""

    name: str
    widget: Widget
    session: str = ""

    async def arrive(self) -> None:
        await self.widget.ask(f"{self.name} asks the AI: how far does the battery go?")
        await self.widget.frame.wait_for_selector(".chips")
        await self.call_a_person()
        self.session = await self.widget.session()

    async def call_a_person(self) -> None:
        await self.widget.ask("I want a human")
        await self.waits()

    async def waits(self) -> None:
        await self.widget.frame.wait_for_selector("section.waiting", timeout=60_000)


@dataclass
class Play:
    """Who is there, and everything that was said by hand: each line once, whoever says it."""

    rig: Rig
    ann: Desk
    bob: Desk
    vera: Guest
    willem: Guest
    xenia: Guest
    lines: list[str] = field(default_factory=list)

    def line(self, text: str) -> str:
        self.lines.append(text)
        return text

    @property
    def guests(self) -> tuple[Guest, ...]:
        return self.vera, self.willem, self.xenia

    async def talk(self, desk: Desk, guest: Guest, about: str) -> None:
        """One line each way, seen on both screens; `desk` has the conversation open."""
        asked = self.line(f"{guest.name}, {about}")
        answer = self.line(f"{desk.name} to {guest.name}, {about}")
        await guest.widget.ask(asked)
        await desk.sees(asked)
        await desk.say(answer)
        await guest.widget.sees(answer)


@asynccontextmanager
async def curtain(browser: Browser, rig: Rig) -> AsyncIterator[Play]:
    async with AsyncExitStack() as stack:
        desks = [
            await stack.enter_async_context(at_desk(browser, rig, name))
            for name in ("Ann Keller", "Bob Lindgren")
        ]
        shop = await stack.enter_async_context(a_shop(rig.gateway))
        guests = []
        for name in ("Vera", "Willem", "Xenia"):
            context = await browser.new_context(locale="en-GB")
            stack.push_async_callback(context.close)
            guests.append(Guest(name, await open_widget(await context.new_page(), shop)))
        yield Play(rig, desks[0], desks[1], *guests)
        assert [guest.widget.errors for guest in guests] == [[], [], []]


async def test_whatever_happens_every_screen_shows_the_log(browser: Browser, hasty: Rig) -> None:
    async with curtain(browser, hasty) as play:
        await asyncio.gather(*(guest.arrive() for guest in play.guests))
        first, second = await both_want_vera(play)
        await everybody_is_served(play, first, second)
        await vera_changes_hands_and_xenia_goes_back_to_the_ai(play, first, second)
        await one_laptop_closes_while_the_others_login_ends(play, first, second)
        await it_dies_under_everybody(play, first, second, "gateway")
        await it_dies_under_everybody(play, first, second, "redis")
        await every_screen_is_the_log(play)


async def both_want_vera(play: Play) -> tuple[Desk, Desk]:
    """Who was faster, and who was not and is told by whom."""
    session = play.vera.session
    clicked = asyncio.Barrier(2)

    async def together(route: Route) -> None:
        await clicked.wait()
        await route.continue_()

    told = {}
    for desk, other in ((play.ann, play.bob), (play.bob, play.ann)):
        await desk.open(session)
        await desk.page.route(f"**/{session}/takeover", together, times=1)
        # the notice goes by itself after some seconds, so it is watched for from the beginning
        notice = desk.page.locator(".notice", has_text=f"{other.name} was faster")
        told[asyncio.ensure_future(notice.wait_for(timeout=PATIENCE_SECONDS * 1000))] = other, desk
    for desk in (play.ann, play.bob):
        # a click that waits for its call would wait for the other's click
        await desk.page.evaluate("document.querySelector('[data-test=takeover]').click()")
    done, waiting = await asyncio.wait(told, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    seen = done.pop()
    await seen
    first, second = told[seen]
    await second.stands(f"With {first.name}")
    await first.holds()
    return first, second


async def everybody_is_served(play: Play, first: Desk, second: Desk) -> None:
    await second.serve(play.willem.session)
    await asyncio.gather(
        play.talk(first, play.vera, "of the battery"),
        play.talk(second, play.willem, "of the brakes"),
    )
    await first.serve(play.xenia.session)
    await play.talk(first, play.xenia, "of the lights")


async def vera_changes_hands_and_xenia_goes_back_to_the_ai(
    play: Play, first: Desk, second: Desk
) -> None:
    await first.open(play.vera.session, "mine")
    await first.page.type("#reply", "half an answ")
    await first.transfer(to=second.agent_id)
    await first.page.click("[role=dialog] [data-test=confirm]")
    await first.stands(f"With {second.name}")
    await first.has_draft("half an answ")
    await second.open(play.vera.session, "mine")
    await play.talk(second, play.vera, "after the transfer")

    await first.open(play.xenia.session, "mine")
    await first.act("release")
    await first.stands("With the AI")
    await play.xenia.widget.frame.wait_for_selector(".card .stars")
    await play.xenia.widget.ask(play.line("Xenia asks the AI: how do I return it?"))
    await play.xenia.widget.frame.wait_for_selector(".chips")
    await play.xenia.call_a_person()


async def one_laptop_closes_while_the_others_login_ends(
    play: Play, first: Desk, second: Desk
) -> None:
    """Vera and Willem wait again, since `second` is gone; then each agent takes one."""
    await second.page.close()
    await first.serve(play.xenia.session)
    await first.page.type("#reply", "typed as it en")
    await first.page.context.clear_cookies()
    await first.is_asked_to_log_in("everything you typed")
    await first.log_in()
    assert first.page.url.endswith(f"/agent/c/{play.xenia.session}")
    await first.has_draft("typed as it en")
    await first.holds()
    await first.page.press("#reply", "Enter")
    await play.xenia.widget.sees(play.line("typed as it en"))

    await asyncio.gather(play.vera.waits(), play.willem.waits())
    await first.serve(play.vera.session)
    await first.has_draft("half an answ")
    await first.page.fill("#reply", "")
    await second.reopen(f"{play.rig.gateway}/agent/c/{play.willem.session}")
    await second.take()
    await second.holds()


async def it_dies_under_everybody(play: Play, first: Desk, second: Desk, what: str) -> None:
    """`first` is with Vera, `second` with Willem, and Xenia talks into the void too."""
    await play.rig.kill(what)
    for number in (1, 2):
        for desk in (first, second):
            await desk.say(play.line(f"{desk.name}, without {what}, {number}"))
        for guest in play.guests:
            await guest.widget.ask(play.line(f"{guest.name}, without {what}, {number}"))
    for desk in (first, second):
        await desk.has_unsent(2)
    await play.rig.restart(what)
    for desk in (first, second):
        await desk.is_live()
        await desk.has_unsent(0)
    for guest in play.guests:
        await guest.widget.has_unsent(0)


async def every_screen_is_the_log(play: Play) -> None:
    admin = await play.rig.admin()
    said: Counter[str] = Counter()
    for guest in play.guests:
        said.update(m["content"] for m in await admin.messages(guest.session))
    assert {line: said[line] for line in play.lines} == dict.fromkeys(play.lines, 1)
    for guest in play.guests:
        holder = (await admin.state(guest.session))["assigned_agent"]["name"]
        await guest.widget.is_with(holder)
        await guest.widget.is_whole(play.rig)
        for desk in (play.ann, play.bob):
            await desk.open(guest.session, "all")
            await desk.stands("With you" if desk.name == holder else f"With {holder}")
            await is_whole(desk, await play.rig.admin(), guest.session)
