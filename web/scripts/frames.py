"""Frame times of the chat window: a conversation of 10,000 messages scrolls, a long answer streams.

    PATH=$PWD/.venv/bin:$PATH python -m web.scripts.frames

Scrolling stands beside that of a page of plain paragraphs, moved the same way in the same run: what
this machine can do at best.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Frame, Page, async_playwright

from dev.actors import Agent, Visitor
from dev.rig import Rig, running_rig
from dev.simulator.answers import pieces
from dev.simulator.topics import TOPICS
from web.scripts.tracing import Trace, traced

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
MESSAGES = int(os.environ.get("MESSAGES", "10000"))
BLOCK = 500
# Lists, tables and bold words, in some 350 deltas.
LONG_ANSWER = pieces("\n\n".join(topic.answer.en for topic in TOPICS))
QUESTIONS = ("How far does the battery go?", "Do you ship to France?", "What is the warranty?")
# What it is, the context's options, by how much the CPU is slowed down.
DEVICES: dict[str, tuple[dict[str, Any], int]] = {
    "desktop": ({"viewport": {"width": 1280, "height": 800}}, 1),
    "phone": ({"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}, 4),
}
# Pixels a second, and how many.
SCROLLS = {"slow scroll": (800, 4_000), "fling": (6_000, 30_000)}
DELTAS_APART = {"stream, 5 ms apart": 0.005, "stream, 20 ms apart": 0.02}
HOST = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>A shop</title><h1>A shop</h1>"""
PLAIN = (
    HOST
    + """<style>p{{margin:0;padding:10px 20px;font:15px/1.5 system-ui}}</style>
<div class="list" style="position:fixed;right:0;bottom:0;width:{width}px;height:{height}px;overflow:auto;background:#fff">
{rows}</div>"""
)
TO_MIDDLE = "() => { const l = document.querySelector('.list'); l.scrollTop = l.scrollHeight / 2 }"
TO_END = "() => { const l = document.querySelector('.list'); l.scrollTop = l.scrollHeight }"
LOAD = """async count => {
  const list = document.querySelector('.list')
  const loaded = () => Number(list.querySelector('[aria-setsize]').getAttribute('aria-setsize'))
  const began = performance.now()
  while (loaded() < count) {
    list.scrollTop = 0
    await new Promise(requestAnimationFrame)
  }
  return performance.now() - began
}"""


@dataclass
class Conversation:
    """A visitor's long conversation."""

    gateway: str
    name: str
    token: str
    tell: Callable[[str, dict[str, Any]], Awaitable[None]]

    async def script(self, apart: float) -> None:
        """The next answer is long, its deltas so many seconds apart."""
        await self.tell("/sim/answers", {"answers": [{"deltas": LONG_ANSWER}], "session_name": self.name})
        await self.tell("/sim/faults", {"fault": "slow_drip", "arg": apart, "session_name": self.name})

    def storage(self) -> Any:
        kept = json.dumps({"sessionName": self.name, "token": self.token})
        items = [{"name": "fiido-kefu:default", "value": kept}]
        return {"cookies": [], "origins": [{"origin": self.gateway, "localStorage": items}]}


async def fill(visitor: Visitor, agent: Agent, count: int) -> None:
    """Blocks of answers by the AI, then a talk with a person, until so many messages are said."""
    name = str(visitor.name)
    for block in range(0, count, BLOCK):
        for number in range(BLOCK // 20):
            await visitor.chat(QUESTIONS[number % len(QUESTIONS)])
        await visitor.escalate()
        await agent.takeover(name)
        for number in range(block, block + BLOCK * 9 // 10, 10):
            async with asyncio.TaskGroup() as group:
                for at in range(number, number + 10, 2):
                    group.create_task(visitor.say(f"Message {at} of a long story" + " and more of it" * (at % 9)))
                    group.create_task(agent.say(name, f"Answer {at}" + " with all that belongs to it" * (at % 7)))
        await agent.release(name)


async def converse(rig: Rig) -> Conversation:
    visitor = rig.visitor()
    await visitor.new()
    await fill(visitor, await rig.agent(), MESSAGES)

    async def tell(path: str, body: dict[str, Any]) -> None:
        await rig.simulator("POST", path, body)

    return Conversation(rig.gateway, str(visitor.name), visitor.headers["X-Visitor-Token"], tell)


@dataclass
class Stage:
    """One page on one device, and its list's place on the screen."""

    browser: Browser
    page: Page
    frame: Frame
    slower: int

    async def throttle(self) -> None:
        cdp = await self.page.context.new_cdp_session(self.page)
        await cdp.send("Emulation.setCPUThrottlingRate", {"rate": self.slower})

    async def scroll(self, speed: int, pixels: int) -> Trace:
        box = await (await self.frame.wait_for_selector(".list")).bounding_box()  # type: ignore[union-attr]
        assert box
        cdp = await self.page.context.new_cdp_session(self.page)
        gesture = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "speed": speed}
        await self.frame.evaluate(TO_MIDDLE)
        await self.page.wait_for_timeout(500)
        async with traced(self.browser, self.page) as trace:
            await cdp.send(
                "Input.synthesizeScrollGesture", {**gesture, "yDistance": pixels, "gestureSourceType": "mouse"}
            )
        return trace


async def floor(browser: Browser, device: str) -> dict[str, Trace]:
    """Plain paragraphs, scrolled as the window is."""
    options, slower = DEVICES[device]
    page = await (await browser.new_context(**options)).new_page()
    width, height = (390, 844) if device == "phone" else (408, 704)
    rows = "".join(f"<p>Message {n} of a long story{' and more of it' * (n % 9)}</p>" for n in range(2000))
    await page.set_content(PLAIN.format(width=width, height=height, rows=rows))
    stage = Stage(browser, page, page.main_frame, slower)
    await stage.throttle()
    found = {name: await stage.scroll(*how) for name, how in SCROLLS.items()}
    await page.context.close()
    return found


async def opened(browser: Browser, device: str, shop: str, talk: Conversation) -> Stage:
    options, slower = DEVICES[device]
    context = await browser.new_context(locale="en-GB", storage_state=talk.storage(), **options)
    page = await context.new_page()
    await page.goto(shop)
    handle = await page.wait_for_selector("[data-fiido-kefu] iframe")
    frame = await handle.content_frame() if handle else None
    assert frame
    await frame.wait_for_selector(".list .row")
    stage = Stage(browser, page, frame, slower)
    await stage.throttle()
    return stage


async def answer(stage: Stage, talk: Conversation, apart: float) -> Trace:
    """From the visitor's question to the last word of a long answer."""
    await talk.script(apart)
    await stage.frame.evaluate(TO_END)
    await stage.frame.fill(".composer textarea", "Tell me everything you know")
    async with traced(stage.browser, stage.page) as trace:
        await stage.frame.press(".composer textarea", "Enter")
        await stage.frame.wait_for_selector(".growing")
        await stage.frame.wait_for_selector(".growing", state="detached")
    return trace


async def window(browser: Browser, device: str, shop: str, talk: Conversation) -> None:
    plain = await floor(browser, device)
    stage = await opened(browser, device, shop, talk)
    say = lambda what, trace: print(f"{device:8} {what:20} {trace}", flush=True)  # noqa: E731
    took = await stage.frame.evaluate(LOAD, 1000)
    print(f"{device:8} 1,000 messages loaded in {took:.0f} ms")
    async with traced(browser, stage.page) as trace:
        took = await stage.frame.evaluate(LOAD, MESSAGES)
    print(f"{device:8} the rest of {MESSAGES:,} in {took:.0f} ms")
    say("history loads", trace)
    for name, how in SCROLLS.items():
        say("plain " + name, plain[name])
        say(name, await stage.scroll(*how))
    for name, apart in DELTAS_APART.items():
        say(name, await answer(stage, talk, apart))
    await stage.page.context.close()


async def serve_shop(gateway: str) -> tuple[web.AppRunner, str]:
    """A plain page of another origin, whose one line opens the chat."""
    config = "<script>window.FiidoKefuConfig = { open: true }</script>"
    line = f'<script async src="{gateway}/sdk/fiido-kefu.js" data-shop="default"></script>'

    async def page(_request: web.Request) -> web.Response:
        return web.Response(content_type="text/html", text=HOST + config + line)

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def measure(talk: Conversation) -> None:
    runner, shop = await serve_shop(talk.gateway)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        for device in DEVICES:
            await window(browser, device, shop, talk)
        await browser.close()
    await runner.cleanup()


async def main() -> None:
    print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()}))
    with tempfile.TemporaryDirectory() as folder:
        async with running_rig(Path(folder), env={"SIM_PACE_MS": "0"}) as rig:
            await measure(await converse(rig))


if __name__ == "__main__":
    asyncio.run(main())
