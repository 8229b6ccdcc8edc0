"""Sees whatever a page ran, drew or fetched that no text of anybody may bring about (S8)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Dialog, Frame, Page, Request

SCRIPT = (Path(__file__).parent / "witness.js").read_text()
# The policy of the pages is switched off: what they draw has to be safe by itself.
BARE: Any = {
    "bypass_csp": True,
    "reduced_motion": "reduce",
    "viewport": {"width": 1440, "height": 900},
}
# What a careless page would do with a text; a canary.
UNSAFE = """new MutationObserver(() => {
  for (const text of document.querySelectorAll('.md:not(.html), .plain:not(.html)')) {
    text.classList.add('html')
    text.innerHTML = text.textContent
  }
}).observe(document, { subtree: true, childList: true })"""
# what the pages ask for by themselves; an image of `x` on our own origin is none of it
ASKED_FOR = re.compile(r"/(api|assets|sdk)/")


class Witness:
    """Watches every page of one browser context, from before its first script."""

    def __init__(self, context: BrowserContext, *homes: str) -> None:
        self.caught: list[str] = []
        self._context = context
        self._homes = [home.rstrip("/") for home in homes]

    @classmethod
    async def of(cls, context: BrowserContext, *homes: str) -> Witness:
        """`homes`: the origins that may be talked to."""
        witness = cls(context, *homes)
        await context.expose_binding("witnessed", witness._told)
        await context.add_init_script(SCRIPT.replace("__HOME__", json.dumps(witness._homes)))
        context.on("request", witness._requested)
        context.on("page", witness._opened)
        return witness

    @property
    def kinds(self) -> set[str]:
        """Of `ran`, `drew`, `fetched`, `asked` (a dialog) and `went` (to another page)."""
        return {one.split(maxsplit=1)[0] for one in self.caught}

    def _told(self, _source: dict[str, Any], what: str) -> None:
        self.caught.append(what)

    def _requested(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in ("data", "blob"):
            return
        at_home = f"{url.scheme}://{url.netloc}" in self._homes
        is_page = request.resource_type == "document"
        if not (at_home and (is_page or ASKED_FOR.match(url.path))):
            self.caught.append(f"fetched {request.url}")

    def _opened(self, page: Page) -> None:
        page.on("dialog", self._asked)
        page.on("framenavigated", self._went)

    async def _asked(self, dialog: Dialog) -> None:
        self.caught.append(f"asked {dialog.message}")
        await dialog.dismiss()

    def _went(self, frame: Frame) -> None:
        if not frame.url.startswith(("about:blank", *self._homes)):
            self.caught.append(f"went {frame.url}")
