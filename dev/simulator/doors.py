"""Plays the faults that leave nothing of the honest answer: refusals, garbage, floods, silence."""

import random
import zlib
from collections.abc import Awaitable, Callable

from dev.simulator.coze import Coze
from dev.simulator.faults import FAULTS, Called
from dev.wire import Exchange

MEGABYTE = 1024 * 1024
TOKEN_INVALID = 700012006
MESSAGES = {
    4000: "Request parameter error",
    4008: "The quota is used up",
    4013: "Too many requests",
    4016: "Another chat of this conversation is running",
    4020: "The QPS limit is reached",
    4100: "authentication is invalid",
    4101: "The token has no permission for this resource",
    4102: "The content violates the rules",
    4104: "The chat has ended",
    4200: "Requested resource does not exist",
    5000: "internal server error",
    TOKEN_INVALID: "access token invalid",
}


async def refuse_json(exchange: Exchange, code: int, *, msg: str = "", status: int = 200) -> None:
    """A failure as Coze words it: a code in the body, mostly under HTTP 200."""
    text = msg or MESSAGES.get(code, "simulated failure")
    detail = {"logid": exchange.logid}
    await exchange.answer_json({"code": code, "msg": text, "detail": detail}, status=status)


async def play_doors(coze: Coze, exchange: Exchange, *, called: list[Called], session: str) -> bool:
    """Plays the first fault that stands in the door; True when the call is answered by it."""
    for fault in called:
        if fault.name == "slow_headers":
            await exchange.pause(fault.value())
        elif fault.name == "token_expired":
            coze.office.drop(session)
            await refuse_json(exchange, TOKEN_INVALID, status=401)
            return True
        elif FAULTS[fault.name].kind == "door":
            await DOORS[fault.name](exchange, fault.value())
            return True
    return False


async def _refuse(exchange: Exchange, _arg: float) -> None:
    exchange.reset()


async def _hang(exchange: Exchange, arg: float) -> None:
    exchange.reusable = False
    await exchange.pause(arg)


async def _half_head(exchange: Exchange, _arg: float) -> None:
    await exchange.raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-st")


async def _garbage_http(exchange: Exchange, _arg: float) -> None:
    await exchange.raw(b"\x16\x03\x01\x02\x00 this is not HTTP\r\n\r\n" + random.randbytes(512))


async def _http(exchange: Exchange, arg: float) -> None:
    codes = {401: TOKEN_INVALID, 403: 4101, 404: 4200, 429: 4020}
    await refuse_json(exchange, codes.get(int(arg), 5000), status=int(arg))


async def _code(exchange: Exchange, arg: float) -> None:
    await refuse_json(exchange, int(arg))


async def _html(exchange: Exchange, arg: float) -> None:
    page = b"<html><head><title>Bad Gateway</title></head><body>nginx</body></html>"
    await exchange.answer(int(arg), page, content_type="text/html")


async def _wrong_type(exchange: Exchange, _arg: float) -> None:
    page = b"<!doctype html><title>Welcome</title><p>data: {}</p>"
    await exchange.answer(200, page, content_type="text/html; charset=utf-8")


async def _empty_body(exchange: Exchange, _arg: float) -> None:
    exchange.begin()
    await exchange.end()


async def _garbage(exchange: Exchange, _arg: float) -> None:
    exchange.begin()
    for _ in range(16):
        await exchange.write(random.randbytes(1024))
    await exchange.end()


async def _comments_only(exchange: Exchange, arg: float) -> None:
    exchange.begin()
    while True:
        await exchange.write(b": still here\n\n")
        await exchange.pause(arg)


async def _long_line(exchange: Exchange, arg: float) -> None:
    exchange.begin()
    await exchange.write(b'event: conversation.message.delta\ndata: {"content":"')
    for _ in range(int(arg * 16)):
        await exchange.write(b"x" * (MEGABYTE // 16))
    await exchange.end()


async def _gzip_bomb(exchange: Exchange, arg: float) -> None:
    """A full flush makes each block independent of the last, so one compressed MB is sent over."""
    exchange.begin(headers={"content-encoding": "gzip"})
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = packer.compress(b"data: ") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"0" * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    await exchange.write(start)
    for _ in range(int(arg)):
        await exchange.write(block)
    await exchange.end()


DOORS: dict[str, Callable[[Exchange, float], Awaitable[None]]] = {
    "refuse": _refuse,
    "hang": _hang,
    "half_head": _half_head,
    "garbage_http": _garbage_http,
    "http": _http,
    "code": _code,
    "html": _html,
    "wrong_type": _wrong_type,
    "empty_body": _empty_body,
    "garbage": _garbage,
    "comments_only": _comments_only,
    "long_line": _long_line,
    "gzip_bomb": _gzip_bomb,
}
