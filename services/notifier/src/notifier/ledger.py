"""The ledger of letters in Redis: each is sent once, retried on schedule, by any replica.

    waiting ──claim──▶ sending ──▶ sent     mail.sent on the bus in the same step
       ▲                  │  └───▶ failed   mail.failed, kept with its request: a dead letter
       └── retry, or the lease ended

The one window: a sender that dies between the mail server's 250 and `sent` leaves a letter that
is due again when its lease ends; it goes out once more, under the same Message-ID.
"""

import hashlib
from dataclasses import dataclass

from common.events import Event, MailFailed, MailRequested, MailSent, encode
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.redis.scripts import load_script

SOURCE = "notifier"
REMEMBER_SECONDS = 30 * 86_400
_HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter that is ours until the lease ends; `attempt` counts this one."""

    message_id: str
    claim: str
    request: MailRequested
    attempt: int


class Ledger:
    """Scripts over `letter` and `letters-due`. Redis away: StateUnavailable from every call."""

    def __init__(self, redis: RedisClient, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._accept = load_script("notifier_accept")
        self._claim = load_script("notifier_claim")
        self._settle = load_script("notifier_settle")
        self._admit = load_script("notifier_admit")

    async def accept(self, message_id: str, request: MailRequested, *, now: float) -> bool:
        """False where this letter was asked for before."""
        entered = await self._redis.run(
            self._accept,
            [self._keys.letter(message_id), self._keys.letters_due()],
            [message_id, round(now, 3), request.model_dump_json(), REMEMBER_SECONDS],
        )
        return bool(entered)

    async def due(self, now: float, *, count: int) -> list[str]:
        """Message-IDs whose time has come, the longest waiting first."""
        found = await self._redis.zrangebyscore(
            self._keys.letters_due(), "-inf", round(now, 3), count=count
        )
        return [message_id.decode() for message_id in found]

    async def open_letters(self) -> int:
        """How many are waiting or being sent."""
        return await self._redis.zcard(self._keys.letters_due())

    async def claim(
        self, message_id: str, claim: str, *, now: float, lease_seconds: float
    ) -> Claimed | None:
        """None where somebody else has it, or it is done."""
        reply = await self._redis.run(
            self._claim,
            [self._keys.letter(message_id), self._keys.letters_due()],
            [message_id, round(now, 3), claim, round(now + lease_seconds, 3)],
        )
        if reply is None:
            return None
        request, attempts = reply
        return Claimed(message_id, claim, MailRequested.model_validate_json(request), int(attempts))

    async def admit(self, letter: Claimed, address: str, *, now: float, limit: int) -> bool:
        """May this address of a visitor get another letter this hour?"""
        digest = hashlib.sha256(address.lower().encode()).hexdigest()[:32]
        admitted = await self._redis.run(
            self._admit,
            [self._keys.letters_to(digest)],
            [letter.message_id, round(now, 3), _HOUR_SECONDS, limit],
        )
        return bool(admitted)

    async def sent(self, letter: Claimed, email_to: list[str], *, now: float) -> bool:
        event = MailSent(
            session_name=letter.request.session_name,
            escalation_id=letter.request.escalation_id,
            kind=letter.request.kind,
            message_id=letter.message_id,
            email_to=email_to,
            sent_at=round(now, 3),
        )
        return await self._done(letter, "sent", event, error="", now=now)

    async def failed(self, letter: Claimed, error: str, *, now: float) -> bool:
        event = MailFailed(
            session_name=letter.request.session_name,
            escalation_id=letter.request.escalation_id,
            kind=letter.request.kind,
            message_id=letter.message_id,
            error=error,
            at=round(now, 3),
        )
        return await self._done(letter, "failed", event, error=error, now=now)

    async def retry(self, letter: Claimed, error: str, *, now: float, next_at: float) -> bool:
        return await self._write(letter, "retry", now=now, next_at=next_at, error=error)

    async def _done(
        self, letter: Claimed, outcome: str, event: Event, *, error: str, now: float
    ) -> bool:
        fields = encode(
            event,
            # the same outcome of the same letter is the same event, whoever tells it
            event_id=f"{letter.message_id}:{outcome}",
            source=SOURCE,
            subject=letter.request.session_name,
            time=now,
        )
        flat = [part for pair in fields.items() for part in pair]
        return await self._write(letter, outcome, *flat, now=now, next_at=0, error=error)

    async def _write(
        self,
        letter: Claimed,
        outcome: str,
        *event: str | bytes,
        now: float,
        next_at: float,
        error: str,
    ) -> bool:
        keys = self._keys
        written = await self._redis.run(
            self._settle,
            [keys.letter(letter.message_id), keys.letters_due(), keys.bus()],
            [
                letter.message_id,
                round(now, 3),
                letter.claim,
                outcome,
                round(next_at, 3),
                error,
                *event,
            ],
        )
        return bool(written)
