"""What the one line costs a shop's page: main-thread time, layout shift.

    PATH=$PWD/.venv/bin:$PATH python -m web.scripts.loader 9

Medians of so many loads of a plain page with the line, less those of the same page without it: CPU
time, which other work on the machine does not stretch, times four for a phone. Beside it what an
empty script costs there, and one that makes a bare button: the page's own first use of the browser.
"""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from dev.rig import running_rig
from web.scripts.frames import ARGS
from web.scripts.lighthouse import serve
from web.scripts.tracing import Trace, traced

SLOWER = 4
WORK = ("v8.compile", "EvaluateScript", "FunctionCall", "UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize")
SHIFT = """() => new Promise(done => {
  let shift = 0
  new PerformanceObserver(list => list.getEntries().forEach(one => (shift += one.value)))
    .observe({ type: 'layout-shift', buffered: true })
  setTimeout(() => done(shift), 300)
})"""


async def load(browser: Browser, url: str) -> tuple[Trace, float]:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
    page = await context.new_page()
    async with traced(browser, page) as trace:
        await page.goto(url, wait_until="load")
        shift = await page.evaluate(SHIFT)
    await context.close()
    return trace, shift


async def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running_rig(Path(folder)) as rig, async_playwright() as playwright:
            runner, base = await serve(rig.gateway)
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
            found: dict[str, list[Trace]] = {path: [] for path in ("/without", "/empty", "/bare", "/with")}
            shifts = []
            for _ in range(runs):
                for path, traces in found.items():
                    trace, shift = await load(browser, base + path)
                    traces.append(trace)
                    shifts.append(shift)
            await browser.close()
            await runner.cleanup()
    for path, traces in found.items():
        cost = {name: SLOWER * (median(traces, name) - median(found["/without"], name)) for name in WORK}
        print(f"{path}: {sum(cost.values()):.1f} ms at {SLOWER}x;", ", ".join(f"{n} {ms:.1f}" for n, ms in cost.items()))
    print(f"largest layout shift {max(shifts)}")


def median(traces: list[Trace], name: str) -> float:
    return statistics.median(trace.work.get(name, 0) for trace in traces)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
