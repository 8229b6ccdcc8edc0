"""Puts the mail catcher together: SMTP on one port, the page on another."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dev.mailcatcher.certificates import make_certificates
from dev.mailcatcher.faults import Armoury
from dev.mailcatcher.mailbox import Mailbox
from dev.mailcatcher.settings import MailcatcherSettings
from dev.mailcatcher.smtp import Postman, SmtpServer, smtp_listening
from dev.mailcatcher.web import handler
from dev.wire import listening


@dataclass(frozen=True, slots=True)
class Catcher:
    """A running mail catcher."""

    smtp_port: int
    web_port: int
    mailbox: Mailbox
    armoury: Armoury
    ca_pem: str


@asynccontextmanager
async def catching(settings: MailcatcherSettings) -> AsyncIterator[Catcher]:
    """Catches mail while the context is open."""
    mailbox = Mailbox(now=time.time, folder=settings.folder)
    mailbox.load()
    armoury = Armoury()
    certificates = make_certificates()
    smtp = SmtpServer(
        postman=Postman(mailbox=mailbox, armoury=armoury),
        certificates=certificates,
        username=settings.username,
        password=settings.password,
    )
    web = handler(mailbox, armoury)
    async with (
        smtp_listening(smtp, host=settings.host, port=settings.smtp_port) as smtp_port,
        listening(web, host=settings.host, port=settings.web_port) as web_port,
    ):
        yield Catcher(
            smtp_port=smtp_port,
            web_port=web_port,
            mailbox=mailbox,
            armoury=armoury,
            ca_pem=certificates.ca_pem,
        )
