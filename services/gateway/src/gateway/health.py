"""Is the whole product well: each service asked, and one visitor kept from another for real.

`session_isolation` is never assumed: a visitor's token for one random session is shown to
session-state at another session's door, and only a refusal (403) makes it true.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import aiohttp
import orjson
from common.app import Chassis
from common.bus.tail import Tail
from common.contracts.common import Headers
from common.ids import new_session_name, new_sid
from common.security.policy import Owner
from common.security.tokens import TokenSigner

from gateway.recent import Recent
from gateway.settings import GatewaySettings
from gateway.upstreams import Upstream

log = logging.getLogger(__name__)
_ASK_SECONDS = 2.0
_KEEP_SECONDS = 2.0
_PROBE_SECONDS = 10.0
_VERSION = version("fiido-kefu-gateway")


class Health:
    """Answers are a few seconds old at most, however often they are asked for."""

    def __init__(
        self,
        settings: GatewaySettings,
        chassis: Chassis,
        *,
        upstreams: Mapping[Owner, Upstream],
        signer: TokenSigner,
        tail: Tail,
    ) -> None:
        self._chassis = chassis
        self._signer = signer
        self._tail = tail
        self._upstreams = upstreams
        self._session = upstreams[Owner.SESSION_STATE].session
        self._urls = {owner.value: up.base_url for owner, up in upstreams.items()}
        if settings.notifier_url:
            self._urls["notifier"] = settings.notifier_url.rstrip("/")
        self._services = Recent(self._ask_all, seconds=_KEEP_SECONDS, clock=chassis.clock)
        self._isolation = Recent(self._probe, seconds=_PROBE_SECONDS, clock=chassis.clock)

    async def brief(self) -> dict[str, Any]:
        """`/api/health`: the shape old monitors know."""
        services, isolated = await self._services.current(), await self._isolation.current()
        checks = await self._chassis.check()
        proxy = services[Owner.CHAT_PROXY.value]
        connected = proxy.get("coze_connected") is True
        needed = (services[owner.value]["state"] == "ok" for owner in self._upstreams)
        well = all(needed) and all(state == "ok" for state in checks.values())
        return {
            "status": "healthy" if well and connected and isolated else "degraded",
            "coze_connected": connected,
            "session_isolation": isolated,
            "version": _VERSION,
            "coze": proxy.get("coze", "unknown"),
        }

    async def detailed(self) -> dict[str, Any]:
        """`/api/health/detailed`: per service and dependency."""
        services, isolated = await self._services.current(), await self._isolation.current()
        return {
            "services": services,
            "gateway": {
                "version": _VERSION,
                "checks": await self._chassis.check(),
                "draining": self._chassis.draining,
                "bus_lag_seconds": round(self._tail.lag_seconds, 3),
                "bus_failing_seconds": round(self._tail.failing_for(self._chassis.clock()), 3),
                "session_isolation": isolated,
            },
        }

    async def _ask_all(self) -> dict[str, dict[str, Any]]:
        answers = await asyncio.gather(*(self._ask(url) for url in self._urls.values()))
        return dict(zip(self._urls, answers, strict=True))

    async def _ask(self, base_url: str) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            async with (
                asyncio.timeout(_ASK_SECONDS),
                self._session.get(f"{base_url}/health/ready") as answer,
            ):
                said = orjson.loads(await answer.read())
                state = "ok" if answer.status == 200 else str(said.get("status", "not_ready"))
        except (aiohttp.ClientError, OSError, orjson.JSONDecodeError) as error:
            return {"state": "down", "reason": type(error).__name__}
        latency = round((time.perf_counter() - began) * 1000, 1)
        facts = {k: v for k, v in said.items() if k not in ("status", "service")}
        return {"state": state, "latency_ms": latency, **facts}

    async def _probe(self) -> bool:
        """Is a stranger with a genuine token of another session refused by session-state?"""
        mine, other = new_session_name(), new_session_name()
        token = self._signer.sign_visitor(name=mine, sid=new_sid(), lifetime_seconds=60)
        url = f"{self._urls[Owner.SESSION_STATE.value]}/api/sessions/{other}"
        headers = {
            Headers.VISITOR_TOKEN: token,
            Headers.INTERNAL_TOKEN: self._chassis.signer.header(Owner.SESSION_STATE.value),
        }
        try:
            async with (
                asyncio.timeout(_ASK_SECONDS),
                self._session.get(url, headers=headers) as answer,
            ):
                await answer.read()
                return answer.status == 403
        except (aiohttp.ClientError, OSError):
            return False
