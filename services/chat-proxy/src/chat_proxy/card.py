"""Who answers: name, icon, welcome; from the configuration, or from a Coze bot where one is named.

An app's chatflow has no bot (`coze.md` §4), so the configuration is the rule.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from chat_proxy.coze.faults import CozeError

log = logging.getLogger(__name__)

_FRESH_SECONDS = 600.0
_AGAIN_SECONDS = 30.0  # after a failure
_PATIENCE_SECONDS = 5.0
# The one session that is no visitor's: its token reads the bot and proves the credentials.
SERVICE_SESSION = "kefu-service"

Card = dict[str, Any]


class Bots(Protocol):
    async def bot(self, bot_id: str, session_name: str) -> dict[str, Any]: ...


class BotCard:
    """Coze's card is kept ten minutes; while Coze does not tell, the configured one serves."""

    def __init__(
        self, configured: Card, bots: Bots, *, bot_id: str | None, clock: Callable[[], float]
    ) -> None:
        self._configured = configured
        self._bots = bots
        self._bot_id = bot_id
        self._clock = clock
        self._card = configured
        self._good_until = 0.0

    async def current(self) -> Card:
        if self._bot_id is None or self._clock() < self._good_until:
            return self._card
        # Whoever comes meanwhile gets the card there is.
        self._good_until = self._clock() + _AGAIN_SECONDS
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                bot = await self._bots.bot(self._bot_id, SERVICE_SESSION)
        except (CozeError, TimeoutError):
            log.warning("coze does not tell the bot's card")
            return self._card
        self._card = merged(self._configured, bot)
        self._good_until = self._clock() + _FRESH_SECONDS
        return self._card


def merged(configured: Card, bot: dict[str, Any]) -> Card:
    """What Coze tells, as far as it is of the right kind; the rest as configured."""
    onboarding = bot.get("onboarding_info")
    onboarding = onboarding if isinstance(onboarding, dict) else {}
    questions = onboarding.get("suggested_questions")
    told = {
        "name": bot.get("name"),
        "description": bot.get("description"),
        "icon_url": bot.get("icon_url"),
        "welcome": onboarding.get("prologue"),
    }
    card = {**configured, **{k: v for k, v in told.items() if isinstance(v, str) and v}}
    if isinstance(questions, list) and questions:
        card["suggested_questions"] = [str(q) for q in questions[:10]]
    return card
