"""Keeps caught mails in memory and, where a folder is named, as files that survive a restart."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

KEPT_MAILS = 2000


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it came over SMTP: its envelope and its bytes."""

    id: str
    received_at: float
    mail_from: str
    rcpt_to: tuple[str, ...]
    raw: bytes


@dataclass(slots=True)
class Mailbox:
    """All caught mails, oldest first; the oldest go when there are too many."""

    now: Callable[[], float]
    folder: Path | None = None
    mails: dict[str, Mail] = field(default_factory=dict)

    def load(self) -> None:
        """Reads the folder back; a mail whose envelope is missing or broken is left out."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for envelope_file in sorted(self.folder.glob("*.json")):
            try:
                envelope = json.loads(envelope_file.read_text())
                raw = envelope_file.with_suffix(".eml").read_bytes()
                mail = Mail(
                    id=envelope_file.stem,
                    received_at=float(envelope["received_at"]),
                    mail_from=str(envelope["mail_from"]),
                    rcpt_to=tuple(envelope["rcpt_to"]),
                    raw=raw,
                )
            except (OSError, ValueError, KeyError, TypeError):
                continue
            self.mails[mail.id] = mail

    def keep(self, mail_from: str, rcpt_to: list[str], raw: bytes) -> Mail:
        """Adds a mail; its files are whole before it is answered for."""
        at = self.now()
        mail = Mail(
            id=f"{int(at * 1000):013d}-{secrets.token_hex(4)}",
            received_at=at,
            mail_from=mail_from,
            rcpt_to=tuple(rcpt_to),
            raw=raw,
        )
        self._write(mail)
        self.mails[mail.id] = mail
        while len(self.mails) > KEPT_MAILS:
            self.drop(next(iter(self.mails)))
        return mail

    def drop(self, mail_id: str) -> bool:
        """Removes one mail; False when there is none of this id."""
        if self.mails.pop(mail_id, None) is None:
            return False
        if self.folder is not None:
            for suffix in (".json", ".eml"):
                (self.folder / f"{mail_id}{suffix}").unlink(missing_ok=True)
        return True

    def clear(self) -> None:
        for mail_id in list(self.mails):
            self.drop(mail_id)

    def _write(self, mail: Mail) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        envelope = {
            "received_at": mail.received_at,
            "mail_from": mail.mail_from,
            "rcpt_to": list(mail.rcpt_to),
        }
        (self.folder / f"{mail.id}.eml").write_bytes(mail.raw)
        (self.folder / f"{mail.id}.json").write_text(json.dumps(envelope))
