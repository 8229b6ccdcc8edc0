"""What a service's wiring gets from the process it runs in: supervision, checks, drain."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from common.app.guard import Guard, VerifyKey
from common.clock import Clock
from common.errors import Unavailable
from common.events.agents import TokensRevoked
from common.events.base import Event
from common.metrics import Metrics
from common.security.internal import InternalSigner, InternalVerifier
from common.security.revocation import Revocations
from common.security.tokens import AgentClaims, TokenVerifier
from common.settings import ServiceSettings

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]
Hook = Callable[[], Awaitable[None]]

_CHECK_SECONDS = 2.0
# Tasks that were cancelled get this long to put things in order.
_STOP_SECONDS = 5.0
# A hook told to end in time should be let end: it is cut this much later.
_HOOK_GRACE_SECONDS = 3.0


class TailEntry(Protocol):
    """What `common.bus.entry.Entry` offers."""

    @property
    def type(self) -> str: ...

    def event(self) -> Event: ...


class BusTail(Protocol):
    """What `common.bus.tail.Tail` offers; tests give their own."""

    def listen(self, listener: Callable[[Any], None]) -> Callable[[], None]: ...

    async def run(self) -> None: ...

    async def ready(self) -> None: ...

    def failing_for(self, now: float) -> float: ...


class Chassis:
    """One per app. `wire(chassis)` uses it to say what runs, what must be up, what drains.

    `draining` is true from SIGTERM on; `failed` names the supervised task whose death ends the
    process."""

    def __init__(self, *, name: str, settings: ServiceSettings, clock: Clock) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics(name)
        self.revocations = Revocations(clock)
        secret = settings.internal_secret.get_secret_value()
        self.signer = InternalSigner(secret, name, clock)
        self.tokens = TokenVerifier(
            visitor_keys=settings.visitor_token_public_key,
            agent_keys=settings.agent_token_public_key,
            clock=clock,
        )
        self.guard = Guard(
            tokens=self.tokens,
            # what comes from outside can't carry the services' credential
            internal=None if name == "gateway" else InternalVerifier(secret, name, clock),
            revocations=self.revocations,
            clock=clock,
        )
        self.draining = False
        self.started = False
        self.failed: str | None = None
        self.facts: dict[str, Callable[[], object]] = {}
        self._checks: dict[str, Check] = {}
        self._hooks: list[Hook] = []
        self._hurry = asyncio.Event()
        self._supervised: list[asyncio.Task[Any]] = []
        self._background: set[asyncio.Task[Any]] = set()
        self._stopping = False

    # --- said by the wiring ----------------------------------------------------------------
    def add_check(self, name: str, check: Check) -> None:
        """Ready means that no check raises; `name` shows in /health/ready."""
        self._checks[name] = check

    def add_fact(self, name: str, fact: Callable[[], object]) -> None:
        """Shows in /health/ready without deciding it: what operators want to know beside."""
        self.facts[name] = fact

    def on_drain(self, hook: Hook) -> None:
        """Runs on SIGTERM, beside the others, within `drain_seconds`; the app still serves."""
        self._hooks.append(hook)

    def supervise(self, coro: Coroutine[Any, Any, object], name: str) -> None:
        """Run for the life of the process: that it ends, however it ends, ends the process."""
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._supervised.append(task)
        task.add_done_callback(self._ended)

    def spawn(self, coro: Coroutine[Any, Any, object], name: str) -> asyncio.Task[Any]:
        """Run beside the request that asked for it; a failure is logged and counted. Cancelled
        at exit, so what must end well belongs into an `on_drain` hook as well."""
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def verify_keys_with(self, verify: VerifyKey) -> None:
        """How API keys are checked; without it no route takes any."""
        self.guard.verify_key = verify

    def on_agent_call(self, seen: Callable[[AgentClaims], None]) -> None:
        """Told of every call an agent makes with a good token: a heartbeat. Must not block."""
        self.guard.on_agent = seen

    def follow(self, tail: BusTail) -> None:
        """Run the tail and learn revocations from it; until it is ready agents get 503."""

        def learn(entry: TailEntry) -> None:
            if entry.type == TokensRevoked.type:
                event = entry.event()
                if isinstance(event, TokensRevoked):
                    self.revocations.apply(event)

        tail.listen(learn)
        self.supervise(tail.run(), "tail")
        self.supervise_once(self._trust(tail), "tail ready")
        self.add_check("tail", self._trusted)

    def supervise_once(self, coro: Coroutine[Any, Any, object], name: str) -> None:
        """As `supervise`, for work that may end well."""
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._supervised.append(task)
        task.add_done_callback(self._failed_only)

    # --- done by the process ---------------------------------------------------------------
    async def check(self) -> dict[str, str]:
        """Every check's state, `ok` or the kind of failure; all run at once, in 2 s at most."""
        names = list(self._checks)
        states = await asyncio.gather(*(self._state(self._checks[name]) for name in names))
        return dict(zip(names, states, strict=True))

    def hurry(self) -> None:
        """A second signal: whoever sent it doesn't want to wait for the drain."""
        self._hurry.set()

    async def drain(self) -> None:
        """Not ready first, then the hooks; a hook that fails or hangs keeps nobody."""
        if self.draining:
            return
        self.draining = True
        log.info("draining", extra={"hooks": len(self._hooks)})
        if not self._hooks:
            return
        tasks = [asyncio.ensure_future(hook()) for hook in self._hooks]
        hurry = asyncio.ensure_future(self._hurry.wait())
        finished = asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait(
            (finished, hurry),
            timeout=self.settings.drain_seconds + _HOOK_GRACE_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        hurry.cancel()
        done, late = ([t for t in tasks if t.done()], [t for t in tasks if not t.done()])
        for task in late:
            task.cancel()
        for task in done:
            if not task.cancelled() and (error := task.exception()):
                log.error("drain hook failed", exc_info=error)
        if late:
            log.warning("drain hooks cut short", extra={"hooks": len(late)})

    async def stop(self) -> None:
        """Cancel what runs, the newest first, and wait until it has put things in order."""
        self._stopping = True
        tasks = [*self._background, *reversed(self._supervised)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)

    async def _state(self, check: Check) -> str:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await check()
        except TimeoutError:
            return "timeout"
        except Exception as error:
            log.debug("check failed", exc_info=True)
            return type(error).__name__
        return "ok"

    async def _trust(self, tail: BusTail) -> None:
        await tail.ready()
        self.revocations.watch(tail.failing_for)

    async def _trusted(self) -> None:
        if not self.revocations.trusted():
            raise Unavailable(reason="bus")

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()
        self._die(task.get_name(), error)

    def _failed_only(self, task: asyncio.Task[Any]) -> None:
        if self._stopping or task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._die(task.get_name(), error)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("background task failed", exc_info=error, extra={"task": task.get_name()})
        self.metrics.counter("background_failures", "Background tasks that failed.").inc()

    def _die(self, name: str, error: BaseException | None) -> None:
        log.critical("supervised task ended", exc_info=error, extra={"task": name})
        self.failed = self.failed or name
