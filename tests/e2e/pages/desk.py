"""The workbench as an agent uses it, and the visitors who come to it as scripts."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from common.testing.waiting import PATIENCE_SECONDS
from playwright.async_api import Browser, Locator, Page, expect

from dev.actors import Agent, Visitor
from dev.rig import Rig
from dev.rig.rig import PASSWORD, eventually

from .cable import Cable
from .screen import agree, rows

# Two cores are shared by a whole product, its tests and a browser.
expect.set_options(timeout=PATIENCE_SECONDS * 1000)
# By one window, and from the end to the top again.
TURN_ON = """box => { const end = box.scrollHeight - box.clientHeight
    box.scrollTop = box.scrollTop >= end - 2 ? 0 : box.scrollTop + box.clientHeight }"""


@dataclass
class Desk:
    """One agent at the workbench."""

    page: Page
    username: str
    agent_id: str
    name: str = ""
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listen()

    def _listen(self) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    # --- coming and going

    async def log_in(self, password: str = PASSWORD) -> None:
        await self.page.fill("input[name=username]", self.username)
        await self.page.fill("input[name=password]", password)
        await self.page.click("button[type=submit]")
        await self.is_live()

    async def reopen(self, url: str) -> None:
        """Another window of the same browser, which remembers who was logged in."""
        self.page = await self.page.context.new_page()
        self._listen()
        await self.page.goto(url)
        await self.is_live()

    async def is_live(self) -> None:
        await expect(self.page.locator("[data-line=live]")).to_be_visible()

    async def is_asked_to_log_in(self, why: str) -> None:
        await expect(self.page.locator(".greeting")).to_contain_text(why)

    async def leave(self) -> None:
        """Goes offline by the menu."""
        await self.page.get_by_role("button", name="Open menu").click()
        await self.page.get_by_role("menuitemradio", name="Offline").click()
        await expect(self.page.get_by_role("button", name=f"{self.name}, Offline")).to_be_visible()

    async def falls_asleep(self, cable: Cable) -> None:
        """The lid is closed: the page's time stands still, and its connections die unnoticed."""
        cable.pull()
        now = await self.page.evaluate("Date.now()")
        await self.page.clock.pause_at(now / 1000 + 1)

    async def wakes(self, cable: Cable, *, hours: int = 1) -> None:
        """The lid is opened: timers that were due fire once, and new connections work."""
        cable.plug()
        await self.page.clock.fast_forward(hours * 3_600_000)
        await self.page.clock.resume()

    # --- what is done with a conversation

    async def open(self, session: str, listed: str = "waiting") -> None:
        await self.page.click(f"[data-test=list-{listed}]")
        await (await self.finds(session)).click()
        await expect(self.page.locator(f"[data-session={session}][aria-current]")).to_be_visible()

    async def finds(self, session: str) -> Locator:
        """The conversation's row. The list is turned until it shows: only rows near the window are
        in the document, and others wait in the same shop."""
        row = self.page.locator(f"[data-session={session}]")

        async def shows() -> bool:
            if await row.is_visible():
                return True
            await self.page.locator("#queue-list").evaluate(TURN_ON)
            return False

        await eventually(shows)
        return row

    async def take(self) -> None:
        await self.page.click("[data-test=takeover]")

    async def serve(self, session: str) -> None:
        """Opens a waiting visitor and takes over."""
        await self.open(session)
        await self.take()
        await self.holds()

    async def say(self, text: str) -> None:
        await self.page.fill("#reply", text)
        await self.page.press("#reply", "Enter")

    async def act(self, act: str) -> None:
        await self.page.click(f"[data-test=act-{act}]")
        await self.page.click("[role=dialog] [data-test=confirm]")

    async def transfer(self, to: str) -> None:
        """Opens the dialog and chooses; the caller confirms."""
        await self.page.click("[data-test=act-transfer]")
        await self.page.check(f"[role=dialog] input[value='{to}']")

    # --- what stands on the screen

    async def stands(self, state: str | re.Pattern[str]) -> None:
        await expect(self.page.locator("[data-test=state]")).to_have_text(state)

    async def holds(self) -> None:
        await self.stands("With you")

    async def sees(self, text: str) -> None:
        await expect(self.page.locator(".log").get_by_text(text, exact=True)).to_have_count(1)

    async def told(self, text: str) -> None:
        await expect(self.page.locator(".notice", has_text=text)).to_be_visible()

    async def has_draft(self, text: str) -> None:
        await expect(self.page.locator("#reply")).to_have_value(text)

    async def has_unsent(self, count: int) -> None:
        unsent = self.page.locator("[data-phase]")
        try:
            await expect(unsent).to_have_count(count)
        except AssertionError:
            raise AssertionError(await unsent.all_inner_texts()) from None


async def new_person(rig: Rig, name: str, **more: Any) -> tuple[str, str]:
    admin = await rig.admin()
    username = f"{name.split(maxsplit=1)[0].lower()}-{secrets.token_hex(4)}"
    body = {"username": username, "password": PASSWORD, "name": name, "max_sessions": 20, **more}
    made = await admin.post("/api/agents", body)
    assert made.status == 201, made
    return username, made.body["data"]["id"]


@asynccontextmanager
async def at_desk(
    browser: Browser, rig: Rig, name: str, *, url: str = "", script: str = "", **more: Any
) -> AsyncIterator[Desk]:
    """A fresh account, logged in at its own browser; no script of the page may have failed.

    `url`: where it comes in, where not by the gateway's own door; `script`: runs in each page first.
    """
    username, agent_id = await new_person(rig, name)
    window = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **more}
    context = await browser.new_context(**window)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    await context.add_init_script(script or "undefined")
    desk = Desk(await context.new_page(), username, agent_id, name)
    await desk.page.goto(f"{url or rig.gateway}/agent/")
    await desk.log_in()
    yield desk
    await context.close()
    assert desk.errors == []


async def new_visitor(rig: Rig, nickname: str) -> Visitor:
    """Talks with the AI, and nobody else."""
    visitor = rig.visitor()
    await visitor.new()
    profile = {"nickname": nickname}
    await visitor.post(f"/api/sessions/{visitor.name}/identify", {"profile": profile})
    await visitor.chat("How far does the battery go?")
    return visitor


async def waiting_visitor(rig: Rig, nickname: str) -> Visitor:
    visitor = await new_visitor(rig, nickname)
    assert (await visitor.escalate()).status == 200
    return visitor


async def is_whole(
    desk: Desk, agent: Agent, session: str, *, seconds: float = PATIENCE_SECONDS
) -> None:
    """What stands on the screen is the log: nothing lost, nothing doubled, in order."""

    async def screen() -> list[str]:
        return [one["id"] for one in await rows(desk.page, ".log", "[data-id]")]

    async def log() -> list[str]:
        return [one["id"] for one in await agent.messages(session)]

    await agree(screen, log, seconds=seconds)
