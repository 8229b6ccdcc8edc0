"""Takes a mail apart for people and tests: headers, text, HTML, attachments."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from dev.mailcatcher.mailbox import Mail

# What the parser of the standard library raises on headers and charsets that are not as they ought.
BROKEN = (ValueError, LookupError, AttributeError, TypeError)
SUMMARY_HEADERS = ("subject", "from", "to", "date", "message_id", "reply_to")


def summary(mail: Mail) -> dict[str, Any]:
    """What a list shows."""
    return _summary(mail, _parse(mail))


def detail(mail: Mail) -> dict[str, Any]:
    """Everything but the raw bytes."""
    message = _parse(mail)
    return {
        **_summary(mail, message),
        "headers": [[name, str(value)] for name, value in message.raw_items()],
        "text": body(mail, "plain"),
        "html": body(mail, "html"),
        "attachments": _attachments(message),
    }


def body(mail: Mail, subtype: str) -> str | None:
    """The text of the first part of this type that is no attachment, or None."""
    for part in _parse(mail).walk():
        is_wanted = part.get_content_type() == f"text/{subtype}" and not part.is_multipart()
        if is_wanted and part.get_content_disposition() != "attachment":
            return _text(part)
    return None


def _parse(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.raw, policy=policy.default)


def _summary(mail: Mail, message: EmailMessage) -> dict[str, Any]:
    return {
        "id": mail.id,
        "received_at": mail.received_at,
        "mail_from": mail.mail_from,
        "rcpt_to": list(mail.rcpt_to),
        "size": len(mail.raw),
        **{name: _header(message, name.replace("_", "-")) for name in SUMMARY_HEADERS},
    }


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message[name]
    except BROKEN:
        value = dict(message.raw_items()).get(name, "")
    return "" if value is None else str(value)


def _text(part: Any) -> str:
    try:
        return str(part.get_content())
    except BROKEN:
        payload = part.get_payload(decode=True)
        return bytes(payload or b"").decode("utf-8", "replace")


def _attachments(message: EmailMessage) -> list[dict[str, Any]]:
    return [
        {
            "filename": part.get_filename() or "",
            "content_type": part.get_content_type(),
            "size": len(bytes(part.get_payload(decode=True) or b"")),
        }
        for part in message.walk()
        if part.get_content_disposition() == "attachment"
    ]
