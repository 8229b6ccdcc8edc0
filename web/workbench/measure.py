# ruff: noqa: T201, ASYNC240 - a script that prints its figures
"""How smooth the workbench is under load: frame times, input latency, long tasks; run by hand.

    SESSIONS=1000 MESSAGES=10000 python web/workbench/measure.py [FOLDER]

So many visitors wait, one conversation is so long, and 50 events a second come into the queue
meanwhile (nine of ten are words, every tenth somebody leaves the queue or joins it again). Each
figure stands beside the same on a page with nothing but a list and a text box: the floor of the
machine. A FOLDER keeps what was filled in (`FILL_ONLY=1` does no more), so that the next run
measures at once; `TRACE=1` leaves a trace of Chromium there for each part, at the price of some
time; `WEB_DIR` names another build than `web/dist`.
"""

import asyncio
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from dev.actors import Visitor
from dev.rig import Rig, running_rig
from dev.rig.rig import PASSWORD

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
SESSIONS = int(os.environ.get("SESSIONS", "1000"))
MESSAGES = int(os.environ.get("MESSAGES", "10000"))
EVENTS_A_SECOND = 50
USERNAME = "measured"
VIEW = {"width": 1440, "height": 900}
# Nobody gives up or goes home while we measure.
PATIENT = {"WAIT_TIMEOUT_SECONDS": "86400", "ABANDON_SECONDS": "86400"}
BUILT = {"WEB_DIR": os.environ.get("WEB_DIR", "web/dist")}
TEXT = "The quick brown fox jumps over the lazy dog. " * 3
# A frame that took more than one and a half turns of a 60 Hz screen.
LATE_MS = 25.0

# A key counts until the frame after it is painted: the task behind its animation frame.
PROBE = """(() => {
  let frames = [], keys = [], long = [], last = performance.now()
  const step = now => { frames.push(now - last); last = now; requestAnimationFrame(step) }
  requestAnimationFrame(step)
  const painted = new MessageChannel()
  const pressed = []
  painted.port1.onmessage = () => {
    while (pressed.length) keys.push(performance.now() - pressed.shift())
  }
  addEventListener('keydown', event => {
    requestAnimationFrame(() => { pressed.push(event.timeStamp); painted.port2.postMessage(0) })
  }, true)
  new PerformanceObserver(list => long.push(...list.getEntries().map(one => one.duration)))
    .observe({type: 'longtask'})
  window.probe = {
    begin() { frames = []; keys = []; long = [] },
    read: () => ({frames, keys, long}),
  }
})()"""
SCROLL = """async ([selector, pixels, milliseconds]) => {
  const box = document.querySelector(selector), began = performance.now()
  let by = pixels
  while (performance.now() - began < milliseconds) {
    const before = box.scrollTop
    box.scrollTop += by
    if (box.scrollTop === before) by = -by
    await new Promise(requestAnimationFrame)
  }
}"""
TRIVIAL = """<!doctype html><title>floor</title><textarea></textarea>
<div id="list" style="height:700px;overflow:auto"></div><script>
document.getElementById('list').innerHTML = Array.from({length: 1000},
  (_, at) => `<p style="height:70px;margin:0">Row ${at}</p>`).join('')</script>"""

Work = Callable[[], Awaitable[Any]]


def told(title: str, values: list[float], note: str = "") -> None:
    ordered = sorted(values) or [0.0]

    def at(share: float) -> str:
        return f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.0f}"

    print(
        f"| {title} | {len(values)} | {at(0.5)} | {at(0.95)} | {at(0.99)} "
        f"| {ordered[-1]:.0f} | {note} |",
        flush=True,
    )


@dataclass
class Meter:
    """Says what frames, keys and long tasks there were while something was done."""

    browser: Browser
    folder: Path

    async def frames(self, title: str, page: Page, work: Work) -> None:
        if os.environ.get("TRACE"):
            path = self.folder / f"trace-{title.replace(' ', '-')}.json"
            await self.browser.start_tracing(page=page, path=path)
        await page.evaluate("probe.begin()")
        await work()
        seen = await page.evaluate("probe.read()")
        if os.environ.get("TRACE"):
            await self.browser.stop_tracing()
        late = sum(one > LATE_MS for one in seen["frames"]) / len(seen["frames"])
        tasks = f"; long tasks {len(seen['long'])}, {sum(seen['long']):.0f} ms" * bool(seen["long"])
        told(f"frames, {title}", seen["frames"], f"late {late:.1%}{tasks}")
        if seen["keys"]:
            told(f"key to paint, {title}", seen["keys"])


@dataclass
class Crowd:
    """Who waits, and one whose story is long."""

    visitors: list[Visitor]
    story: Visitor

    async def chatter(self) -> None:
        """So many events a second, evenly, until cancelled."""
        began, pending = time.perf_counter(), set[asyncio.Task[Any]]()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number / EVENTS_A_SECOND - time.perf_counter()))
            task = asyncio.ensure_future(self._event(number))
            pending.add(task)
            task.add_done_callback(pending.discard)

    async def _event(self, number: int) -> None:
        visitor = self.visitors[number * 7 % len(self.visitors)]
        if number % 10 == 9:
            left = await visitor.post("/api/manual/cancel", {"session_name": visitor.name})
            if left.status != 200:
                await visitor.escalate()
        elif number % 10 == 4:
            await self.story.say(f"one more word, number {number}")
        else:
            await visitor.say(f"message {number}")


@asynccontextmanager
async def noise(crowd: Crowd) -> AsyncIterator[None]:
    task = asyncio.ensure_future(crowd.chatter())
    try:
        await asyncio.sleep(1)
        yield
    finally:
        task.cancel()


async def fill(rig: Rig, kept: Path) -> Crowd:
    """The crowd of an earlier run, or a new one."""
    if kept.exists():
        return await known(rig, json.loads(kept.read_text()))
    body = {"username": USERNAME, "password": PASSWORD, "name": "Mia Chen", "max_sessions": 9}
    await (await rig.admin()).post("/api/agents", body)
    gate = asyncio.Semaphore(8)

    async def wait(_number: int) -> Visitor:
        async with gate:
            visitor = rig.visitor()
            await visitor.new()
            await visitor.escalate()
            return visitor

    visitors = await asyncio.gather(*map(wait, range(SESSIONS)))
    for number in range(MESSAGES):
        await visitors[0].say(f"Message {number} of a long story{' and more of it' * (number % 9)}")
    kept.write_text(json.dumps([(one.name, one.headers) for one in visitors]))
    return Crowd(visitors[1:], visitors[0])


async def known(rig: Rig, saved: list[tuple[str, dict[str, str]]]) -> Crowd:
    visitors = [Visitor(rig.gateway, rig.http, headers, name) for name, headers in saved]
    for visitor in visitors:
        await visitor.escalate()
    return Crowd(visitors[1:], visitors[0])


async def typed(page: Page, selector: str) -> None:
    await page.focus(selector)
    await page.keyboard.type(TEXT, delay=60)


async def floor(meter: Meter) -> None:
    """What this machine makes of a page that does nothing."""
    page = await meter.browser.new_page(viewport=VIEW)
    await page.add_init_script(PROBE)
    await page.route(
        "http://floor.test/", lambda route: route.fulfill(body=TRIVIAL, content_type="text/html")
    )
    await page.goto("http://floor.test/")
    await asyncio.sleep(1)
    await meter.frames("a trivial page, typing", page, lambda: typed(page, "textarea"))
    await meter.frames(
        "a trivial page, scrolling", page, lambda: page.evaluate(SCROLL, ["#list", 40, 5000])
    )
    await page.close()


async def log_in(page: Page, rig: Rig) -> None:
    await page.goto(f"{rig.gateway}/agent/")
    await page.fill("input[name=username]", USERNAME)
    await page.fill("input[name=password]", PASSWORD)
    began = time.perf_counter()
    await page.click("button[type=submit]")
    await expect(page.locator("[data-test=list-waiting] .count")).to_have_text(str(SESSIONS))
    print(f"\nlogin to {SESSIONS} sessions listed: {(time.perf_counter() - began) * 1000:.0f} ms")


async def opened(page: Page, session: str) -> None:
    await page.fill("#queue-search", session)
    row = page.locator(f"[data-session={session}]")
    await expect(row).to_be_visible()
    await asyncio.sleep(1)
    took = await row.evaluate("""row => new Promise(done => {
      const began = performance.now()
      const look = () => document.querySelector('.log [data-id]')
        ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))
        : requestAnimationFrame(look)
      row.click()
      look()
    })""")
    print(f"open a conversation of {MESSAGES}: {took:.0f} ms")
    await page.fill("#queue-search", "")


async def to_the_top(page: Page) -> None:
    """Until every message is loaded and laid out."""
    took = await page.evaluate("""async () => {
      const log = document.querySelector('.log'), began = performance.now()
      while (!log.querySelector('.older')?.textContent.includes('begins here')) {
        log.scrollTop = 0
        await new Promise(requestAnimationFrame)
      }
      return (performance.now() - began) / 1000
    }""")
    print(f"{MESSAGES} messages loaded upwards: {took:.1f} s\n")


async def workbench(meter: Meter, rig: Rig, crowd: Crowd) -> None:
    page = await meter.browser.new_page(locale="en-GB", viewport=VIEW)
    await page.add_init_script(PROBE)
    await log_in(page, rig)
    await opened(page, str(crowd.story.name))
    async with noise(crowd):
        load = f"{EVENTS_A_SECOND} events a second"
        await meter.frames(load, page, lambda: asyncio.sleep(6))
        await meter.frames("typing an answer meanwhile", page, lambda: typed(page, "#reply"))
        await meter.frames(
            "scrolling the queue meanwhile",
            page,
            lambda: page.evaluate(SCROLL, ["#queue-list", 40, 6000]),
        )
        await to_the_top(page)
        await meter.frames(
            "scrolling all messages meanwhile",
            page,
            lambda: page.evaluate(SCROLL, [".log", 60, 8000]),
        )
        await meter.frames(
            "typing below all messages meanwhile", page, lambda: typed(page, "#reply")
        )
    rows = await page.locator("a.session").count(), await page.locator(".log .row").count()
    heap = await page.evaluate("performance.memory.usedJSHeapSize / 1e6")
    print(f"\nrows in the page: {rows[0]} of the queue, {rows[1]} of messages; heap {heap:.0f} MB")


async def main() -> None:
    kept = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as passing:
        folder = Path(kept or passing)
        folder.mkdir(parents=True, exist_ok=True)
        async with (
            running_rig(folder, env=PATIENT | BUILT) as rig,
            async_playwright() as playwright,
        ):
            crowd = await fill(rig, folder / "crowd.json")
            if os.environ.get("FILL_ONLY"):
                return
            print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()}))
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=ARGS
            )
            meter = Meter(browser, folder)
            print(f"\n| ms | n | p50 | p95 | p99 | max | |\n|{' --- |' * 7}")
            await floor(meter)
            await workbench(meter, rig, crowd)
            await browser.close()
            print(json.dumps({"load": os.getloadavg()}))


if __name__ == "__main__":
    asyncio.run(main())
