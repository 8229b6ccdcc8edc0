"""Takes letters that are due out of the ledger and gets them to the mail server.

Every replica runs one; the ledger's claims keep them apart. A letter whose sender died is due
again when its lease ends.
"""

import asyncio
import logging
from collections.abc import Callable
from email.errors import MessageError

from common.bus.entry import Entry
from common.clock import Clock
from common.errors import ServiceError
from common.events import Event, MailRequested
from common.ids import NewId
from common.metrics import Metrics

from notifier.errors import NotSent, Undeliverable
from notifier.ledger import Claimed, Ledger
from notifier.letters import Letter, Letters
from notifier.mailer import Mailer

log = logging.getLogger(__name__)

# Of the time between the end of a send and the end of its lease, what recording it may take.
_RECORD_SHARE = 0.9
_RECORD_PAUSE_SECONDS = 0.3


class Delivery:
    """`accept` is the bus handler, `run` the sender; `drain` lets what is on its way arrive."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        ledger: Ledger,
        letters: Letters,
        mailer: Mailer,
        metrics: Metrics,
        retry_after: tuple[float, ...],
        deadline_seconds: float,
        margin_seconds: float,
        transcripts_an_hour: int,
        poll_seconds: float,
        parallel: int,
        clock: Clock,
        new_id: NewId,
        jitter: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._letters = letters
        self._mailer = mailer
        self._retry_after = retry_after
        # nobody sends what is being sent, nor what is out and about to be recorded
        self._lease_seconds = deadline_seconds + margin_seconds
        self._record_seconds = margin_seconds * _RECORD_SHARE
        self._transcripts_an_hour = transcripts_an_hour
        self._poll_seconds = poll_seconds
        self._parallel = parallel
        self._clock = clock
        self._new_id = new_id
        self._jitter = jitter
        self._under_way: set[str] = set()
        self._wake = asyncio.Event()
        self._draining = False
        self.smtp = "unknown"
        self._mails = metrics.counter("mails", "Attempts to send a letter.", ["kind", "outcome"])
        self._open = metrics.gauge("mails_open", "Letters that are waiting or being sent.")
        self._dead = metrics.counter("mail_dead_letters", "Letters given up.", ["kind"])
        self._seconds = metrics.histogram("mail_send_seconds", "How long a send took.")

    async def accept(self, event: Event, _entry: Entry) -> None:
        """Handler of `mail.requested`. Twice is once."""
        if not isinstance(event, MailRequested):
            return
        await self._ledger.accept(self._letters.id_of(event), event, now=self._clock())
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    for message_id in await self._due():
                        self._under_way.add(message_id)
                        group.create_task(self._deliver(message_id))
                except ServiceError as error:
                    log.warning("ledger out of reach", extra={"code": error.code})
                await self._pause()

    async def drain(self) -> None:
        """Nothing new is begun; what is on its way is waited for."""
        self._draining = True
        while self._under_way:
            self._wake.clear()
            await self._wake.wait()

    async def _due(self) -> list[str]:
        room = self._parallel - len(self._under_way)
        if room <= 0 or self._draining:
            return []
        self._open.set(await self._ledger.open_letters())
        # those under way are not due: their lease lasts longer than they do
        found = await self._ledger.due(self._clock(), count=room + len(self._under_way))
        return [one for one in found if one not in self._under_way][:room]

    async def _pause(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _deliver(self, message_id: str) -> None:
        try:
            letter = await self._ledger.claim(
                message_id,
                self._new_id(),
                now=self._clock(),
                lease_seconds=self._lease_seconds,
            )
            if letter is not None:
                await self._attempt(letter)
        except ServiceError as error:
            # the lease ends and the letter is due again
            log.warning("ledger out of reach", extra={"code": error.code})
        finally:
            self._under_way.discard(message_id)
            self._wake.set()

    async def _attempt(self, letter: Claimed) -> None:
        try:
            with self._seconds.time():
                composed = self._letters.compose(letter.request, now=self._clock())
                await self._spare(letter, composed)
                email_to = await self._mailer.send(composed)
        except NotSent as error:
            self.smtp = "failing"
            await self._later(letter, str(error))
        except (Undeliverable, MessageError, ValueError, LookupError) as error:
            # what can't be composed today can't be tomorrow
            await self._give_up(letter, f"{error}" or type(error).__name__)
        else:
            self.smtp = "ok"
            self._count(letter, "sent")
            await self._record_sent(letter, email_to)

    async def _spare(self, letter: Claimed, composed: Letter) -> None:
        """Raises Undeliverable where a visitor's address got enough transcripts this hour."""
        if letter.request.kind != "transcript":
            return
        now, limit = self._clock(), self._transcripts_an_hour
        if not await self._ledger.admit(letter, composed.recipients[0], now=now, limit=limit):
            raise Undeliverable("too many transcripts to this address this hour")

    async def _record_sent(self, letter: Claimed, email_to: list[str]) -> None:
        """The mail server has it: forgetting that would send it again."""
        log.info("letter sent", extra=_about(letter))
        try:
            async with asyncio.timeout(self._record_seconds):
                while True:
                    if await self._recorded(letter, email_to):
                        return
                    await asyncio.sleep(_RECORD_PAUSE_SECONDS)
        except TimeoutError:
            log.error("sent letter not recorded: it will go out again", extra=_about(letter))

    async def _recorded(self, letter: Claimed, email_to: list[str]) -> bool:
        try:
            await self._ledger.sent(letter, email_to, now=self._clock())
        except ServiceError as error:
            log.warning("sent letter not recorded yet", extra={"code": error.code})
            return False
        return True

    async def _later(self, letter: Claimed, error: str) -> None:
        if letter.attempt > len(self._retry_after):
            await self._give_up(letter, error)
            return
        delay = self._retry_after[letter.attempt - 1] * self._jitter()
        log.warning("letter not sent yet", extra={**_about(letter), "error": error})
        now = self._clock()
        await self._ledger.retry(letter, error, now=now, next_at=now + delay)
        self._count(letter, "retried")

    async def _give_up(self, letter: Claimed, error: str) -> None:
        log.error("letter given up", extra={**_about(letter), "error": error})
        await self._ledger.failed(letter, error, now=self._clock())
        self._count(letter, "failed")
        self._dead.labels(letter.request.kind).inc()

    def _count(self, letter: Claimed, outcome: str) -> None:
        self._mails.labels(letter.request.kind, outcome).inc()


def _about(letter: Claimed) -> dict[str, object]:
    return {
        "message_id": letter.message_id,
        "session_name": letter.request.session_name,
        "attempt": letter.attempt,
    }
