"""How passwords are kept, and how long a wrong one takes.

A password is NFC-normalized, run through HMAC-SHA-256 and base64, and only then through bcrypt:
bcrypt itself stops at 72 bytes, which is 24 Chinese characters, and at a zero byte.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

import bcrypt
from common.errors import Busy

# A context label, not a secret: it keeps our hashes apart from anybody else's SHA-256 of the same.
_LABEL = b"fiido-kefu agent password v1"
_QUEUE_A_THREAD = 32
_DEADLINE_SECONDS = 15
# no look-alikes (0 O, 1 l I): the first admin's password is typed from a terminal
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

P = ParamSpec("P")
T = TypeVar("T")


class Hasher:
    """bcrypt in its own few threads (it releases the GIL), with a bounded queue before them."""

    def __init__(self, *, rounds: int, threads: int) -> None:
        self._rounds = rounds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        self._room = threads * _QUEUE_A_THREAD
        self._nobody = self._hash(secrets.token_urlsafe())

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await self._run(self._hash, password)

    async def matches(self, password: str, stored: str | None) -> bool:
        """False, after the same time, where there is no stored hash: an unknown user name must
        not answer faster than a wrong password."""
        genuine = await self._run(_matches, password, stored or self._nobody)
        return genuine and stored is not None

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._room <= 0:
            raise Busy
        self._room -= 1
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, partial(work, *args, **kwargs))
        except TimeoutError:
            raise Busy from None
        finally:
            self._room += 1

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(_prehash(password), bcrypt.gensalt(self._rounds)).decode()


def _matches(password: str, stored: str) -> bool:
    return bcrypt.checkpw(_prehash(password), stored.encode())


def _prehash(password: str) -> bytes:
    normal = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(_LABEL, normal, hashlib.sha256))


def random_password() -> str:
    """20 characters, 114 bits, readable aloud."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))
