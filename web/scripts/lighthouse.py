"""Lighthouse on a plain page with and without the line, and with an empty script in its place.

Medians of some runs. The model of a slow network counts every script that came before the first
picture as if the picture had waited for it, an empty one too; `observed` is what was drawn when.

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

# One that does nothing, and one that makes no more than a button in a corner.
SCRIPTS = {
    "/empty.js": "",
    "/bare.js": """const button = document.createElement('button')
button.textContent = 'Chat'
button.style.cssText = 'position:fixed;right:20px;bottom:20px;z-index:9'
document.body.appendChild(button)""",
}


async def serve(gateway: str) -> tuple[web.AppRunner, str]:
    """The pages on one origin, scripts to compare with on another."""
    lines = {
        "/without": "",
        "/empty": '<script async src="{elsewhere}/empty.js"></script>',
        "/bare": '<script async src="{elsewhere}/bare.js"></script>',
        "/with": f'<script async src="{gateway}/sdk/fiido-kefu.js" data-shop="default"></script>',
    }

    async def page(request: web.Request) -> web.Response:
        return web.Response(content_type="text/html", text=PAGE.format(line=lines[request.path].format(elsewhere=urls[1])))

    async def script(request: web.Request) -> web.Response:
        return web.Response(content_type="text/javascript", text=SCRIPTS[request.path])

    app = web.Application()
    for path in lines:
        app.router.add_get(path, page)
    for path in SCRIPTS:
        app.router.add_get(path, script)
    runner = web.AppRunner(app)
    await runner.setup()
    for _origin in range(2):
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    urls = [f"http://127.0.0.1:{address[1]}" for address in runner.addresses]
    return runner, urls[0]


async def measure(tool: str, url: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        tool, url, "--quiet", "--output=json", f"--chrome-flags={FLAGS}",
        f"--only-categories={','.join(CATEGORIES)}", stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    report = json.loads(out)
    scores = {name: report["categories"][name]["score"] * 100 for name in CATEGORIES}
    drawn = report["audits"]["metrics"]["details"]["items"][0]["observedLargestContentfulPaint"]
    return scores | {name: report["audits"][name]["numericValue"] for name in AUDITS} | {"observed": drawn}


async def main(tool: str, runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running_rig(Path(folder)) as rig:
            runner, base = await serve(rig.gateway)
            for path in ("/without", "/empty", "/with"):
                found = [await measure(tool, base + path) for _ in range(runs)]
                medians = {name: round(statistics.median(one[name] for one in found), 3) for name in found[0]}
                print(path, json.dumps(medians), flush=True)
            await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
