"""What stands on a screen whose list draws only what is near, compared with the log."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from common.testing.waiting import PATIENCE_SECONDS
from playwright.async_api import Frame, Page

from dev.rig.rig import eventually

# From the top to the end in half windows; a row is known by its id, else by its number.
READ = """async ([list, row]) => {
    const box = document.querySelector(list), seen = new Map()
    const frame = () => new Promise(done => requestAnimationFrame(done))
    const number = one => one.closest('[aria-posinset]')?.ariaPosInSet
    for (box.scrollTop = 0; ; box.scrollTop += box.clientHeight / 2) {
        await frame().then(frame)
        const all = [...box.querySelectorAll(row)]
        for (const one of all) seen.set(one.dataset.id ?? number(one), {
            id: one.dataset.id, kind: one.className, text: one.querySelector('.text')?.innerText ?? ''})
        const ids = all.map(one => one.dataset.id ?? number(one))
        if (new Set(ids).size < ids.length) seen.set('twice', { id: 'twice', kind: '', text: '' })
        if (box.scrollTop + box.clientHeight >= box.scrollHeight - 2) return [...seen.values()]
    }
}"""


async def rows(page: Page | Frame, box: str, row: str) -> list[dict[str, Any]]:
    """Every row of the list, also those that are not drawn where it stands now."""
    found: list[dict[str, Any]] = await page.evaluate(READ, [box, row])
    return found


def letters(text: str) -> str:
    """Without what markdown adds and drawing takes away: signs, and the numbers of a list."""
    return re.sub(r"^\s*\d+\.\s|[\W_]+", "", text, flags=re.MULTILINE)


async def agree(
    screen: Callable[[], Awaitable[Any]],
    log: Callable[[], Awaitable[Any]],
    *,
    seconds: float = PATIENCE_SECONDS,
) -> None:
    """Waits until the screen shows what the log says; tells both where it does not in time."""
    last: dict[str, Any] = {}

    async def same() -> bool:
        last.update(log=await log(), screen=await screen())
        return bool(last["log"] == last["screen"])

    try:
        await eventually(same, seconds=seconds)
    except TimeoutError:
        raise AssertionError(f"the screen shows {last['screen']}, the log {last['log']}") from None
