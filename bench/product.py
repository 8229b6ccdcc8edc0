"""The product as benchmarks see it: a rig pinned to one core, and Coze called directly."""

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import jwt

from bench.cpu import LOAD_CORE, SERVER_CORE, pin
from dev.actors import Agent, Visitor
from dev.rig import Rig, running_rig
from dev.runner.plan import SIMULATOR_APP_ID, SIMULATOR_WORKFLOW_ID

MEASURED = ("gateway", "chat-proxy", "session-state", "redis")


@dataclass(frozen=True)
class Coze:
    """Coze called directly, as the product calls it: a token and a conversation a user."""

    base: str
    key_pem: str
    kid: str
    http: aiohttp.ClientSession
    workflow_id: str = SIMULATOR_WORKFLOW_ID

    async def user(self, name: str) -> tuple[str, str]:
        """(access token, conversation id) of one user (coze.md §1, §2)."""
        now = int(time.time())
        claims = {
            "iss": SIMULATOR_APP_ID,
            "aud": self.base.partition("://")[2],
            "iat": now,
            "exp": now + 600,
            "jti": secrets.token_hex(32),
            "session_name": name,
        }
        signed = jwt.encode(claims, self.key_pem, algorithm="RS256", headers={"kid": self.kid})
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        token = await self._post(
            "/api/permission/oauth2/token", signed, {"grant_type": grant, "duration_seconds": 3600}
        )
        access = token["access_token"]
        made = await self._post("/v1/conversation/create", access, {})
        return access, made["data"]["id"]

    async def _post(self, path: str, bearer: str, body: dict[str, object]) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {bearer}"}
        async with self.http.post(self.base + path, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@dataclass(frozen=True)
class Product:
    """A running product under measurement."""

    rig: Rig
    coze: Coze

    @property
    def gateway(self) -> str:
        return self.rig.gateway

    def visitor(self) -> Visitor:
        return self.rig.visitor()

    async def agent(self) -> Agent:
        return await self.rig.agent(max_sessions=100)

    def pin(self) -> None:
        """Services and Redis on one core, simulator and load on the other."""
        pids = self.rig.stack.pids()
        load = [pid for name, pid in pids.items() if name in ("simulator", "mailcatcher")]
        pin([pid for pid in pids.values() if pid not in load], SERVER_CORE)
        pin([*load, _own_pid()], LOAD_CORE)

    def pids(self) -> dict[str, int]:
        """Of the processes whose CPU is told."""
        return {name: pid for name, pid in self.rig.stack.pids().items() if name in MEASURED}


@asynccontextmanager
async def running_product(
    data_dir: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Product]:
    """The whole product: services and Redis on one core, simulator and load on the other."""
    async with running_rig(data_dir, env=env) as rig:
        keys = rig.stack.plan.coze_keys
        key = (data_dir / "keys" / "coze_simulator.pem").read_text()
        product = Product(rig, Coze(rig.stack.simulator_url, key, keys.kid, rig.http))
        product.pin()
        yield product


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)
