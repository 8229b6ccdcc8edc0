"""Starts a mail catcher inside a test, on free ports."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from dev.mailcatcher.catcher import Catcher, catching
from dev.mailcatcher.mailbox import Mail
from dev.mailcatcher.reading import detail
from dev.mailcatcher.settings import MailcatcherSettings


@dataclass(frozen=True, slots=True)
class RunningMailcatcher:
    """A running catcher: where to send, what came, and how to make it misbehave."""

    catcher: Catcher
    username: str
    password: str

    @property
    def smtp_host(self) -> str:
        return "127.0.0.1"

    @property
    def smtp_port(self) -> int:
        return self.catcher.smtp_port

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.catcher.web_port}"

    @property
    def ca_pem(self) -> str:
        """Trust this to accept the certificate that `starttls` shows."""
        return self.catcher.ca_pem

    @property
    def mails(self) -> list[Mail]:
        """What was kept, oldest first."""
        return list(self.catcher.mailbox.mails.values())

    def details(self) -> list[dict[str, Any]]:
        """The same taken apart: subject, message_id, text, html, headers, …"""
        return [detail(mail) for mail in self.mails]

    def arm(self, fault: str, *, times: int | None = 1) -> None:
        """The same as `POST /api/faults`."""
        self.catcher.armoury.arm(fault, times=times)


@asynccontextmanager
async def running_mailcatcher(**settings: Any) -> AsyncIterator[RunningMailcatcher]:
    """`async with running_mailcatcher(folder=tmp_path) as mails`."""
    chosen = MailcatcherSettings(**{"smtp_port": 0, "web_port": 0, **settings})
    async with catching(chosen) as catcher:
        yield RunningMailcatcher(
            catcher=catcher, username=chosen.username, password=chosen.password
        )
