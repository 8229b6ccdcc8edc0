"""What a command is: words to send, how its RESP2 reply reads, whether it may be sent again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import hiredis

Arg = str | bytes | int | float

T = TypeVar("T")


class Command(Generic[T]):
    """Words to send, how to read the reply, and whether it may be sent again."""

    __slots__ = ("again", "args", "read", "writes")

    def __init__(
        self,
        args: Sequence[Arg],
        read: Callable[[Any], T],
        *,
        again: bool = True,
        writes: bool = False,
    ) -> None:
        self.args = args
        self.read = read
        self.again = again
        self.writes = writes


def pack(*words: Arg) -> bytes:
    """The words as Redis reads them from the wire."""
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub says one word
    return packed


# --- how replies read -----------------------------------------------------------------------
def same(reply: Any) -> Any:
    return reply


def nothing(reply: Any) -> None:  # noqa: ARG001
    return None


def truth(reply: Any) -> bool:
    return reply in (1, b"OK", "OK")


def pairs(reply: Sequence[bytes]) -> dict[bytes, bytes]:
    flat = iter(reply)
    return dict(zip(flat, flat, strict=True))


def flat(mapping: Mapping[Any, Arg]) -> list[Arg]:
    return [word for pair in mapping.items() for word in pair]
