"""A customer who is logged in at the shop: what counts only with the signature of its server.

The shop's server here runs the very example of `web/README.md`.
"""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page

from dev.rig import Rig
from dev.rig.rig import eventually

from .conftest import Widget, embedded
from .site import Site, errors_of, serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("e2e"),
    pytest.mark.browser,
]
ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "web/README.md").read_text(encoding="utf-8")
CUSTOMER = {
    "nickname": "Zoë",
    "email": "zoe@example.com",
    "vip": True,
    "customer_id": "Kd. 7/é",
    "metadata": {"bike": "Tour 2"},
}
Sign = Callable[[str, dict[str, Any], str], str]


def example(language: str) -> str:
    """The documented way of signing."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(str(block) for block in blocks if "signature(" in block and "hmac" in block.lower())


def documented() -> Sign:
    found: dict[str, Any] = {}
    exec(example("python"), found)
    return found["signature"]


PAGE = """<script>
  window.FiidoKefu = window.FiidoKefu || []
  FiidoKefu.push(['on', 'error', ({ code }) => { window.refused = code }])
  FiidoKefu.push(['on', 'session', async ({ name }) => {
    const { user, signature } = await (await fetch('WHO?session=' + name)).json()
    FiidoKefu.setUser(user, signature)
    window.session = name
  }])
</script>"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(stack: Rig) -> AsyncIterator[Site]:
    async with serving(Site(stack.gateway)) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    opened = await browser.new_context(locale="en-GB")
    yield opened
    await opened.close()


def shop(site: Site, who: str, sign: Callable[[str], str | None]) -> str:
    """A page of a shop whose server says at `who` who is logged in, signed by `sign`."""

    async def answer(request: web.Request) -> web.Response:
        signature = sign(request.query["session"])
        return web.json_response({"user": CUSTOMER, "signature": signature})

    site.on(who, answer)
    return site.page(PAGE.replace("WHO", who) + site.line())


async def begin(page: Page, address: str) -> str:
    """The session's name, once the visitor has written and the page has said who it is."""
    await page.goto(address)
    await page.click("[data-fiido-kefu] button.l")
    widget = Widget(page, await embedded(page))
    async with page.expect_response(lambda answer: answer.url.endswith("/identify")):
        await widget.ask("How far does the battery go?")
    await page.wait_for_function("window.session")
    return str(await page.evaluate("window.session"))


async def profile(stack: Rig, name: str) -> dict[str, Any]:
    """As the agents see it."""
    agent = await stack.agent()
    return dict((await agent.state(name))["user_profile"])


async def test_agents_see_whom_the_shops_server_signed(
    context: BrowserContext, site: Site, stack: Rig, corner_secret: str
) -> None:
    sign = documented()
    page = await context.new_page()
    errors = errors_of(page)
    address = shop(site, "/signed", lambda name: sign(name, CUSTOMER, corner_secret))
    name = await begin(page, address)

    async def known() -> bool:
        return {**await profile(stack, name), **CUSTOMER} == await profile(stack, name)

    await eventually(known)

    # a page loaded anew hears the name again, and says again who it is
    async with page.expect_response(lambda answer: answer.url.endswith("/identify")) as again:
        await page.reload()
    assert (await again.value).status == 200
    assert await page.evaluate("window.refused") is None
    assert errors == []


@pytest.mark.parametrize(
    "forge",
    [
        lambda sign, name, secret: sign(name, CUSTOMER, f"not {secret}"),
        lambda sign, name, secret: sign("another-session", CUSTOMER, secret),
        lambda sign, name, secret: sign(name, {**CUSTOMER, "vip": False}, secret),
        lambda sign, name, secret: "",
    ],
    ids=["wrong secret", "another session", "another profile", "nothing"],
)
async def test_a_signature_that_does_not_fit_counts_for_nothing_and_the_page_is_told(
    context: BrowserContext, site: Site, stack: Rig, corner_secret: str, forge: Any
) -> None:
    sign = documented()
    page = await context.new_page()
    address = shop(site, "/forged", lambda name: forge(sign, name, corner_secret) or "0" * 64)
    name = await begin(page, address)
    await page.wait_for_function("window.refused === 'USER_REFUSED'")
    seen = await profile(stack, name)
    assert (seen["vip"], seen["email"], seen["customer_id"]) == (False, None, None)


async def test_without_a_signature_only_what_anybody_may_say_counts(
    context: BrowserContext, site: Site, stack: Rig
) -> None:
    page = await context.new_page()
    name = await begin(page, shop(site, "/unsigned", lambda _name: None))

    async def named() -> bool:
        return (await profile(stack, name))["nickname"] == "Zoë"

    await eventually(named)
    seen = await profile(stack, name)
    assert (seen["vip"], seen["email"], seen["customer_id"]) == (False, None, None)
    assert seen["metadata"] == {"bike": "Tour 2"}


async def test_the_node_example_signs_as_the_python_one(tmp_path: Path) -> None:
    node = ROOT / ".venv/bin/node"
    script = tmp_path / "sign.mjs"
    users = [CUSTOMER, {"vip": False}, {"email": "a@b.example", "vip": None}, {"nickname": "x"}]
    call = f"console.log(JSON.stringify({json.dumps(users)}.map((u) => signature('s_1', u, 'k'))))"
    script.write_text(f"{example('js')}\n{call}\n", encoding="utf-8")
    run = await asyncio.create_subprocess_exec(
        str(node) if node.exists() else str(shutil.which("node")),
        str(script),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await run.communicate()
    assert json.loads(out) == [documented()("s_1", user, "k") for user in users]
