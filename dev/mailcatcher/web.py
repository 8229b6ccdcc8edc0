"""The page to read the mails, and its JSON API."""

import re
from importlib.resources import files

from dev.mailcatcher.faults import FAULTS, Armoury, UnknownFaultError
from dev.mailcatcher.mailbox import Mail, Mailbox
from dev.mailcatcher.reading import body, detail, summary
from dev.wire import Exchange, Handler

PAGE_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
# A mail is foreign text: it may be looked at, but runs nothing and loads nothing.
MAIL_HEADERS = {
    **PAGE_HEADERS,
    "content-security-policy": "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
}
ONE_MAIL = re.compile(r"/api/mails/([0-9a-f-]+)(?:/(html|raw))?")


def handler(mailbox: Mailbox, armoury: Armoury) -> Handler:
    """Looks the path up and answers."""

    async def handle(exchange: Exchange) -> None:
        method, path = exchange.request.method, exchange.request.path
        if method == "GET" and path in PAGE_FILES:
            await _page(exchange, *PAGE_FILES[path])
        elif _foreign(exchange):
            await exchange.answer_json({"error": "foreign origin"}, status=403)
        elif path == "/api/mails":
            await _mails(exchange, mailbox)
        elif path == "/api/faults":
            await _faults(exchange, armoury)
        elif match := ONE_MAIL.fullmatch(path):
            await _one(exchange, mailbox, mail_id=match[1], part=match[2])
        else:
            await exchange.answer_json({"error": "not found"}, status=404)

    return handle


def _foreign(exchange: Exchange) -> bool:
    """Whether a page of another origin is asking; browsers say so in Origin."""
    headers = exchange.request.headers
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


async def _page(exchange: Exchange, name: str, content_type: str) -> None:
    data = files("dev.mailcatcher").joinpath("page", name).read_bytes()
    await exchange.answer(200, data, content_type=content_type, headers=PAGE_HEADERS)


async def _mails(exchange: Exchange, mailbox: Mailbox) -> None:
    match exchange.request.method:
        case "GET":
            newest_first = [summary(mail) for mail in reversed(mailbox.mails.values())]
            await exchange.answer_json({"mails": newest_first, "total": len(newest_first)})
        case "DELETE":
            mailbox.clear()
            await exchange.answer_json({"total": 0})
        case _:
            await exchange.answer_json({"error": "method not allowed"}, status=405)


async def _one(exchange: Exchange, mailbox: Mailbox, *, mail_id: str, part: str | None) -> None:
    mail = mailbox.mails.get(mail_id)
    if mail is None:
        await exchange.answer_json({"error": "not found"}, status=404)
    elif exchange.request.method == "DELETE" and part is None:
        mailbox.drop(mail_id)
        await exchange.answer_json({"total": len(mailbox.mails)})
    elif exchange.request.method != "GET":
        await exchange.answer_json({"error": "method not allowed"}, status=405)
    elif part is None:
        await exchange.answer_json(detail(mail))
    else:
        await _part(exchange, mail, part=part)


async def _part(exchange: Exchange, mail: Mail, *, part: str) -> None:
    if part == "raw":
        content_type, data = "text/plain; charset=utf-8", mail.raw
    else:
        content_type, data = "text/html; charset=utf-8", (body(mail, "html") or "").encode()
    await exchange.answer(200, data, content_type=content_type, headers=MAIL_HEADERS)


async def _faults(exchange: Exchange, armoury: Armoury) -> None:
    """`POST {fault, times?}` arms (times 1 unless told, null is for ever), `DELETE` disarms all."""
    match exchange.request.method:
        case "POST":
            try:
                told = exchange.request.json()
                armoury.arm(str(told.get("fault", "")), times=told.get("times", 1))
            except (ValueError, UnknownFaultError) as error:
                problem = f"{type(error).__name__}: {error}"
                await exchange.answer_json({"error": problem}, status=400)
                return
        case "DELETE":
            armoury.armed.clear()
        case "GET":
            pass
        case _:
            await exchange.answer_json({"error": "method not allowed"}, status=405)
            return
    armed = [{"fault": fault.name, "times": fault.times} for fault in armoury.armed]
    await exchange.answer_json({"faults": FAULTS, "armed": armed})
