"""Coze tokens in Redis for all replicas, sealed: who reads Redis can't speak for a visitor.

The key is derived from the OAuth app's private key, which every replica has and Redis never sees;
session and app are bound in as associated data, so an entry moved to another name does not open.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable

import orjson
from common.errors import ServiceError
from common.redis import Keys, RedisClient, Refused
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chat_proxy.coze.auth import OAuthApp, Token

log = logging.getLogger(__name__)

_NONCE_BYTES = 12
# The cache saves a call to Coze; waiting longer for it than that call takes would be absurd.
_PATIENCE_SECONDS = 0.5


class RedisTokenCache:
    """A `TokenCache`: Redis away, an entry unreadable or foreign, all of that is a miss."""

    def __init__(
        self, redis: RedisClient, keys: Keys, app: OAuthApp, *, now: Callable[[], float]
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._now = now
        self._context = f"{app.client_id}\n{app.audience}\n"
        derived = HKDF(SHA256(), 32, salt=None, info=b"kefu coze token cache v1").derive(
            app.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        )
        self._cipher = AESGCM(derived)

    async def get(self, session_name: str) -> Token | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                sealed = await self._redis.get(self._keys.coze_token(session_name))
        except (ServiceError, Refused, TimeoutError):
            log.warning("coze token cache not readable")
            return None
        return None if sealed is None else self._open(session_name, sealed)

    async def put(self, session_name: str, token: Token) -> None:
        seconds = int(token.expires_at - self._now())
        if seconds <= 0:
            return
        key, sealed = self._keys.coze_token(session_name), self._seal(session_name, token)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._redis.set(key, sealed, ex=seconds)
        except (ServiceError, Refused, TimeoutError):
            log.warning("coze token cache not writable")

    def _seal(self, session_name: str, token: Token) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = orjson.dumps([token.value, token.expires_at])
        return nonce + self._cipher.encrypt(nonce, text, self._bound_to(session_name))

    def _open(self, session_name: str, sealed: bytes) -> Token | None:
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            value, expires_at = orjson.loads(
                self._cipher.decrypt(nonce, text, self._bound_to(session_name))
            )
        except (InvalidTag, ValueError):
            log.warning("coze token cache holds a foreign entry")
            return None
        return Token(value, expires_at)

    def _bound_to(self, session_name: str) -> bytes:
        return (self._context + session_name).encode()
