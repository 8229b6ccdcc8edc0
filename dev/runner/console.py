"""`make run`: starts the stack, says where everything is, restarts what dies, ends it cleanly."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.runner import first_admin, guard
from dev.runner.child import Child
from dev.runner.choices import WrongConfigurationError, base_port, choose, hours, replicas
from dev.runner.plan import SERVICES, Plan, Wishes, process_counts
from dev.runner.ports import PortsTakenError, next_to
from dev.runner.stack import NotReadyError, Stack, StoppedError, make_stack

WATCH_SECONDS = 0.2
BACKOFF_SECONDS = (0.5, 1, 2, 5, 10)
# Running this long counts as healthy: the next death starts with the shortest pause again.
HEALTHY_SECONDS = 30
# common.app.serve ends so on wrong settings: starting again would change nothing.
WRONG_SETTINGS = 2


def say(line: str) -> None:
    """One line for whoever looks at the terminal."""
    print(line, flush=True)


def run(*, data_dir: Path, env: Mapping[str, str], told_replicas: str) -> int:
    """The whole command; the exit status."""
    try:
        choices = choose(env)
        counts = replicas(told_replicas, SERVICES)
        host = env.get("HOST", "").strip() or "127.0.0.1"
        told = {**env, **hours(env)}
        wishes = Wishes(data_dir=data_dir, env=told, counts=counts, host=host)
        ports = next_to(base_port(env), process_counts(wishes, choices))
        about = {"pid": os.getpid(), "redis_port": ports.of.get("redis", (0,))[0]}
        about["smtp_port"] = ports.of.get("mailcatcher", (0,))[0]
        with guard.holding(data_dir, about):
            stack = make_stack(wishes, ports=ports, choices=choices)
            return asyncio.run(Console(stack).run())
    except WrongConfigurationError as error:
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        print(f"The environment is not right, nothing was started:\n{lines}", file=sys.stderr)
        return 2
    except (PortsTakenError, guard.AlreadyRunningError) as error:
        print(f"Nothing was started: {error}", file=sys.stderr)
        return 1


@dataclass(slots=True)
class Console:
    """One run, from start to end."""

    stack: Stack
    ends: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: dict[str, int] = field(default_factory=dict)

    async def run(self) -> int:
        """The exit status: 0 after Ctrl-C or SIGTERM, 1 when the start failed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_end)
        self.stack.say = lambda line: say(f"  {line}")
        self.stack.given_up = self.ends.is_set
        say(f"Fiido Kefu starts (data in {_short(self.stack.data_dir)})")
        code = 0
        try:
            await self.stack.start()
            say(welcome(self.stack.plan))
            self._show_first_admin()
            await self._watch()
        except StoppedError:
            pass
        except NotReadyError as error:
            print(f"\nThe start failed: {error}", file=sys.stderr)
            print(f"All logs are in {_short(self.stack.logs_dir)}", file=sys.stderr)
            code = 1
        finally:
            await self._stop()
        return code

    def _asked_to_end(self) -> None:
        if self.ends.is_set():
            say("again: everything is killed now")
            self.stack.kill_now()
        self.ends.set()

    async def _stop(self) -> None:
        say("\nEnding; press Ctrl-C again to end at once")
        began = time.monotonic()
        await self.stack.stop()
        say(f"All ended after {time.monotonic() - began:.1f} s; the data stays.")

    async def _watch(self) -> None:
        """Restarts whatever dies until the end is asked for."""
        async with asyncio.TaskGroup() as group:
            for child in self.stack.children.values():
                group.create_task(self._keep_alive(child))

    async def _keep_alive(self, child: Child) -> None:
        while not self.ends.is_set():
            if child.running:
                await self._sleep(WATCH_SECONDS)
            elif not await self._bring_back(child):
                return

    async def _bring_back(self, child: Child) -> bool:
        """Starts a dead one again after a pause; False when that would be of no use."""
        label, code = child.part.label, child.exit_code
        if code == WRONG_SETTINGS:
            say(f"! {label} refuses its settings and stays down:\n{child.tail()}")
            return False
        healthy = time.monotonic() - child.started_at > HEALTHY_SECONDS
        self.deaths[label] = 0 if healthy else self.deaths.get(label, -1) + 1
        pause = BACKOFF_SECONDS[min(self.deaths[label], len(BACKOFF_SECONDS) - 1)]
        say(f"! {label} died ({_cause(code)}); it starts again in {pause} s")
        await self._sleep(pause)
        if self.ends.is_set():
            return False
        child.start()
        try:
            await self.stack.until_ready(child)
        except NotReadyError as error:
            say(f"! {error}")
        except StoppedError:
            return False
        return True

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.ends.wait()
        except TimeoutError:
            pass

    def _show_first_admin(self) -> None:
        auth = self.stack.children.get(("auth", 0))
        if auth is None:
            return
        found = first_admin.take(auth.log_path, start=auth.log_start)
        if found is not None:
            say(f"  first admin  {found[0]}  password {found[1]}")
            say("               shown this once; `make admin-reset` sets a new one\n")


def welcome(plan: Plan) -> str:
    """Where everything is, and what of it is real."""
    wildcard = plan.wishes.host in ("0.0.0.0", "::")
    host = "127.0.0.1" if wildcard else plan.wishes.host
    site = f"http://{host}:{plan.ports.one('gateway')}"
    more = [f"http://{host}:{port}" for port in plan.ports.of["gateway"][1:]]
    lines = [
        "",
        "Ready.",
        f"  demo shop    {site}/",
        f"  workbench    {site}/agent/",
        f"  API          {site}/api/docs",
        *([f"  gateways     {', '.join([site, *more])}"] if more else []),
        f"  Coze         {_coze_line(plan)}",
        f"  mail         {_mail_line(plan)}",
        f"  Redis        {_redis_line(plan)}",
        f"  hours        {_hours_line(plan.wishes.env)}",
        f"  logs         {_short(plan.wishes.data_dir / 'logs')}",
    ]
    return "\n".join(lines)


def _coze_line(plan: Plan) -> str:
    if plan.choices.real_coze:
        return f"real: {plan.wishes.env['COZE_API_BASE']}"
    return f"SIMULATOR on {plan.url('simulator')}, no COZE_* is set: answers are made up"


def _mail_line(plan: Plan) -> str:
    if plan.choices.real_mail:
        return f"real: {plan.wishes.env['SMTP_HOST']}"
    return f"caught, nothing leaves; read it at {plan.url('mailcatcher-page')}/"


def _redis_line(plan: Plan) -> str:
    if plan.choices.redis_url:
        return f"yours: {plan.choices.redis_url.rpartition('@')[2]}"
    folder = _short(plan.wishes.data_dir / "redis")
    return f"embedded on port {plan.ports.one('redis')}, kept in {folder}"


def _hours_line(env: Mapping[str, str]) -> str:
    start, end = env.get("HUMAN_SHIFT_START", "09:00"), env.get("HUMAN_SHIFT_END", "18:00")
    if (start, end) == ("00:00", "24:00"):
        return "people are on duty round the clock; HUMAN_SHIFT_START and _END say otherwise"
    return f"{start} to {end}, {env.get('TIMEZONE', 'Asia/Shanghai')}"


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"status {code}"


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
