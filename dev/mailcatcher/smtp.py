"""The SMTP side: takes every mail for everybody, and misbehaves as the armed faults say."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from dev.mailcatcher.certificates import Certificates
from dev.mailcatcher.faults import Armoury
from dev.mailcatcher.mailbox import Mailbox

HANG_SECONDS = 3600


@dataclass(slots=True)
class Postman:
    """Answers RCPT and DATA (the hook names are aiosmtpd's)."""

    mailbox: Mailbox
    armoury: Armoury

    async def handle_RCPT(  # noqa: N802 - named and called by aiosmtpd
        self,
        server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        fault = self.armoury.take_recipient()
        if fault == "drop_before_data":
            _drop(server)
        elif fault is not None:
            return f"{fault.removeprefix('rcpt_')} simulated"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        fault = self.armoury.take_message()
        if fault is not None and fault.isdigit():
            return f"{fault} simulated"
        if fault in (None, "drop_after_data", "hang_after_data"):
            raw = envelope.content or b""
            raw = raw.encode() if isinstance(raw, str) else raw
            self.mailbox.keep(envelope.mail_from or "", envelope.rcpt_tos, raw)
        if fault in ("drop_in_data", "drop_after_data"):
            _drop(server)
        if fault in ("hang", "hang_after_data"):
            await asyncio.sleep(HANG_SECONDS)
        return "250 OK: caught"


@dataclass(slots=True)
class Silent:
    """A protocol that never says a word, or hangs up at once (asyncio calls it)."""

    closes: bool
    transport: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        if self.closes:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Whatever comes is ignored."""

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None

    def pause_writing(self) -> None:
        """Nothing is ever written."""

    def resume_writing(self) -> None:
        """Nothing is ever written."""


@dataclass(slots=True)
class SmtpServer:
    """Makes one protocol a connection, with what that connection is to meet."""

    postman: Postman
    certificates: Certificates
    username: str
    password: str
    open: list[Any] = field(default_factory=list)

    def connect(self) -> asyncio.BaseProtocol:
        faults = self.postman.armoury.take_connection()
        if faults & {"refuse", "hang_greeting"}:
            protocol: Any = Silent(closes="refuse" in faults)
        else:
            protocol = self._smtp(faults)
        self.open = [one for one in self.open if one.transport is not None]
        self.open.append(protocol)
        return protocol  # type: ignore[no-any-return]

    def close(self) -> None:
        for protocol in self.open:
            if protocol.transport is not None:
                protocol.transport.abort()

    def _smtp(self, faults: set[str]) -> SMTP:
        tls = None
        if "bad_certificate" in faults:
            tls = self.certificates.bad
        elif "starttls" in faults:
            tls = self.certificates.good
        with warnings.catch_warnings():
            # aiosmtpd warns of AUTH without TLS, which is exactly what is wanted on loopback.
            warnings.simplefilter("ignore")
            return SMTP(
                self.postman,
                hostname="mailcatcher",
                ident="Fiido Kefu mail catcher",
                enable_SMTPUTF8=True,
                tls_context=tls,
                authenticator=self._authenticate,
                auth_required="auth_required" in faults,
                auth_require_tls=False,
                loop=asyncio.get_running_loop(),
            )

    def _authenticate(
        self,
        _server: SMTP,
        _session: Session,
        _envelope: Envelope,
        _mechanism: str,
        told: LoginPassword,
    ) -> AuthResult:
        wanted = LoginPassword(self.username.encode(), self.password.encode())
        return AuthResult(success=told == wanted, handled=False)


@asynccontextmanager
async def smtp_listening(server: SmtpServer, *, host: str, port: int) -> AsyncIterator[int]:
    """Takes mail while the context is open; yields the port."""
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server.connect, host, port)
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        server.close()
        # One round of the loop lets the aborted connections end their tasks.
        await asyncio.sleep(0)


def _drop(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
