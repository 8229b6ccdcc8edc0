# ruff: noqa: E402 - the product is found beside this folder
"""Every view of the workbench in both languages, looks and sizes, into docs/images/workbench.

    python web/workbench/screenshots.py [FOLDER [png]]

Run by hand: a running product of its own, visitors and agents with a story each, a real browser.
`ONLY=zh-phone,en-desktop-dark` makes but those whose names begin so.
"""

import asyncio
import base64
import itertools
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from dev.actors import Agent, Visitor
from dev.rig import Rig, running_rig
from dev.rig.rig import ADMIN, ADMIN_PASSWORD, PASSWORD

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images/workbench"
KIND = sys.argv[2] if len(sys.argv) > 2 else "webp"
ONLY = tuple(os.environ.get("ONLY", "").split(","))
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 1.5,
        "has_touch": True,
        "is_mobile": True,
    },
}
BUILT = {"WEB_DIR": os.environ.get("WEB_DIR", "web/dist")}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
TEAM = (("mia", "Mia Chen", "agent", 6), ("lukas", "Lukas Brandt", "agent", 5))
MORE = (("nora", "Nora Evans", "supervisor", 8), ("kai", "Kai Tan", "guest", 1))
GUESTS = (
    ("Jonas Weber", "de", "DE", "How far does the battery go?", "Mein D11 zeigt Fehler 21."),
    ("Léa Martin", "fr", "FR", "How long does delivery take?", "Où est ma commande 48213 ?"),
    ("王小明", "zh", "CN", "电池续航多少公里？", "我的 Titan 充不满电，充到八成就停了"),
    ("Sofia Rossi", "it", "IT", "How do I return it?", "Vorrei cambiare il colore."),
    ("Pieter de Vries", "nl", "NL", "How long does delivery take?", "Can I pick it up in Utrecht?"),
    ("Emma Clarke", "en", "GB", "How do I return it?", "It arrived with a scratched frame."),
    ("Marta Nowak", "pl", "PL", "How far does the battery go?", "Potrzebuję faktury VAT."),
)


async def visit(rig: Rig, guest: tuple[str, ...], *, waits: bool = True) -> Visitor:
    name, language, country, question, trouble = guest
    visitor = rig.visitor()
    await visitor.new()
    profile = {"nickname": name, "language": language, "country": country, "currency": "EUR"}
    await visitor.post(f"/api/sessions/{visitor.name}/identify", {"profile": profile})
    await visitor.chat(question, language=language)
    if waits:
        await visitor.escalate(message=trouble)
    return visitor


async def staff(rig: Rig) -> dict[str, Agent]:
    admin = await rig.admin()
    people = {}
    for username, name, role, most in TEAM + MORE:
        body = {"username": username, "password": PASSWORD, "name": name}
        await admin.post("/api/agents", {**body, "role": role, "max_sessions": most})
        people[username] = await Agent(rig.gateway, rig.http).login(username, PASSWORD)
        if role != "guest":
            await people[username].call("PUT", "/api/agent/status", body={"status": "online"})
    return people


async def a_day(rig: Rig, people: dict[str, Agent]) -> None:
    """What the figures of the day are made of."""
    for number in range(16):
        visitor = await visit(rig, GUESTS[number % len(GUESTS)], waits=number % 4 != 3)
        agent = people[("mia", "lukas", "lukas", "nora")[number % 4]]
        if number % 4 == 3:
            continue
        await agent.takeover(str(visitor.name))
        for _ in range(1 + number % 4):
            await agent.say(str(visitor.name), "I have looked it up for you.")
        await agent.post(f"/api/sessions/{visitor.name}/{('release', 'close')[number % 2]}")
        await visitor.post(f"/api/sessions/{visitor.name}/rating", {"score": 5 - number % 2})


@dataclass(frozen=True)
class Look:
    """One language on one device in one light."""

    language: str
    device: str
    theme: str

    @property
    def name(self) -> str:
        return f"{self.language}-{self.device}-{self.theme}"

    @property
    def is_phone(self) -> bool:
        return self.device == "phone"

    async def open(self, browser: Browser, rig: Rig) -> Page:
        context = await browser.new_context(
            **DEVICES[self.device],
            locale=LOCALES[self.language],
            color_scheme="dark" if self.theme == "dark" else "light",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        page = await context.new_page()
        await page.goto(f"{rig.gateway}/agent/")
        await page.wait_for_selector("input[name=username]")
        return page

    async def shoot(self, page: Page, view: str) -> None:
        """As webp, which the page's own debugger makes; playwright does not."""
        await page.evaluate("document.fonts.ready")
        await page.wait_for_timeout(400)  # hover and focus have faded
        debugger = await page.context.new_cdp_session(page)
        wish = {"format": KIND, "optimizeForSpeed": False} | (
            {"quality": 70} if KIND != "png" else {}
        )
        shot = await debugger.send("Page.captureScreenshot", wish)
        path = FOLDER / f"{self.name}-{view}.{KIND}"
        path.write_bytes(base64.b64decode(shot["data"]))
        await debugger.detach()


async def log_in(page: Page, username: str = "mia", password: str = PASSWORD) -> None:
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", password)
    await page.click("button[type=submit]")
    await expect(page.locator(".strip")).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)


async def desk(look: Look, page: Page, *, mine: str, waits: str) -> None:
    await page.click("[data-test=list-waiting]")
    await page.wait_for_selector("a.session")
    await look.shoot(page, "queue")
    await page.click(f"[data-session={waits}]")
    await page.wait_for_selector("[data-test=takeover]")
    await page.wait_for_selector(".message")
    await look.shoot(page, "takeover")
    await back(look, page)
    await page.click("[data-test=list-mine]")
    await page.click(f"[data-session={mine}]")
    await page.wait_for_selector(".message.me")
    await look.shoot(page, "conversation")


async def back(look: Look, page: Page) -> None:
    if look.is_phone:
        await page.click(".back")


async def act(look: Look, page: Page, name: str) -> None:
    if look.is_phone:
        await page.click(".tight")
        await page.click(f"[role=menuitem][data-act={name}]")
    else:
        await page.click(f"[data-test=act-{name}]")


async def dialogs(look: Look, page: Page) -> None:
    await act(look, page, "transfer")
    await page.wait_for_selector("[role=dialog] label.one")
    await look.shoot(page, "transfer")
    await page.keyboard.press("Escape")
    await act(look, page, "release")
    await page.click("[role=dialog] .offer")
    await look.shoot(page, "release")
    await page.keyboard.press("Escape")
    await expect(page.locator("[role=dialog]")).to_have_count(0)
    if look.is_phone:
        await page.click("[data-test=details]")
        await page.wait_for_selector(".details")
        await look.shoot(page, "details")
        await page.click(".details .close")
        return
    await page.locator("#reply").blur()
    await page.keyboard.press("?")
    await page.wait_for_selector("[role=dialog] kbd")
    await look.shoot(page, "keys")
    await page.keyboard.press("Escape")


async def pages(look: Look, page: Page) -> None:
    await back(look, page)
    await page.click("a[href='/agent/numbers']")
    await expect(page.locator(".soon")).to_have_count(0, timeout=15_000)
    await look.shoot(page, "figures")
    await page.click("a[href='/agent/me']")
    await page.wait_for_selector("input[name=name]")
    await look.shoot(page, "me")


async def no_line(look: Look, page: Page) -> None:
    await page.click("a[href='/agent/']")
    await page.wait_for_selector("a.session")
    await page.context.set_offline(offline=True)
    await page.wait_for_selector(".banner")
    await look.shoot(page, "offline")
    await page.context.set_offline(offline=False)


async def team(look: Look, page: Page) -> None:
    await page.click("a[href='/agent/people']")
    await page.wait_for_selector("[data-username=mia]")
    await look.shoot(page, "team")
    await page.click("[data-username=mia] .icon-button >> nth=0")
    await page.wait_for_selector("[role=dialog]")
    await look.shoot(page, "account")


async def every_view(look: Look, browser: Browser, rig: Rig, *, mine: str, waits: str) -> None:
    page = await look.open(browser, rig)
    await look.shoot(page, "login")
    await log_in(page)
    await desk(look, page, mine=mine, waits=waits)
    await dialogs(look, page)
    await pages(look, page)
    await no_line(look, page)
    await page.context.close()
    page = await look.open(browser, rig)
    await log_in(page, ADMIN, ADMIN_PASSWORD)
    await team(look, page)
    await page.context.close()
    page = await look.open(browser, rig)
    await log_in(page, "kai")
    await page.wait_for_selector("a.session")
    await look.shoot(page, "guest")
    await page.context.close()


async def a_story(rig: Rig, people: dict[str, Agent]) -> tuple[str, str]:
    """Emma is with Mia and has been with Lukas; Xiaoming has waited longest."""
    waiting = [await visit(rig, guest) for guest in GUESTS]
    emma, mia, lukas = waiting[5], people["mia"], people["lukas"]
    mine = str(emma.name)
    await lukas.takeover(mine)
    handed = {"to_agent_id": mia.id, "reason": "Knows about frames"}
    await lukas.post(f"/api/sessions/{mine}/transfer", handed)
    await mia.say(mine, "Hello Emma, I am Mia. I am sorry about that scratch.")
    await emma.say("Thanks! It is on the left side, about 4 cm long.")
    await mia.say(mine, "Could you send your order number? I will have a new frame sent.")
    await lukas.takeover(str(waiting[1].name))
    return mine, str(waiting[2].name)


async def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    looks = [Look(*one) for one in itertools.product(LOCALES, DEVICES, ("light", "dark"))]
    with tempfile.TemporaryDirectory() as folder:
        async with running_rig(Path(folder), env=BUILT) as rig, async_playwright() as playwright:
            people = await staff(rig)
            await a_day(rig, people)
            mine, waits = await a_story(rig, people)
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=ARGS
            )
            # everybody else stays at their desks meanwhile
            for username in ("lukas", "nora"):
                await log_in(await looks[0].open(browser, rig), username)
            for look in looks:
                if look.name.startswith(ONLY):
                    await every_view(look, browser, rig, mine=mine, waits=waits)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
