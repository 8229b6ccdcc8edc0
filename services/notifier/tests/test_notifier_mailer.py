"""The mailer by itself: TLS from the first byte, partly refused letters."""

import asyncio
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from notifier.errors import NotSent, Undeliverable
from notifier.letters import Letter
from notifier.mailer import Mailer, MailServer

from dev.mailcatcher.certificates import make_certificates


def letter(*recipients: str) -> Letter:
    message = EmailMessage()
    message["Subject"] = "Hallo"
    message.set_content("Grüße\n.\nDot lines stay.\n")
    return Letter(message, recipients)


def mailer(port: int, **more: Any) -> Mailer:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "username": None,
        "password": None,
        "ca_file": None,
        "timeout_seconds": 5.0,
        "deadline_seconds": 5.0,
    }
    return Mailer(MailServer(**{**values, **more}), sender="kefu@shop.example")


async def test_a_letter_arrives_as_it_was_written(mails: Any) -> None:
    taken = await mailer(mails.smtp_port).send(letter("a@x.example", "b@x.example"))
    assert taken == ["a@x.example", "b@x.example"]
    (mail,) = mails.details()
    assert mail["text"].replace("\r\n", "\n").strip() == "Grüße\n.\nDot lines stay."


async def test_who_is_left_gets_it_when_one_address_is_refused(mails: Any) -> None:
    mails.arm("rcpt_550")
    taken = await mailer(mails.smtp_port).send(letter("gone@x.example", "b@x.example"))
    assert taken == ["b@x.example"]
    assert len(mails.mails) == 1


async def test_when_all_are_refused_one_temporary_no_keeps_it_alive(mails: Any) -> None:
    mails.arm("rcpt_550")
    mails.arm("rcpt_450")
    with pytest.raises(NotSent):
        await mailer(mails.smtp_port).send(letter("gone@x.example", "b@x.example"))
    mails.arm("rcpt_550", times=2)
    with pytest.raises(Undeliverable):
        await mailer(mails.smtp_port).send(letter("gone@x.example", "b@x.example"))


async def test_tls_from_the_first_byte(mails: Any, tmp_path: Path) -> None:
    """The catcher behind TLS, as providers offer it on port 465."""
    authority = tmp_path / "ca.pem"
    certificates = make_certificates()
    authority.write_text(certificates.ca_pem)

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", mails.smtp_port)
        async with asyncio.TaskGroup() as group:
            group.create_task(copy(reader, inner_writer))
            group.create_task(copy(inner_reader, writer))

    server = await asyncio.start_server(through, "127.0.0.1", 0, ssl=certificates.good)
    async with server:
        port = server.sockets[0].getsockname()[1]
        taken = await mailer(port, tls="tls", ca_file=authority).send(letter("a@x.example"))
        assert taken == ["a@x.example"]
        with pytest.raises(NotSent):
            await mailer(port, tls="tls").send(letter("a@x.example"))
    assert len(mails.mails) == 1


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        return
    finally:
        writer.close()


async def test_nobody_there_is_not_sent() -> None:
    with pytest.raises(NotSent):
        await mailer(9, timeout_seconds=1.0).send(letter("a@x.example"))


async def test_a_server_that_never_greets_costs_the_deadline_only(mails: Any) -> None:
    mails.arm("hang_greeting")
    with pytest.raises(NotSent, match=r"in time|[Tt]imed out"):
        await mailer(mails.smtp_port, timeout_seconds=0.3, deadline_seconds=0.5).send(
            letter("a@x.example")
        )
