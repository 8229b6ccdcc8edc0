"""A real browser, and a shop's page on another origin than the customer service."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape

import pytest
import pytest_asyncio
from aiohttp import web
from common.testing.waiting import PATIENCE_SECONDS
from playwright.async_api import Browser, Frame, Page, async_playwright, expect

from dev.rig import Rig, running_rig
from dev.rig.rig import eventually

from .desk import Desk, at_desk
from .screen import agree, letters, rows

CHROMIUM = shutil.which("chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # another site that is on this machine too
    "--host-resolver-rules=MAP hostile.test 127.0.0.1",
]

Spoken = tuple[str, str]

# `make chromium` installs it where it may; on a machine without, these files are left out.
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield started
        await started.close()


@asynccontextmanager
async def a_shop(gateway: str) -> AsyncIterator[str]:
    """A plain page with nothing but the one line; another port is another origin, same site."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(
            content_type="text/html",
            text=f"""<!doctype html><html lang="en"><meta name="viewport"
            content="width=device-width,initial-scale=1"><title>A shop</title><h1>A shop</h1>
            <script async src="{gateway}/sdk/fiido-kefu.js" data-shop="default"></script>""",
        )

    async def around(request: web.Request) -> web.Response:
        """A page that frames what its address names, and nothing else."""
        frames = "".join(
            f'<iframe src="{escape(url)}"></iframe>' for url in request.query.getall("of", [])
        )
        return web.Response(
            content_type="text/html", text=f"<!doctype html><title>A frame</title>{frames}"
        )

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/around", around)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop_url(stack: Rig) -> AsyncIterator[str]:
    async with a_shop(stack.gateway) as url:
        yield url


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Rig | None:
    """The product of most stories; it is not started for a test that uses another."""
    return request.getfixturevalue("stack") if "stack" in request.fixturenames else None


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nobody_waits(shared: Rig | None) -> None:
    """Whom other stories left waiting would fill the lists before this one's visitors."""
    if shared is None:
        return
    admin = await shared.admin()

    async def none_is_left() -> bool:
        waiting = await admin.get("/api/sessions?status=pending_manual&limit=100")
        left = waiting.body["data"]["sessions"]
        for one in left:
            await admin.takeover(one["session_name"])
            await admin.post(f"/api/sessions/{one['session_name']}/close")
        return not left

    await eventually(none_is_left)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hasty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Tokens that end soon, people who are missed soon, and anything here may be killed."""
    env = {
        "ACCESS_TOKEN_SECONDS": "8",
        # a renewal whose answer died with the gateway is asked for again when it is back
        "REFRESH_GRACE_SECONDS": "60",
        "PRESENCE_SECONDS": "1",
        # longer than a restart and the way back take on a busy machine
        "PRESENCE_TIMEOUT_SECONDS": "20",
        "PRESENCE_SWEEP_SECONDS": "0.5",
        "PRESENCE_SETTLE_SECONDS": "10",
        "AGENT_ABSENCE_SECONDS": "1",
    }
    async with running_rig(tmp_path_factory.mktemp("hasty"), env=env) as rig:
        yield rig


@pytest_asyncio.fixture(loop_scope="session")
async def ann(browser: Browser, stack: Rig) -> AsyncIterator[Desk]:
    async with at_desk(browser, stack, "Ann Keller") as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="session")
async def bob(browser: Browser, stack: Rig) -> AsyncIterator[Desk]:
    async with at_desk(browser, stack, "Bob Lindgren") as desk:
        yield desk


@dataclass
class Widget:
    """The chat on a page, as a visitor uses it."""

    page: Page
    frame: Frame
    errors: list[str] = field(default_factory=list)

    async def ask(self, text: str) -> None:
        await self.frame.fill(".composer textarea", text)
        await self.frame.press(".composer textarea", "Enter")

    async def sees(self, text: str) -> None:
        await self.frame.locator(".list").get_by_text(text).first.wait_for(state="attached")

    async def is_with(self, name: str) -> None:
        await expect(self.frame.locator("header h1")).to_have_text(name)

    async def has_unsent(self, count: int) -> None:
        await expect(self.frame.locator(".pale")).to_have_count(count)

    async def said(self) -> list[str]:
        """Every bubble's text, in order, oldest first."""
        script = "all => all.map(one => one.innerText.trim())"
        return [str(s) for s in await self.frame.eval_on_selector_all(".row .text", script)]

    async def session(self) -> str:
        return str((await self._kept())["sessionName"])

    async def is_whole(self, rig: Rig, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Who spoke and what stands on the screen is the log that this visitor may read."""
        kept = await self._kept()
        visitor = rig.visitor()
        visitor.headers["X-Visitor-Token"] = kept["token"]

        async def screen() -> list[Spoken]:
            drawn = await rows(self.frame, ".list", ".row, .notice")
            return [spoken(one["kind"], one["text"]) for one in drawn]

        async def log() -> list[Spoken]:
            messages = await visitor.messages(kept["sessionName"])
            return [spoken(one["role"], one["content"]) for one in messages]

        await agree(screen, log, seconds=seconds)

    async def _kept(self) -> dict[str, str]:
        """What the browser keeps: which session, and the token that opens it."""
        kept: dict[str, str] = await self.frame.evaluate(
            "JSON.parse(localStorage['fiido-kefu:default'])"
        )
        return kept


def spoken(kind: str, text: str) -> Spoken:
    """Notices are in the window's own words, so that only their place counts."""
    role = next((one for one in ("user", "assistant", "agent") if one in kind.split()), "notice")
    return role, letters(text) if role != "notice" else ""


async def embedded(page: Page) -> Frame:
    """The chat window's frame, once one can write in it."""
    handle = await page.wait_for_selector("[data-fiido-kefu] iframe", state="attached")
    assert handle is not None
    frame = await handle.content_frame()
    assert frame is not None
    await frame.wait_for_selector(".composer textarea", state="attached")
    return frame


async def open_widget(page: Page, url: str) -> Widget:
    """Loads the shop's page and clicks the button."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(url)
    await page.click("[data-fiido-kefu] button.l")
    return Widget(page, await embedded(page), errors)
