"""A stack of real processes, and the visitors, agents and faults that tests bring to it."""

import asyncio
import itertools
import json
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from common.testing.waiting import PATIENCE_SECONDS

from dev.actors import Agent, Visitor
from dev.runner.plan import EMBEDDED, Wishes
from dev.runner.stack import Stack, running_stack

ADMIN, ADMIN_PASSWORD = "admin", "a password for tests only 1"
PASSWORD = "correct horse battery 7"
LIMITS = (
    "CHAT_SESSION CHAT_ADDRESS CHAT_VIP NEW_ADDRESS GUESS_ADDRESS ESCALATE_SESSION"
    " ESCALATE_ADDRESS MESSAGE_SESSION MESSAGE_ADDRESS TYPING_SESSION TYPING_ADDRESS"
    " OTHER_SESSION OTHER_ADDRESS LOGIN_ADDRESS AGENT"
)
NO_LIMITS = {
    **{f"RATE_{name}": "0" for name in LIMITS.split()},
    "LOGIN_ADDRESS_LIMIT": "100000",
}
OPEN_ALL_DAY = {"HUMAN_SHIFT_START": "00:00", "HUMAN_SHIFT_END": "24:00"}
ENV = {
    **NO_LIMITS,
    **OPEN_ALL_DAY,
    "APP_ENV": "development",
    "WEEKENDS_DISABLED": "false",
    "ADMIN_USERNAME": ADMIN,
    "ADMIN_PASSWORD": ADMIN_PASSWORD,
    "BCRYPT_ROUNDS": "4",
    "SIM_PACE_MS": "1",
    "DEFAULT_LANGUAGE": "en",
}


@dataclass
class Rig:
    """One running product. Calls go to the first gateway unless another base is named."""

    stack: Stack
    http: aiohttp.ClientSession
    _agents: dict[tuple[str, int], Agent] = field(default_factory=dict)
    _names: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    # --- who is there

    @property
    def gateway(self) -> str:
        return self.stack.url("gateway")

    @property
    def gateways(self) -> list[str]:
        return self.stack.urls("gateway")

    def gateway_address(self) -> tuple[str, int]:
        parts = urlsplit(self.gateway)
        return parts.hostname or "", parts.port or 0

    def visitor(self, base: str | None = None) -> Visitor:
        return Visitor(base or self.gateway, self.http)

    async def admin(self) -> Agent:
        """The first admin; one login however often it is asked for."""
        key = (self.gateway, -1)
        if key not in self._agents:
            caller = Agent(self.gateway, self.http)
            self._agents[key] = await caller.login(ADMIN, ADMIN_PASSWORD)
        return await self._online(self._agents[key])

    async def agent(
        self, base: str | None = None, number: int = 0, *, max_sessions: int = 100
    ) -> Agent:
        """A supervisor-free agent with plenty of room; one account a number and gateway."""
        base = base or self.gateway
        if (base, number) not in self._agents:
            made = await self.new_agent(await self.admin(), max_sessions=max_sessions)
            self._agents[base, number] = replace(made, base=base)
        return await self._online(self._agents[base, number])

    async def new_agent(
        self, admin: Agent, *, max_sessions: int = 5, name: str = "", role: str = "agent"
    ) -> Agent:
        """A fresh account, logged in and online."""
        username = f"agent-{self._names()}-{secrets.token_hex(3)}"
        body = {
            "username": username,
            "password": PASSWORD,
            "name": name or username.title(),
            "role": role,
            "max_sessions": max_sessions,
        }
        made = await admin.post("/api/agents", body)
        assert made.status in (200, 201), made
        agent = await Agent(self.gateway, self.http).login(username, PASSWORD)
        return await self._online(agent)

    async def _online(self, agent: Agent) -> Agent:
        """And known to be online to session-state."""

        async def is_taken() -> bool:
            answer = await agent.call("PUT", "/api/agent/status", body={"status": "online"})
            return answer.status == 200

        await eventually(is_taken)
        return agent

    # --- what happens to processes

    async def kill(self, name: str, index: int = 0) -> None:
        await self.stack.kill(name, index)

    async def restart(self, name: str, index: int = 0) -> None:
        await self.stack.restart(name, index)

    async def kill_everything(self, number: signal.Signals = signal.SIGKILL) -> None:
        await self.stack.kill_everything(number)

    async def start_everything(self) -> None:
        await self.stack.start_everything()

    async def terminate(self, name: str) -> int:
        return await self.stack.terminate(name)

    def frozen(self, name: str) -> AbstractContextManager[None]:
        return self.stack.frozen(name)

    def pids(self) -> dict[str, int]:
        """Of the services; what is embedded is left out."""
        return {n: p for n, p in self.stack.pids().items() if n not in EMBEDDED}

    async def new_generation(self) -> None:
        """What a restore does: event ids of before become unknown."""
        await self.stack.redis("SET", "{kefu}:generation", secrets.token_hex(4))

    async def trim_bus(self) -> None:
        """What an hour does: the entries that clients have seen are no longer replayed."""
        clock = (await self.stack.redis("TIME")).split()
        # what is younger may still be on its way to a consumer group
        before = (int(clock[0]) - 2) * 1000
        await self.stack.redis("XTRIM", "{kefu}:bus", "MINID", str(before))

    async def forget(self, session: str) -> None:
        """What a week without a word does: the session is removed when its timer is looked at."""
        key = f"{{kefu}}:session:{session}"
        state = json.loads(await self.stack.redis("HGET", key, "state"))
        state["updated_at"] -= 7 * 86_400
        await self.stack.redis("HSET", key, "state", json.dumps(state))
        await self.stack.redis("ZADD", "{kefu}:due", "1", f"expire:{session}")

    # --- what a test waits for

    async def simulator(self, method: str, path: str, body: Any = None) -> Any:
        url = self.stack.simulator_url + path
        async with self.http.request(method, url, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def until_turns_run(self, count: int) -> None:
        """Until so many sessions have an open turn."""

        async def running() -> bool:
            timers = await self.stack.redis("ZRANGE", "{kefu}:due", "0", "-1")
            return timers.count("lease:") >= count

        await eventually(running)

    async def until_no_turn(self, session: str) -> None:
        """Until the session's open turn was answered, or closed by its lease."""

        async def over() -> bool:
            timers = await self.stack.redis("ZRANGE", "{kefu}:due", "0", "-1")
            return f"lease:{session}" not in timers.split()

        await eventually(over)

    async def until_answered(self, agent: Agent, session: str) -> None:
        """Until the last message of the log is the AI's."""

        async def answered() -> bool:
            log = await agent.messages(session)
            return bool(log) and log[-1]["role"] == "assistant"

        await eventually(answered)

    # --- the shop's hours and mails

    @asynccontextmanager
    async def closed_shop(self) -> AsyncIterator[None]:
        """Out of hours inside the block: these days are holidays."""
        admin = await self.admin()
        today = datetime.now(UTC).date()
        days = [(today + timedelta(days=n)).isoformat() for n in (-2, -1, 0, 1, 2)]
        await self._shift(admin, {"holidays": days}, is_open=False)
        try:
            yield
        finally:
            await self._shift(admin, {"holidays": []}, is_open=True)

    async def _shift(self, admin: Agent, hours: Mapping[str, Any], *, is_open: bool) -> None:
        changed = await admin.call("PUT", "/api/shift/config", body=dict(hours))
        assert changed.status == 200, changed

        async def everywhere() -> bool:
            states = [
                (await Agent(g, self.http).get("/api/shift/status")).body["data"]["is_in_shift"]
                for g in self.gateways
            ]
            return all(state is is_open for state in states)

        await eventually(everywhere)

    async def mails(self, about: str) -> list[dict[str, Any]]:
        """What the mail catcher holds with this word in it, whole."""
        async with self.http.get(f"{self.stack.mail_url}/api/mails?limit=1000") as response:
            found = (await response.json())["mails"]
        whole = []
        for mail in found:
            async with self.http.get(f"{self.stack.mail_url}/api/mails/{mail['id']}") as response:
                whole.append(await response.json())
        return [mail for mail in whole if about in str(mail)]


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE_SECONDS
) -> None:
    """Waits until the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running_rig(
    data_dir: Path,
    *,
    env: Mapping[str, str] | None = None,
    counts: Mapping[str, int] | None = None,
    redis_options: tuple[str, ...] = (),
) -> AsyncIterator[Rig]:
    """A started product on free ports, without limits unless `env` sets some."""
    wishes = Wishes(
        data_dir=data_dir,
        env={**ENV, **(env or {})},
        counts=counts or {},
        redis_options=redis_options,
    )
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=60, sock_connect=5)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
        running_stack(wishes) as stack,
    ):
        yield Rig(stack, http)
