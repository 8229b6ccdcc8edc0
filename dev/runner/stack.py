"""The whole product as processes on this machine: started, killed, restarted and stopped at will.

`make run` and the end-to-end tests drive the same class:

    async with running_stack(Wishes(data_dir=tmp_path)) as stack:
        await http.get(stack.url("gateway") + "/api/health")
        await stack.kill("session-state"); await stack.restart("session-state")
        await stack.kill("redis");         await stack.restart("redis")
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dev.runner import keys
from dev.runner.child import Child
from dev.runner.choices import Choices, choose
from dev.runner.plan import SERVICES, Plan, Wishes, process_counts
from dev.runner.ports import Ports, anywhere
from dev.runner.probes import is_ready, redis_command
from dev.simulator.keys import load_or_make as coze_key_pair

START_SECONDS = 60.0
STOP_SECONDS = 45.0  # a service drains for 30 s at most, then its last answers
POLL_SECONDS = 0.03


class NotReadyError(Exception):
    """A process ended, or was not ready in time; says which and what it wrote last."""


class StoppedError(Exception):
    """The start was given up because somebody asked for the end."""


@dataclass(slots=True)
class Stack:
    """One running product. Processes go by service name and index of the replica."""

    plan: Plan
    children: dict[tuple[str, int], Child] = field(default_factory=dict, init=False)
    # Called with a line for people whenever something comes up or goes down.
    say: Callable[[str], None] = field(default=lambda _line: None)
    given_up: Callable[[], bool] = field(default=lambda: False)

    def __post_init__(self) -> None:
        for part in self.plan.parts():
            log = self.logs_dir / f"{part.label}.log"
            self.children[part.name, part.index] = Child(part, log)

    # --- where things are

    @property
    def data_dir(self) -> Path:
        return self.plan.wishes.data_dir

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def redis_url(self) -> str:
        return self.plan.redis_url

    @property
    def simulator_url(self) -> str:
        return self.plan.url("simulator")

    @property
    def mail_url(self) -> str:
        """The page and JSON API of the mail catcher."""
        return self.plan.url("mailcatcher-page")

    @property
    def smtp_port(self) -> int:
        return self.plan.ports.one("mailcatcher")

    def url(self, name: str, index: int = 0) -> str:
        """The base URL of a service."""
        return self.plan.url(name, index)

    def urls(self, name: str) -> list[str]:
        """The base URLs of all replicas of a service."""
        return [self.url(name, index) for index in range(self.plan.wishes.count(name))]

    def log_path(self, name: str, index: int = 0) -> Path:
        return self.child(name, index).log_path

    def child(self, name: str, index: int = 0) -> Child:
        return self.children[name, index]

    def pids(self) -> dict[str, int]:
        """Label → process id of everything that runs."""
        return {c.part.label: c.pid for c in self.children.values() if c.running}

    # --- up

    async def start(self) -> None:
        """Starts everything and returns when all is ready. Raises NotReadyError, StoppedError."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.data_dir / "redis").mkdir(exist_ok=True)
        embedded = [c for (name, _), c in self.children.items() if name not in SERVICES]
        services = [c for (name, _), c in self.children.items() if name in SERVICES]
        for group in (embedded, services):
            for child in group:
                if not child.running:
                    child.start()
            for child in group:
                await self.until_ready(child)

    async def until_ready(self, child: Child, *, seconds: float = START_SECONDS) -> None:
        """Waits until it answers. Raises NotReadyError, StoppedError."""
        deadline = time.monotonic() + seconds
        while not await is_ready(child.part.ready):
            if self.given_up():
                raise StoppedError
            if not child.running:
                code = child.exit_code
                raise NotReadyError(f"{child.part.label} ended with status {code}\n{child.tail()}")
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"{child.part.label} was not ready in {seconds:.0f} s\n{child.tail()}"
                )
            await asyncio.sleep(POLL_SECONDS)
        self.say(f"{child.part.label} ready after {time.monotonic() - child.started_at:.1f} s")

    async def restart(
        self, name: str, index: int = 0, *, env: Mapping[str, str] | None = None
    ) -> None:
        """Starts one again, ended first if it runs; `env` goes over what it had."""
        child = self.child(name, index)
        if child.running:
            await self.terminate(name, index)
        if env is not None:
            child.part = replace(child.part, env={**child.part.env, **env})
        child.start()
        await self.until_ready(child)

    async def start_everything(self) -> None:
        """Starts what does not run and waits until all is ready."""
        await self.start()

    # --- down

    async def kill(
        self, name: str, index: int = 0, number: signal.Signals = signal.SIGKILL
    ) -> None:
        """Sends the signal; returns when the process is gone."""
        child = self.child(name, index)
        child.signal(number)
        await self._until_gone(child, STOP_SECONDS)

    async def kill_everything(self, number: signal.Signals = signal.SIGKILL) -> None:
        """All processes at once, Redis too."""
        for child in self.children.values():
            child.signal(number)
        for child in self.children.values():
            await self._until_gone(child, STOP_SECONDS)

    async def terminate(self, name: str, index: int = 0) -> int:
        """Asks one to end the orderly way; its exit status."""
        child = self.child(name, index)
        child.signal(signal.SIGTERM)
        await self._until_gone(child, STOP_SECONDS)
        code = child.exit_code
        return -1 if code is None else code

    @contextmanager
    def frozen(self, name: str, index: int = 0) -> Iterator[None]:
        """The process neither runs nor dies inside this context."""
        child = self.child(name, index)
        child.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            child.signal(signal.SIGCONT)

    async def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """Ends everything the orderly way: the edge first, Redis last. Never raises for one."""
        ordered = ["gateway", "chat-proxy", "notifier", "auth", "session-state"]
        for names in (ordered[:1], ordered[1:2], ordered[2:], ["simulator", "mailcatcher"]):
            await self._stop_together(names, seconds)
        await self._stop_together(["redis"], seconds)

    def kill_now(self) -> None:
        """The last resort: no waiting, no order."""
        for child in self.children.values():
            child.signal(signal.SIGKILL)

    async def redis(self, *words: str) -> str:
        """One command to the embedded Redis, its answer as text."""
        return await redis_command("127.0.0.1", self.plan.ports.one("redis"), *words)

    async def _stop_together(self, names: list[str], seconds: float) -> None:
        leaving = [c for (name, _), c in self.children.items() if name in names and c.running]
        for child in leaving:
            child.signal(signal.SIGCONT)
            child.signal(signal.SIGTERM)
        for child in leaving:
            await self._until_gone(child, seconds)
            self.say(f"{child.part.label} ended")

    async def _until_gone(self, child: Child, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while child.running:
            if time.monotonic() > deadline:
                self.say(f"{child.part.label} did not end in {seconds:.0f} s and is killed")
                child.signal(signal.SIGKILL)
                deadline += seconds
            await asyncio.sleep(POLL_SECONDS)


def make_stack(
    wishes: Wishes, *, ports: Ports | None = None, choices: Choices | None = None
) -> Stack:
    """A stack that is planned and not yet started; free ports unless told.

    Raises WrongConfigurationError where the environment is half set.
    """
    chosen = choices or choose(wishes.env)
    key_folder = wishes.data_dir / "keys"
    plan = Plan(
        wishes=wishes,
        choices=chosen,
        ports=ports or anywhere(process_counts(wishes, chosen)),
        secrets=keys.load_or_make(key_folder, wishes.env),
        coze_keys=coze_key_pair(key_folder),
    )
    return Stack(plan)


def bare_environment() -> dict[str, str]:
    """The environment of this process without anybody's settings: what tests start from."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}


@asynccontextmanager
async def running_stack(wishes: Wishes) -> AsyncIterator[Stack]:
    """A started stack on free ports, ended at the end. The environment is bare but for `wishes`."""
    stack = make_stack(replace(wishes, env={**bare_environment(), **wishes.env}))
    try:
        await stack.start()
        yield stack
    finally:
        with contextlib.suppress(ProcessLookupError):
            await stack.stop(seconds=10)
