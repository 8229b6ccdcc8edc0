# ruff: noqa: E402 - the product is found beside this folder
"""Every view of the workbench, in both languages and looks, into docs/images; run by hand.

A running product of its own, visitors and agents with a story each, and a real browser.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from dev.actors import Agent, Visitor
from dev.rig import Rig, running_rig
from dev.rig.rig import ADMIN, ADMIN_PASSWORD, PASSWORD

IMAGES = ROOT / "docs/images"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
DESKTOP, PHONE = (1440, 900), (390, 844)
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


async def open_page(
    browser: Browser, rig: Rig, *, size: tuple[int, int], theme: str = "light", zh: bool = False
) -> Page:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN" if zh else "en-GB",
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await page.goto(f"{rig.gateway}/agent/")
    await page.wait_for_selector("input[name=username]")
    return page


async def log_in(page: Page, username: str = "mia", password: str = PASSWORD) -> None:
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", password)
    await page.click("button[type=submit]")
    await expect(page.locator("[data-line=live]")).to_be_attached()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)


async def shoot(page: Page, name: str) -> None:
    await page.wait_for_timeout(700)
    await page.screenshot(path=IMAGES / f"workbench-{name}.png")


async def desk(page: Page, mine: str, name: str) -> None:
    await page.click(f"[data-test=list-{'all' if name.startswith('phone') else 'waiting'}]")
    await shoot(page, f"{name}-queue")
    await page.click("[data-test=list-mine]")
    await page.click(f"[data-session={mine}]")
    await page.wait_for_selector(".message.me")
    if not name.startswith("phone"):
        await page.click("[data-test=list-waiting]")
    await shoot(page, f"{name}-conversation")


async def dialogs(page: Page, name: str) -> None:
    await page.click("[data-test=act-transfer]")
    await page.wait_for_selector("[role=dialog] label.one")
    await shoot(page, f"{name}-transfer")
    await page.keyboard.press("Escape")
    await page.press("#reply", "Escape")
    await page.keyboard.press("?")
    await page.wait_for_selector("[role=dialog] kbd")
    await shoot(page, f"{name}-keys")
    await page.keyboard.press("Escape")


async def figures(page: Page, name: str) -> None:
    await page.click("a[href='/agent/numbers']")
    await page.wait_for_selector(".tiles")
    await page.wait_for_timeout(11_000)
    await shoot(page, f"{name}-figures")


async def every_view(browser: Browser, rig: Rig, mine: str) -> None:
    for theme, zh in (("light", False), ("dark", True), ("light", True), ("dark", False)):
        tongue = "zh" if zh else "en"
        page = await open_page(browser, rig, size=DESKTOP, theme=theme, zh=zh)
        if theme == "light":
            await shoot(page, f"{tongue}-login")
        await log_in(page)
        await desk(page, mine, f"{tongue}-{theme}")
        if (theme, zh) in (("light", False), ("dark", True)):
            await dialogs(page, f"{tongue}-{theme}")
            await figures(page, f"{tongue}-{theme}")
        await page.context.close()
    for theme, zh in (("light", False), ("dark", True)):
        tongue = "zh" if zh else "en"
        page = await open_page(browser, rig, size=PHONE, theme=theme, zh=zh)
        await log_in(page)
        await desk(page, mine, f"phone-{tongue}-{theme}")
        await page.click(".back")
        await figures(page, f"phone-{tongue}-{theme}")
        await page.context.close()
    page = await open_page(browser, rig, size=DESKTOP)
    await log_in(page, ADMIN, ADMIN_PASSWORD)
    await page.click("a[href='/agent/people']")
    await page.wait_for_selector("table")
    await shoot(page, "en-light-team")
    await page.click("a[href='/agent/me']")
    await shoot(page, "en-light-me")


async def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with running_rig(Path(folder)) as rig, async_playwright() as playwright:
            people = await staff(rig)
            await a_day(rig, people)
            waiting = [await visit(rig, guest) for guest in GUESTS]
            mine, story = str(waiting[5].name), people["mia"]
            await story.takeover(mine)
            await story.say(mine, "Hello Emma, I am Mia. I am sorry about that scratch.")
            await waiting[5].say("Thanks! It is on the left side, about 4 cm long.")
            await story.say(mine, "Could you send your order number? I will have a new frame sent.")
            await people["lukas"].takeover(str(waiting[1].name))
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=ARGS
            )
            # everybody else stays at their desks meanwhile
            seats = [await open_page(browser, rig, size=DESKTOP) for _ in range(2)]
            for seat, username in zip(seats, ("lukas", "nora"), strict=True):
                await log_in(seat, username)
            await every_view(browser, rig, mine)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
