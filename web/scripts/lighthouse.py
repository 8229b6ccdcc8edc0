"""Lighthouse on a plain page with and without the line; medians of some runs.

    npm install --prefix /tmp/lh lighthouse@12
    PATH=$PWD/.venv/bin:$PATH CHROME_PATH=/usr/bin/chromium python -m web.scripts.lighthouse /tmp/lh/node_modules/.bin/lighthouse 3
"""

import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from dev.rig import running_rig

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
CATEGORIES = ("performance", "accessibility", "best-practices")
AUDITS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>A shop</title>
<link rel="icon" href="data:,"><main><h1>A shop</h1><p>Bicycles, and people who know them.</p></main>{line}"""


async def serve(gateway: str) -> tuple[web.AppRunner, str]:
    """Pages `/without` and `/with` on an origin of their own."""
    line = f'<script async src="{gateway}/sdk/fiido-kefu.js?shop=default"></script>'

    async def page(request: web.Request) -> web.Response:
        with_it = request.path == "/with"
        return web.Response(content_type="text/html", text=PAGE.format(line=line if with_it else ""))

    app = web.Application()
    app.router.add_get("/without", page)
    app.router.add_get("/with", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def measure(tool: str, url: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        tool, url, "--quiet", "--output=json", f"--chrome-flags={FLAGS}",
        f"--only-categories={','.join(CATEGORIES)}", stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    report = json.loads(out)
    scores = {name: report["categories"][name]["score"] * 100 for name in CATEGORIES}
    return scores | {name: report["audits"][name]["numericValue"] for name in AUDITS}


async def main(tool: str, runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running_rig(Path(folder)) as rig:
            runner, base = await serve(rig.gateway)
            for path in ("/without", "/with"):
                found = [await measure(tool, base + path) for _ in range(runs)]
                medians = {name: round(statistics.median(one[name] for one in found), 3) for name in found[0]}
                print(path, json.dumps(medians), flush=True)
            await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
