"""One Coze access token per visitor's session: signed, cached, renewed early, one call a time.

    token(name):  memory (LRU) ─miss─▶ shared cache (Redis, encrypted) ─miss─▶ sign a JWT, ask Coze

`session_name` inside the JWT is the only carrier of isolation between visitors (`coze.md` §1).
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the UTC second at which Coze stops to take it."""

    value: str
    expires_at: float


class TokenCache(Protocol):
    """What all replicas share. An absent store is a miss, never an error."""

    async def get(self, session_name: str) -> Token | None: ...

    async def put(self, session_name: str, token: Token) -> None: ...


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """The Coze OAuth app whose private key signs for every visitor."""

    client_id: str
    key_id: str
    private_key: RSAPrivateKey
    audience: str

    @classmethod
    def at(cls, api_base: str, *, client_id: str, key_id: str, private_key: str) -> "OAuthApp":
        """The audience is the API host without scheme, with the port where one is given. The PEM
        is read once: checking an RSA key takes 100 ms. Raises ValueError where it is none."""
        key = load_pem_private_key(private_key.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("Coze takes RSA keys only")
        return cls(client_id, key_id, key, urlsplit(api_base).netloc)

    def sign(self, session_name: str, *, now: float, jti: str) -> str:
        """A JWT good for one token request: Coze refuses a `jti` seen before."""
        claims = {
            "iss": self.client_id,
            "aud": self.audience,
            "iat": int(now),
            "exp": int(now) + 600,
            "jti": jti,
            "session_name": session_name,
        }
        return jwt.encode(
            claims, self.private_key, algorithm="RS256", headers={"kid": self.key_id, "typ": "JWT"}
        )


Exchange = Callable[[str], Awaitable[Token]]
"""Takes a session's name and gets its token from Coze; raises `CozeError`."""


class TokenKeeper:
    """Hands out tokens; `renew_early_seconds` before the end a token is no longer handed out."""

    def __init__(
        self,
        exchange: Exchange,
        shared: TokenCache,
        *,
        now: Callable[[], float],
        capacity: int = 10_000,
        renew_early_seconds: float = 30,
        on_refresh: Callable[[], None] = lambda: None,
    ) -> None:
        self._exchange = exchange
        self._shared = shared
        self._now = now
        self._capacity = capacity
        self._early = renew_early_seconds
        self._on_refresh = on_refresh
        self._memory: OrderedDict[str, Token] = OrderedDict()
        self._flights: dict[str, tuple[asyncio.Lock, int]] = {}
        self.obtained_at: float | None = None

    async def token(self, session_name: str) -> str:
        """A token that is good for at least the early margin."""
        held = self._remembered(session_name)
        if held is not None:
            return held.value
        return await self._obtain(session_name, stale=None)

    async def renewed(self, session_name: str, stale: str) -> str:
        """Another token than `stale`, which Coze refused; a concurrent renewal is shared."""
        held = self._memory.get(session_name)
        if held is not None and held.value == stale:
            del self._memory[session_name]
        return await self._obtain(session_name, stale=stale)

    async def check(self, session_name: str) -> None:
        """Get a token from Coze itself, past all caches: proof that the credentials work."""
        await self._fetch(session_name)

    async def _obtain(self, session_name: str, *, stale: str | None) -> str:
        async with self._flight(session_name):
            held = self._remembered(session_name)
            if held is not None and held.value != stale:
                return held.value
            shared = await self._shared.get(session_name)
            if shared is not None and shared.value != stale and self._fresh(shared):
                self._remember(session_name, shared)
                return shared.value
            token = await self._fetch(session_name)
            self._remember(session_name, token)
            await self._shared.put(session_name, token)
            return token.value

    async def _fetch(self, session_name: str) -> Token:
        """A token that ends within the margin serves this one call (a clock may be wrong here)."""
        token = await self._exchange(session_name)
        self.obtained_at = self._now()
        self._on_refresh()
        return token

    @asynccontextmanager
    async def _flight(self, session_name: str) -> AsyncIterator[None]:
        """One at a time per key; the lock lives as long as somebody wants it."""
        lock, wanted = self._flights.get(session_name, (asyncio.Lock(), 0))
        self._flights[session_name] = (lock, wanted + 1)
        try:
            async with lock:
                yield
        finally:
            lock, wanted = self._flights[session_name]
            if wanted == 1:
                del self._flights[session_name]
            else:
                self._flights[session_name] = (lock, wanted - 1)

    def _fresh(self, token: Token) -> bool:
        return token.expires_at - self._early > self._now()

    def _remembered(self, session_name: str) -> Token | None:
        token = self._memory.get(session_name)
        if token is None:
            return None
        if not self._fresh(token):
            del self._memory[session_name]
            return None
        self._memory.move_to_end(session_name)
        return token

    def _remember(self, session_name: str, token: Token) -> None:
        self._memory[session_name] = token
        self._memory.move_to_end(session_name)
        while len(self._memory) > self._capacity:
            self._memory.popitem(last=False)


def expiry(expires_in: float, *, now: float) -> float:
    """Coze sends an absolute Unix time under this name; a duration is understood as well."""
    return expires_in if expires_in > 1e9 else now + expires_in
