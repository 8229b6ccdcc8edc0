"""Photographs every state of the widget and the storefront on a running product, for the docs.

    python web/scripts/screenshots.py http://127.0.0.1:8000 ADMIN_PASSWORD docs/images
"""

import asyncio
import sys
from pathlib import Path

import httpx
from playwright.async_api import Browser, Frame, Page, async_playwright

ARGS = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking".split()
DEVICES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5,
              "has_touch": True, "is_mobile": True},
    "desktop": {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1},
}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
SAY = {
    "en": {"ask": "How far does the battery go?", "person": "Talk to a person", "agent": "Anna Berg",
           "hello": "Hello, I am Anna. I read what you asked: for 45 km each way I would take the "
                    "bigger battery.",
           "reply": "Thank you! Can I try it in Hamburg?", "transcript": "Send conversation by e-mail"},
    "zh": {"ask": "电池续航多少公里？", "person": "转人工", "agent": "林晓",
           "hello": "您好，我是林晓。看到您的问题了：单程 45 公里，建议选大电池。",
           "reply": "谢谢！上海可以试骑吗？", "transcript": "把对话发到邮箱"},
}


class Shop:
    """The product's API as its admin and agents use it."""

    def __init__(self, base: str, password: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=15)
        self.admin = self._login("admin", password)
        self.agents = {code: self._agent(words["agent"], code) for code, words in SAY.items()}

    def _login(self, name: str, password: str) -> dict[str, str]:
        answer = self.http.post("/api/agent/login", json={"username": name, "password": password})
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def _agent(self, name: str, code: str) -> dict[str, str]:
        body = {"username": f"photo-{code}", "password": "photograph 2026 x", "name": name,
                "role": "agent", "max_sessions": 50}
        self.http.post("/api/agents", json=body, headers=self.admin)
        who = self._login(body["username"], body["password"])
        self.http.put("/api/agent/status", json={"status": "online"}, headers=who)
        return who

    def act(self, code: str, path: str, body: dict | None = None) -> None:
        self.http.post(path, json=body or {}, headers=self.agents[code]).raise_for_status()

    def close_shop(self, closed: bool) -> None:
        days = [f"{year}-{month:02d}-{day:02d}" for year in (2026,) for month in (11, 12)
                for day in range(1, 31)] if closed else []
        self.http.put("/api/shift/config", json={"holidays": days}, headers=self.admin)


async def open_chat(page: Page, base: str) -> Frame:
    await page.goto(base)
    await page.click("[data-fiido-kefu] button.l")
    handle = await page.wait_for_selector("[data-fiido-kefu] iframe")
    frame = await handle.content_frame()
    await frame.wait_for_selector(".composer textarea")
    await page.wait_for_timeout(700)
    return frame


async def walk(browser: Browser, base: str, shop: Shop, out: Path, *, device: str, theme: str, code: str) -> None:
    words = SAY[code]
    context = await browser.new_context(locale=LOCALES[code], color_scheme=theme, **DEVICES[device])
    page = await context.new_page()

    async def shot(state: str) -> None:
        await page.wait_for_timeout(450)
        name = f"widget-{state}-{device}-{theme}-{code}.jpg"
        await page.screenshot(path=out / name, type="jpeg", quality=70)

    frame = await open_chat(page, base)
    composer = ".composer textarea"
    await shot("welcome")
    await frame.fill(composer, words["ask"])
    await frame.press(composer, "Enter")
    await frame.wait_for_selector(".growing .md")
    await page.wait_for_timeout(500)
    await shot("streaming")
    await frame.wait_for_selector(".chips")
    await shot("answer")
    await frame.click(".slim button")
    await frame.wait_for_selector("section.waiting")
    await page.wait_for_timeout(900)
    await shot("waiting")
    name = await frame.evaluate("JSON.parse(localStorage['fiido-kefu:default']).sessionName")
    shop.act(code, f"/api/sessions/{name}/takeover")
    await frame.wait_for_selector(".notice.strong")
    shop.act(code, "/api/manual/messages", {"session_name": name, "role": "agent", "content": words["hello"]})
    await frame.wait_for_selector(".row.agent")
    await frame.fill(composer, words["reply"])
    await frame.press(composer, "Enter")
    await page.wait_for_timeout(500)
    shop.act(code, f"/api/sessions/{name}/typing")
    await frame.wait_for_selector(".typing")
    await shot("person")
    await context.set_offline(True)
    await frame.fill(composer, words["ask"])
    await frame.press(composer, "Enter")
    await frame.wait_for_selector(".pale")
    await shot("offline")
    await context.set_offline(False)
    await frame.wait_for_selector(".pale", state="detached")
    shop.act(code, f"/api/sessions/{name}/release")
    await frame.wait_for_selector(".card")
    await frame.locator(".stars label").nth(4).click()
    await shot("rating")
    await frame.click(".window > header .tool")
    await frame.wait_for_selector(".sheet")
    await shot("settings")
    await frame.get_by_role("button", name=words["transcript"]).click()
    await frame.wait_for_selector(".sheet form")
    await shot("transcript")
    await context.close()


async def consent(browser: Browser, base: str, out: Path, *, device: str, theme: str, code: str) -> None:
    context = await browser.new_context(locale=LOCALES[code], color_scheme=theme, **DEVICES[device])
    page = await context.new_page()
    await page.goto(base)
    await page.wait_for_selector("[data-fiido-kefu] button.l")
    await page.evaluate("FiidoKefu.update({ consent: 'ask' })")
    await page.click("[data-fiido-kefu] button.l")
    frame = await (await page.wait_for_selector("[data-fiido-kefu] iframe")).content_frame()
    await frame.wait_for_selector(".consent")
    await page.wait_for_timeout(700)
    await page.screenshot(path=out / f"widget-consent-{device}-{theme}-{code}.jpg", type="jpeg", quality=70)
    await context.close()


async def after_hours(browser: Browser, base: str, out: Path, *, device: str, theme: str, code: str) -> None:
    context = await browser.new_context(locale=LOCALES[code], color_scheme=theme, **DEVICES[device])
    page = await context.new_page()
    frame = await open_chat(page, base)
    await frame.fill(".composer textarea", SAY[code]["person"])
    await frame.press(".composer textarea", "Enter")
    await frame.wait_for_selector(".away form")
    await frame.fill(".away textarea", SAY[code]["ask"])
    await page.wait_for_timeout(900)
    await page.screenshot(path=out / f"widget-afterhours-{device}-{theme}-{code}.jpg", type="jpeg", quality=70)
    await context.close()


async def storefront(browser: Browser, base: str, out: Path, *, device: str, code: str) -> None:
    context = await browser.new_context(locale=LOCALES[code], **DEVICES[device])
    page = await context.new_page()
    for name, path in (("home", "/"), ("options", "/#/options")):
        await page.goto(base + path)
        await page.wait_for_selector("[data-fiido-kefu]", state="attached")
        await page.wait_for_timeout(600)
        await page.screenshot(path=out / f"storefront-{name}-{device}-{code}.jpg", type="jpeg", quality=72)
    await context.close()


async def main(base: str, password: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    shop = Shop(base, password)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        everything = [(d, t, c) for d in DEVICES for t in ("light", "dark") for c in LOCALES]
        for device, theme, code in everything:
            await consent(browser, base, out, device=device, theme=theme, code=code)
            await walk(browser, base, shop, out, device=device, theme=theme, code=code)
        shop.close_shop(True)
        await asyncio.sleep(2)
        for device, theme, code in everything:
            await after_hours(browser, base, out, device=device, theme=theme, code=code)
        shop.close_shop(False)
        for device in DEVICES:
            for code in LOCALES:
                await storefront(browser, base, out, device=device, code=code)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
