# ruff: noqa: T201, S101 - a script that prints its figures
"""Frame times and input latency of the workbench under load, run by hand: `python -m measure`.

1,000 waiting sessions, 50 events a second into the queue while an agent types; then a conversation
of 10,000 messages, loaded upwards and scrolled. Figures are this machine's, in headless Chromium
without a GPU; print them beside the number of cores.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from dev.actors import Visitor
from dev.rig import Rig, running_rig
from dev.rig.rig import PASSWORD

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
SESSIONS = int(os.environ.get("SESSIONS", "1000"))
MESSAGES = int(os.environ.get("MESSAGES", "10000"))
EVENTS_A_SECOND = 50
WATCH = """() => {
  window.frames_ = []; window.inputs_ = []
  let last = performance.now()
  const step = now => { window.frames_.push(now - last); last = now; requestAnimationFrame(step) }
  requestAnimationFrame(step)
  new PerformanceObserver(list => window.inputs_.push(...list.getEntries()
    .filter(e => e.name === 'keydown' || e.name === 'keyup').map(e => e.duration))
  ).observe({type: 'event', durationThreshold: 16, buffered: false})
}"""
RESET = "() => { window.frames_.length = 0; window.inputs_.length = 0 }"


def told(title: str, values: list[float]) -> None:
    if not values:
        print(f"{title}: nothing above the threshold of 16 ms")
        return
    ordered = sorted(values)
    at = lambda share: ordered[min(len(ordered) - 1, int(len(ordered) * share))]  # noqa: E731
    print(
        f"{title}: n {len(values)}, p50 {at(0.5):.0f} ms, p95 {at(0.95):.0f} ms, "
        f"p99 {at(0.99):.0f} ms, max {ordered[-1]:.0f} ms"
    )


async def waiting(rig: Rig, gate: asyncio.Semaphore) -> Visitor:
    async with gate:
        visitor = rig.visitor()
        await visitor.new()
        assert (await visitor.escalate()).status == 200
        return visitor


async def chatter(visitors: list[Visitor], stop: asyncio.Event) -> int:
    """Fifty visitors a second say something; each is one event in the queue."""
    said, began = 0, time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(max(0.0, began + said / EVENTS_A_SECOND - time.perf_counter()))
        answer = await visitors[said % len(visitors)].say(f"message {said}")
        said += answer.status == 200
    return said


async def fill(visitor: Visitor, count: int) -> None:
    for number in range(count):
        long = " and more of it" * (number % 9)
        await visitor.say(f"Message {number} of a long story{long}")


async def log_in(page: Page, rig: Rig, username: str) -> None:
    await page.goto(f"{rig.gateway}/agent/")
    await page.fill("input[name=username]", username)
    await page.fill("input[name=password]", PASSWORD)
    began = time.perf_counter()
    await page.click("button[type=submit]")
    await expect(page.locator("[data-test=list-waiting] .count")).to_have_text(str(SESSIONS))
    print(f"login to {SESSIONS} sessions listed: {(time.perf_counter() - began) * 1000:.0f} ms")


async def under_load(page: Page, visitors: list[Visitor]) -> None:
    await page.click("a.session >> nth=3")
    await page.wait_for_selector("#reply")
    await page.evaluate(WATCH)
    stop = asyncio.Event()
    noise = asyncio.create_task(chatter(visitors[20:], stop))
    await asyncio.sleep(2)
    await page.evaluate(RESET)
    began = time.perf_counter()
    await page.focus("#reply")
    await page.keyboard.type("The quick brown fox jumps over the lazy dog. " * 3, delay=60)
    took = time.perf_counter() - began
    stop.set()
    said = await noise
    rows = await page.locator("a.session").count()
    print(f"{said / (took + 2):.0f} events a second, {rows} rows drawn")
    told("  frames while typing", await page.evaluate("window.frames_"))
    told("  keys slower than 16 ms, of 270", await page.evaluate("window.inputs_"))


async def long_story(page: Page, visitor: Visitor) -> None:
    await page.fill("#queue-search", str(visitor.name))
    began = time.perf_counter()
    await page.click(f"[data-session={visitor.name}]")
    await page.wait_for_selector(".log [data-id]")
    print(f"open a conversation of {MESSAGES}: {(time.perf_counter() - began) * 1000:.0f} ms")
    began = time.perf_counter()
    start = page.get_by_text("The conversation begins here")
    async with asyncio.timeout(120):
        while not await start.count():
            await page.evaluate("document.querySelector('.log').scrollTo(0, 0)")
            await page.wait_for_timeout(5)
    print(f"all {MESSAGES} loaded upwards in {time.perf_counter() - began:.1f} s")
    await page.evaluate(RESET)
    await page.evaluate("""async () => {
      const log = document.querySelector('.log')
      for (let i = 0; i < 240; i += 1) {
        log.scrollBy(0, 700)
        await new Promise(requestAnimationFrame)
      }
    }""")
    told("  frames while scrolling 168,000 px", await page.evaluate("window.frames_"))
    print(f"  rows drawn: {await page.locator('.log .row').count()}")
    memory = await page.evaluate("performance.memory.usedJSHeapSize / 1e6")
    print(f"  heap: {memory:.0f} MB")


async def main() -> None:
    print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()}))
    with tempfile.TemporaryDirectory() as folder:
        async with running_rig(Path(folder)) as rig, async_playwright() as playwright:
            username = "measured"
            body = {"username": username, "password": PASSWORD, "name": "Me", "max_sessions": 9}
            await (await rig.admin()).post("/api/agents", body)
            gate = asyncio.Semaphore(8)
            visitors = await asyncio.gather(*(waiting(rig, gate) for _ in range(SESSIONS)))
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=ARGS
            )
            page = await browser.new_page(locale="en-GB", viewport={"width": 1440, "height": 900})
            await log_in(page, rig, username)
            await under_load(page, visitors)
            await fill(visitors[0], MESSAGES)
            await long_story(page, visitors[0])
            await browser.close()
            print(json.dumps({"load": os.getloadavg()}))


if __name__ == "__main__":
    asyncio.run(main())
