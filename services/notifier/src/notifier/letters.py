"""What a letter says: an `EmailMessage` of a request, in which nothing a visitor wrote can become
a header, markup or a link of ours.

The visitor's words reach three places: the subject (one line of plain text, encoded-word marks
broken, because the header parser would decode them, line breaks included), the text part (each
line quoted, so that it can't pass for ours), and the HTML part (escaped by jinja2).
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, available_timezones

from common.contracts.common import is_email
from common.events import MailRequested
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notifier.errors import Undeliverable
from notifier.transcript_words import TRANSCRIPTS, transcript_language
from notifier.words import Words, words

_MOST_LINES = 50
_MOST_LETTERS = 4000
_LONGEST_SUBJECT_PART = 60
_LONGEST_FACT = 500
# everything that ends a line somewhere, moves the cursor or turns the writing direction
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    r"\u2028-\u202f\u205f-\u206f\ufeff\ufff0-\uffff\ud800-\udfff]+"
)
_BODY_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ZONES = frozenset(available_timezones())
_ID_PART = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stationery:
    """What all letters of an installation have in common."""

    sender: str
    sender_name: str
    team: tuple[str, ...]
    domain: str
    language: str
    public_url: str
    zone: ZoneInfo
    stale_seconds: float


@dataclass(frozen=True, slots=True)
class Letter:
    """A message and who gets it."""

    message: EmailMessage
    recipients: tuple[str, ...]

    def raw(self) -> bytes:
        return self.message.as_bytes(policy=SMTP)


def message_id(escalation_id: str, kind: str, number: int, *, domain: str) -> str:
    """The letter's name for ever, here and in every mailbox."""
    if not _ID_PART.fullmatch(escalation_id):
        escalation_id = hashlib.sha256(escalation_id.encode("utf-8", "replace")).hexdigest()[:32]
    return f"<{escalation_id}.{kind}.{number}@{domain}>"


class Letters:
    """Composes. Raises Undeliverable where nobody can be written to."""

    def __init__(self, stationery: Stationery) -> None:
        self._stationery = stationery
        folder = FileSystemLoader(Path(__file__).parent / "templates")
        self._html = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)
        # plain text: there is no markup to escape, and `&amp;` would be read as it stands
        self._text = Environment(loader=folder, autoescape=False, undefined=StrictUndefined)  # noqa: S701
        self._text.filters["quoted"] = _quoted

    def id_of(self, request: MailRequested) -> str:
        return message_id(
            request.escalation_id,
            request.kind,
            request.number,
            domain=self._stationery.domain,
        )

    def compose(self, request: MailRequested, *, now: float) -> Letter:
        if request.kind == "transcript":
            return self._transcript(request, now=now)
        return self._team(request, now=now)

    def _team(self, request: MailRequested, *, now: float) -> Letter:
        s = self._stationery
        t = words(s.language)
        urgent = request.severity == "high" or request.cause == "safety"
        reply_to = request.email if request.email and is_email(request.email) else None
        headline = t[f"cause.{request.cause}"]
        about = one_line(request.nickname, _LONGEST_SUBJECT_PART) or one_line(
            request.session_name, _LONGEST_SUBJECT_PART
        )
        subject = f"[{t['brand']}] {t['urgent'] + ' · ' if urgent else ''}{headline} · {about}"
        message = self._envelope(request, subject, to=s.team, now=now)
        if reply_to is not None:
            message["Reply-To"] = Address(addr_spec=reply_to)
        if urgent:
            message["Importance"] = "high"
        if request.kind == "follow_up":
            first = message_id(request.escalation_id, "escalation", 0, domain=s.domain)
            message["In-Reply-To"] = first
            message["References"] = first
        page = f"/agent/sessions/{quote(request.session_name, safe='', errors='replace')}"
        values = {
            "t": t,
            "language": s.language,
            "headline": headline,
            "urgent": urgent,
            "stale": self._stale(request, t, now=now),
            "facts": self._facts(request, t),
            "message": _body_text(request.message or ""),
            "link": s.public_url.rstrip("/") + page,
            "answerable": reply_to is not None,
            **self._excerpt(request, t),
        }
        return Letter(self._parts(message, "team", values), s.team)

    def _transcript(self, request: MailRequested, *, now: float) -> Letter:
        if request.email is None or not is_email(request.email):
            raise Undeliverable("the visitor's address is not one")
        language = transcript_language(request.language)
        t = TRANSCRIPTS[language]
        zone = _zone(request.timezone) or self._stationery.zone
        subject = f"{t.brand} · {t.headline}"
        message = self._envelope(request, subject, to=(request.email,), now=now)
        values = {
            "t": t,
            "language": language,
            "zone": t.zone.format(zone=zone.key),
            "is_cut": request.is_cut,
            "lines": [
                {
                    "role": line.role,
                    "who": one_line(line.name, _LONGEST_SUBJECT_PART) or getattr(t, line.role),
                    "at": _clock(line.timestamp, zone),
                    "content": _body_text(line.content),
                }
                for line in request.lines
            ],
        }
        return Letter(self._parts(message, "transcript", values), (request.email,))

    def _envelope(
        self, request: MailRequested, subject: str, *, to: tuple[str, ...], now: float
    ) -> EmailMessage:
        s = self._stationery
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(one_line(s.sender_name, 80), addr_spec=s.sender)
        message["To"] = [Address(addr_spec=address) for address in to]
        message["Subject"] = subject
        message["Date"] = format_datetime(datetime.fromtimestamp(now, tz=s.zone))
        message["Message-ID"] = self.id_of(request)
        message["Auto-Submitted"] = "auto-generated"
        return message

    def _parts(self, message: EmailMessage, name: str, values: dict[str, Any]) -> EmailMessage:
        message.set_content(self._text.get_template(f"{name}.txt.j2").render(values))
        html = self._html.get_template(f"{name}.html.j2").render(values)
        message.add_alternative(html, subtype="html")
        return message

    def _facts(self, request: MailRequested, t: Words) -> list[tuple[str, str]]:
        name = one_line(request.nickname, _LONGEST_FACT)
        facts = {
            "visitor": f"{name} (VIP)".strip() if request.vip else name,
            "session": one_line(request.session_name, _LONGEST_FACT),
            "at": self._when(request.at),
            "reason": t.get(f"reason.{request.reason}", one_line(request.reason, _LONGEST_FACT)),
            "details": one_line(request.details, _LONGEST_FACT),
            "severity": t[f"severity.{request.severity}"],
            "language": one_line(request.language, 40),
            "email": one_line(request.email or "", 254),
        }
        return [(t[key], value) for key, value in facts.items() if value]

    def _excerpt(self, request: MailRequested, t: Words) -> dict[str, Any]:
        """The newest lines, oldest first."""
        shown = request.lines[-_MOST_LINES:]
        return {
            "more": t["more"] if request.is_cut or len(shown) < len(request.lines) else "",
            "lines": [
                {
                    "role": line.role,
                    "who": one_line(line.name, _LONGEST_SUBJECT_PART) or t[f"role.{line.role}"],
                    "at": self._when(line.timestamp),
                    "content": _body_text(line.content),
                }
                for line in shown
            ],
        }

    def _stale(self, request: MailRequested, t: Words, *, now: float) -> str:
        if now - request.at < self._stationery.stale_seconds:
            return ""
        return t["stale"].format(at=self._when(request.at))

    def _when(self, at: float) -> str:
        zone = self._stationery.zone
        return f"{_clock(at, zone)} ({zone.key})"


def _clock(at: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, tz=zone):%Y-%m-%d %H:%M}"


def _zone(name: str) -> ZoneInfo | None:
    """None for none, and for what is no zone: anybody may send anything."""
    return ZoneInfo(name) if name in _ZONES else None


def one_line(text: str, longest: int) -> str:
    """Fit for a header: one line, nothing invisible, and no encoded word that a parser would
    decode into something else."""
    plain = _UNPRINTABLE.sub(" ", text).replace("=?", "= ?").replace("?=", "? =")
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _body_text(text: str) -> str:
    plain = _BODY_CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return plain if len(plain) <= _MOST_LETTERS else plain[:_MOST_LETTERS] + "…"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))
