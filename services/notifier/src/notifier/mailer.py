"""Hands one letter to the mail server, and sorts what it answers.

accepted by somebody               the recipients who are left
5xx to sender, recipients or data  Undeliverable: the server will say so again tomorrow
everything else                    NotSent: 4xx, no connection, a wrong login or certificate
                                   (the operator can mend those), a break, silence
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiosmtplib

from notifier.errors import NotSent, Undeliverable
from notifier.letters import Letter

_GOODBYE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    username: str | None
    password: str | None
    ca_file: Path | None
    timeout_seconds: float
    deadline_seconds: float


class Mailer:
    """One connection a letter: letters are few, and an old connection is a way to lose one."""

    def __init__(self, server: MailServer, *, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._tls: ssl.SSLContext | None = None
        if server.tls != "none":
            self._tls = ssl.create_default_context(cafile=server.ca_file)

    async def send(self, letter: Letter) -> list[str]:
        """Who gets it. Raises NotSent, Undeliverable; returns once the server has taken it, and
        nothing that happens after that can undo it."""
        client = self._client()
        try:
            async with asyncio.timeout(self._server.deadline_seconds):
                await client.connect()
                if self._server.username and self._server.password:
                    await client.login(self._server.username, self._server.password)
                return await self._hand_over(client, letter)
        except TimeoutError:
            raise NotSent("no answer in time") from None
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise NotSent(_told(error)) from error
        finally:
            await _leave(client)

    async def _hand_over(self, client: aiosmtplib.SMTP, letter: Letter) -> list[str]:
        try:
            refused, _ = await client.sendmail(self._sender, list(letter.recipients), letter.raw())
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            told = "; ".join(_told(one) for one in error.recipients)
            if all(code >= 500 for code in codes):
                raise Undeliverable(told) from error
            raise NotSent(told) from error
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= 500:
                raise Undeliverable(_told(error)) from error
            raise
        return [address for address in letter.recipients if address not in refused]

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout_seconds,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
        )


async def _leave(client: aiosmtplib.SMTP) -> None:
    if client.is_connected:
        with contextlib.suppress(TimeoutError, aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await client.quit()
    client.close()


def _told(error: Exception) -> str:
    """For logs, the ledger and the session; one line, bounded."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        text = f"{error.code} {error.message}"
    else:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]
