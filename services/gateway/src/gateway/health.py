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

import orjson
from common.app import Chassis
from common.bus.tail import Tail
from common.clients.lines import Upstream
from common.ids import new_session_name, new_sid
from common.security.policy import Owner
from common.security.tokens import TokenSigner

from gateway.recent import Recent

log = logging.getLogger(__name__)
_ASK_SECONDS = 2.0
_KEEP_SECONDS = 2.0
_PROBE_SECONDS = 10.0
_VERSION = version("fiido-kefu-gateway")
# the notifier is not: nobody who is served now would notice
_NEEDED = tuple(o.value for o in (Owner.SESSION_STATE, Owner.CHAT_PROXY, Owner.AUTH))


class Health:
    """Answers are a few seconds old at most, however often they are asked for."""

    def __init__(
        self,
        chassis: Chassis,
        *,
        services: Mapping[str, Upstream],
        signer: TokenSigner,
        tail: Tail,
    ) -> None:
        self._chassis = chassis
        self._signer = signer
        self._tail = tail
        self._upstreams = services
        self._services = Recent(self._ask_all, seconds=_KEEP_SECONDS, clock=chassis.clock)
        self._isolation = Recent(self._probe, seconds=_PROBE_SECONDS, clock=chassis.clock)

    async def brief(self) -> dict[str, Any]:
        """`/api/health`: the shape old monitors know."""
        services, isolated = await self._services.current(), await self._isolation.current()
        checks = await self._chassis.check()
        proxy = services[Owner.CHAT_PROXY.value]
        connected = proxy.get("coze_connected") is True
        needed = (services[name]["state"] == "ok" for name in _NEEDED)
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
        answers = await asyncio.gather(*(self._ask(up) for up in self._upstreams.values()))
        return dict(zip(self._upstreams, answers, strict=True))

    async def _ask(self, service: Upstream) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                status, body = await service.get("/health/ready")
            said = orjson.loads(body)
            state = "ok" if status == 200 else str(said.get("status", "not_ready"))
        except (OSError, orjson.JSONDecodeError) as error:
            return {"state": "down", "reason": type(error).__name__}
        latency = round((time.perf_counter() - began) * 1000, 1)
        facts = {k: v for k, v in said.items() if k not in ("status", "service")}
        return {"state": state, "latency_ms": latency, **facts}

    async def _probe(self) -> bool:
        """Is a stranger with a genuine token of another session refused by session-state?"""
        mine, other = new_session_name(), new_session_name()
        token = self._signer.sign_visitor(name=mine, sid=new_sid(), lifetime_seconds=60)
        own = self._chassis.signer.header(Owner.SESSION_STATE.value)
        headers = [(b"x-visitor-token", token.encode()), (b"x-internal-token", own.encode())]
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                service = self._upstreams[Owner.SESSION_STATE.value]
                status, _ = await service.get(f"/api/sessions/{other}", headers)
        except OSError:
            return False
        return status == 403
