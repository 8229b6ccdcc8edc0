"""A shop's web site on an origin of its own, whose pages a test writes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from playwright.async_api import Page

Answer = Callable[[web.Request], Awaitable[web.Response]]


class Site:
    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.url = ""
        self._routes: dict[str, Answer] = {}

    def line(self, query: str = "?shop=corner", more: str = "async") -> str:
        """The one line."""
        return f'<script {more} src="{self.gateway}/sdk/fiido-kefu.js{query}"></script>'

    def on(self, path: str, answer: Answer) -> None:
        self._routes[path] = answer

    def page(self, body: str, *, head: str = "", policy: str | None = None) -> str:
        """The address of a new page."""
        headers = {} if policy is None else {"Content-Security-Policy": policy}
        text = f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
            <link rel="icon" href="data:,"><title>A shop</title>{head}</head>
            <body><h1>A shop</h1>{body}</body></html>"""

        async def answer(_request: web.Request) -> web.Response:
            return web.Response(content_type="text/html", text=text, headers=headers)

        path = f"/page-{len(self._routes)}"
        self.on(path, answer)
        return self.url + path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        found = self._routes.get(request.path)
        return web.Response(status=404) if found is None else await found(request)


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[Site]:
    app = web.Application()
    app.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


def errors_of(page: Page) -> list[str]:
    """What reaches the page as its own error, from now on."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


async def drawn(page: Page) -> dict[str, str]:
    """The button as the browser drew it."""
    await page.wait_for_selector("[data-fiido-kefu] button.l")
    found: dict[str, str] = await page.evaluate(
        """() => {
            const root = document.querySelector('[data-fiido-kefu]').shadowRoot
            const button = root.querySelector('.l')
            const { left, right, bottom } = button.getBoundingClientRect()
            const { zIndex, backgroundColor } = getComputedStyle(button)
            const side = left < innerWidth - right ? `left ${left}` : `right ${innerWidth - right}`
            return { side, bottom: `${innerHeight - bottom}`, zIndex, color: backgroundColor,
                words: button.innerText.trim(), name: button.getAttribute('aria-label') }
        }"""
    )
    return found


async def colors(page: Page) -> tuple[list[int], list[int]]:
    """The button's ground and what is written on it, as the screen shows them."""
    ground, ink = await page.evaluate(
        """() => {
            const button = document.querySelector('[data-fiido-kefu]').shadowRoot.querySelector('.l')
            const { backgroundColor, color } = getComputedStyle(button)
            const canvas = document.createElement('canvas').getContext('2d')
            return [backgroundColor, color].map((one) => {
                canvas.fillStyle = one
                canvas.fillRect(0, 0, 1, 1)
                return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
            })
        }"""
    )
    return ground, ink


def contrast(one: list[int], other: list[int]) -> float:
    """As WCAG counts it."""

    def luminance(color: list[int]) -> float:
        parts = (part / 255 for part in color)
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


async def kept(page: Page) -> list[int]:
    """How much page and chat window have in their storages and cookies."""
    script = "[localStorage.length, sessionStorage.length, document.cookie.length]"
    found = [await frame.evaluate(script) for frame in page.frames if frame.url != "about:blank"]
    return [count for counts in found for count in counts]
