"""Visitor and agent tokens: Ed25519 JWTs that every service verifies with public keys only."""

import base64
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, ValidationError

from common.clock import Clock, system_clock
from common.errors import ServiceError, SessionForbidden, TokenExpired, Unauthenticated
from common.security.policy import Role

ISSUER = "kefu"
ALGORITHM = "EdDSA"
VISITOR_SECONDS = 30 * 86_400
AGENT_SECONDS = 900
# Clocks of two machines differ by less; a token from further in the future is forged or broken.
_SKEW_SECONDS = 60.0
_LONGEST_TOKEN = 4096
_HEADER = {"alg": ALGORITHM, "typ": "JWT"}
_REQUIRED = ["iss", "exp", "iat", "sub", "typ"]


class VisitorClaims(BaseModel):
    """The bearer is the visitor of session `sub`, as long as the session's sid is `sid`."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    sub: str
    sid: str
    shop: str = ""
    vip: bool = False
    iat: float
    exp: int


class AgentClaims(BaseModel):
    """The bearer is the agent with id `sub`; `family` is the login it descends from."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    sub: str
    username: str
    name: str
    role: Role
    max_sessions: int
    jti: str
    family: str
    iat: float
    exp: int


Claims = TypeVar("Claims", VisitorClaims, AgentClaims)


def generate_key_pair() -> tuple[str, str]:
    """(private, public) as base64url of the raw 32 bytes, as the settings take them."""
    private = Ed25519PrivateKey.generate()
    return _b64(private.private_bytes_raw()), _b64(private.public_key().public_bytes_raw())


def public_key_of(private_key: str) -> str:
    """The public half of a private key, both base64url raw."""
    return _b64(_private_key(private_key).public_key().public_bytes_raw())


class TokenSigner:
    """Signs with one private key: the gateway has the visitors', auth the agents'."""

    def __init__(self, private_key_b64: str, *, clock: Clock = system_clock) -> None:
        self._key = _private_key(private_key_b64)
        self._clock = clock

    def sign_visitor(
        self,
        *,
        name: str,
        sid: str,
        shop: str = "",
        vip: bool = False,
        lifetime_seconds: int = VISITOR_SECONDS,
    ) -> str:
        claims = {"sub": name, "sid": sid, "shop": shop, "vip": vip}
        return self._sign("visitor", claims, lifetime_seconds)

    def sign_agent(  # noqa: PLR0913
        self,
        *,
        agent_id: str,
        username: str,
        name: str,
        role: Role,
        max_sessions: int,
        jti: str,
        family: str,
        lifetime_seconds: int = AGENT_SECONDS,
        issued_at: float | None = None,
    ) -> str:
        """`issued_at` is the account's own clock, by which revocations are older or newer."""
        claims = {
            "sub": agent_id,
            "username": username,
            "name": name,
            "role": role,
            "max_sessions": max_sessions,
            "jti": jti,
            "family": family,
        }
        return self._sign("access", claims, lifetime_seconds, issued_at)

    def _sign(
        self,
        typ: str,
        claims: dict[str, Any],
        lifetime_seconds: int,
        issued_at: float | None = None,
    ) -> str:
        now = self._clock()
        iat = round(now, 3) if issued_at is None else issued_at
        times = {"iat": iat, "exp": int(now + lifetime_seconds)}
        payload = {"iss": ISSUER, "typ": typ, **claims, **times}
        return jwt.encode(payload, self._key, algorithm=ALGORITHM)


class TokenVerifier:
    """Verifies by text, then by memory: a token seen before costs a dict look-up and an exp check.

    `visitor` raises SessionForbidden for whatever is wrong: to a visitor there is one remedy, to
    begin anew. `agent` raises Unauthenticated, or TokenExpired where only the time is over.
    """

    def __init__(
        self,
        *,
        visitor_keys: str,
        agent_keys: str,
        clock: Clock = system_clock,
        cache_size: int = 10_000,
    ) -> None:
        self._clock = clock
        self._visitors = _Cache(_public_keys(visitor_keys), "visitor", VisitorClaims, cache_size)
        self._agents = _Cache(_public_keys(agent_keys), "access", AgentClaims, cache_size)

    def visitor(self, token: str) -> VisitorClaims:
        claims = self._visitors.claims(token)
        if claims is None or self._problem(claims) is not None:
            raise SessionForbidden
        return claims

    def agent(self, token: str) -> AgentClaims:
        claims = self._agents.claims(token)
        if claims is None:
            raise Unauthenticated
        problem = self._problem(claims)
        if problem is not None:
            raise problem
        return claims

    def _problem(self, claims: VisitorClaims | AgentClaims) -> ServiceError | None:
        now = self._clock()
        if claims.exp <= now:
            return TokenExpired()
        if claims.iat > now + _SKEW_SECONDS:
            return Unauthenticated()
        return None


class _Cache(Generic[Claims]):
    """Tokens whose signature was good, the least recently used forgotten first."""

    def __init__(
        self,
        keys: Sequence[Ed25519PublicKey],
        typ: Literal["visitor", "access"],
        model: type[Claims],
        size: int,
    ) -> None:
        self._keys = keys
        self._typ = typ
        self._model: type[Claims] = model
        self._size = size
        self._good: OrderedDict[str, Claims] = OrderedDict()

    def claims(self, token: str) -> Claims | None:
        """What a genuine token says, whatever the time is; None for all others."""
        known = self._good.get(token)
        if known is not None:
            self._good.move_to_end(token)
            return known
        payload = _payload(token, self._keys)
        if payload is None or payload.get("typ") != self._typ:
            return None
        try:
            claims: Claims = self._model.model_validate(payload)
        except ValidationError:
            return None
        self._good[token] = claims
        if len(self._good) > self._size:
            self._good.popitem(last=False)
        return claims


def _payload(token: str, keys: Sequence[Ed25519PublicKey]) -> dict[str, Any] | None:
    if not _is_canonical(token):
        return None
    try:
        if jwt.get_unverified_header(token) != _HEADER:
            return None
    except (jwt.PyJWTError, ValueError):
        return None
    for key in keys:
        try:
            # times are checked by our own clock, on every use
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={
                    "require": _REQUIRED,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                },
            )
        except (jwt.PyJWTError, ValueError):
            continue
    return None


def _is_canonical(token: str) -> bool:
    """One text a token: base64 decoders pass over unused bits and foreign characters, so that
    several texts would be the same token."""
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        return False
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        return all(part and _b64(_unb64(part)) == part for part in parts)
    except ValueError:
        return False


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _private_key(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_unb64(text.strip()))


def _public_keys(text: str) -> list[Ed25519PublicKey]:
    return [Ed25519PublicKey.from_public_bytes(_unb64(key.strip())) for key in text.split(",")]
