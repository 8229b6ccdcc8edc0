"""How the SMTP server can misbehave: by connection, by recipient, or by message.

A number is a fault too: the answer to DATA, for example `451`; `rcpt_550` is one to RCPT.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

FAULTS: dict[str, str] = {
    "refuse": "closes the connection before the greeting",
    "hang_greeting": "accepts the connection and never greets",
    "starttls": "offers STARTTLS with a certificate for 127.0.0.1 signed by the catcher's CA",
    "bad_certificate": "offers STARTTLS with a certificate nobody signed, for another host",
    "auth_required": "takes mail only after AUTH with MAILCATCHER_USERNAME and _PASSWORD",
    "drop_before_data": "closes the connection after RCPT, nothing is kept",
    "drop_in_data": "takes the message, closes without an answer, nothing is kept",
    "drop_after_data": "takes and keeps the message, closes without an answer",
    "hang": "takes the message and never answers, nothing is kept",
    "hang_after_data": "takes and keeps the message and never answers",
}
BY_CONNECTION = ("refuse", "hang_greeting", "starttls", "bad_certificate", "auth_required")


class UnknownFaultError(Exception):
    """No fault has this name."""


@dataclass(slots=True)
class Armed:
    """A fault that waits for its next connections or messages; `times` None is for ever."""

    name: str
    times: int | None


@dataclass(slots=True)
class Armoury:
    """The armed faults; the oldest that fits is met first."""

    armed: list[Armed] = field(default_factory=list)

    def arm(self, name: str, *, times: int | None = 1) -> None:
        """Raises UnknownFaultError."""
        if name not in FAULTS and not (_is_code(name) or _is_code(name.removeprefix("rcpt_"))):
            raise UnknownFaultError(name)
        self.armed.append(Armed(name=name, times=times))

    def take_connection(self) -> set[str]:
        """All faults of the next connection."""
        return {self._use(armed) for armed in list(self.armed) if armed.name in BY_CONNECTION}

    def take_recipient(self) -> str | None:
        """The fault that the next RCPT meets."""
        return self._first(lambda name: name.startswith("rcpt_") or name == "drop_before_data")

    def take_message(self) -> str | None:
        """The fault that the next message meets after its last dot."""
        later = ("drop_in_data", "drop_after_data", "hang", "hang_after_data")
        return self._first(lambda name: name in later or _is_code(name))

    def _first(self, fits: Callable[[str], bool]) -> str | None:
        found = next((armed for armed in self.armed if fits(armed.name)), None)
        return None if found is None else self._use(found)

    def _use(self, armed: Armed) -> str:
        if armed.times is not None:
            armed.times -= 1
            if armed.times <= 0:
                self.armed.remove(armed)
        return armed.name


def _is_code(name: str) -> bool:
    return name.isdigit() and 200 <= int(name) < 600
