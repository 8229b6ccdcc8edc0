"""What axe-core finds wrong with a page: WCAG 2.2 A and AA, and its best practices."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Frame, Page

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
SIZES: dict[str, Any] = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
# A colour too pale for white letters in the light, one too loud for dark ground in the dark.
LOOKS = {"light": "#ffe08a", "dark": "#e6007e"}
# the size of targets is a rule of AA that axe leaves off unless it is asked for
RUN = """async (part) => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const rules = { 'target-size': { enabled: true } }
  // a menu stands in no landmark; it is read because the focus is in it
  if (document.querySelector('[role=menu]')) rules.region = { enabled: false }
  const { violations } = await axe.run(part, {
    runOnly: { type: 'tag', values: tags }, rules, resultTypes: ['violations'], iframes: false,
  })
  return violations.map(({ id, nodes }) =>
    [id, ...nodes.slice(0, 3).map((node) => `${node.target.join(' ')}: ${node.html.slice(0, 120)}`)])
}"""


async def violations(where: Page | Frame, part: str = "html") -> list[Any]:
    """What is wrong now in this part of this frame; the page's policy has to let scripts in."""
    if not await where.evaluate("typeof window.axe !== 'undefined'"):
        await where.evaluate(AXE.read_text())
    found: list[Any] = await where.evaluate(RUN, part)
    return found


@dataclass
class Review:
    """Looks at a state in the light and in the dark, and keeps what is wrong with it."""

    page: Page
    paint: Callable[[str], Awaitable[None]]
    found: list[str] = field(default_factory=list)

    async def of(self, state: str, where: Page | Frame | None = None, part: str = "html") -> None:
        for theme in LOOKS:
            await self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            await self.paint(theme)
            for wrong in await violations(where or self.page, part):
                self.found.append(f"{state}, {theme}: {wrong}")

    def passes(self) -> None:
        assert not self.found, "\n".join(self.found)


async def new_context(browser: Browser, size: str) -> BrowserContext:
    return await browser.new_context(
        locale="en-GB", bypass_csp=True, reduced_motion="reduce", **SIZES[size]
    )
