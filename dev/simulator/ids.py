"""Ids as Coze makes them: strings of 19 digits that rise, and log ids of a date and hex digits."""

import itertools
import secrets
import time
from collections.abc import Iterator


def snowflakes(start_ns: int) -> Iterator[str]:
    """Rising ids of 19 digits; the clock as start keeps them rising over a restart."""
    return (str(number) for number in itertools.count(start_ns))


def log_id() -> str:
    """What Coze support asks for, sent as `x-tt-logid` on every answer."""
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    return f"{stamp}{secrets.token_hex(9).upper()}"
