"""The OAuth JWT app: verifies assertions, remembers which session a token is of."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEFAULT_DURATION_SECONDS = 900
MAX_DURATION_SECONDS = 86399
MIN_JTI_BYTES = 32
# Clocks of the caller and of Coze differ a little.
LEEWAY_SECONDS = 30


class RefusedError(Exception):
    """The token endpoint says no, in the words of Coze."""

    def __init__(self, error: str, message: str, *, status: int = 401) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
        self.status = status

    def body(self) -> dict[str, str]:
        return {
            "error": self.error,
            "error_code": self.error,
            "error_message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Grant:
    """What one access token stands for. `session` is empty for a token without session_name."""

    token: str
    session: str
    expires_at: float


@dataclass(slots=True)
class TokenOffice:
    """Turns assertions into tokens and tokens into sessions.

    Verified: RS256, kid, iss, aud (the host the caller reached), exp, and that a jti comes once.
    """

    public_key_pem: str
    key_id: str
    app_id: str
    now: Callable[[], float] = time.time
    _grants: dict[str, Grant] = field(default_factory=dict)
    _spent: dict[str, float] = field(default_factory=dict)

    def session_of(self, assertion: str, *, audience: str) -> str:
        """Checks the assertion and spends its jti. Raises RefusedError."""
        claims = self._verify(assertion, audience)
        jti = str(claims["jti"])
        if len(jti.encode()) < MIN_JTI_BYTES:
            raise RefusedError("invalid_client", "invalid jwt: jti is too short")
        if jti in self._spent:
            raise RefusedError("invalid_client", "invalid jwt: jti has been used")
        self._forget_old()
        self._spent[jti] = float(claims["exp"])
        return str(claims.get("session_name") or "")

    def issue(
        self, session: str, *, duration_seconds: int, lives_seconds: float | None = None
    ) -> dict[str, Any]:
        """A token as answered; `lives_seconds` makes it die before it says it will."""
        now = self.now()
        token = f"czs_{secrets.token_urlsafe(48)}"
        lives = duration_seconds if lives_seconds is None else lives_seconds
        self._grants[token] = Grant(token=token, session=session, expires_at=now + lives)
        return {
            "access_token": token,
            "expires_in": int(now) + duration_seconds,
            "token_type": "Bearer",
        }

    def grant(self, token: str) -> Grant | None:
        """What the token stands for, or None when it is unknown or dead."""
        grant = self._grants.get(token)
        if grant is not None and grant.expires_at <= self.now():
            del self._grants[token]
            return None
        return grant

    def drop(self, session: str) -> None:
        """Every token of the session is dead from now on."""
        self._grants = {t: g for t, g in self._grants.items() if g.session != session}

    def clear(self) -> None:
        self._grants.clear()

    def _verify(self, assertion: str, audience: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError as error:
            raise RefusedError("invalid_client", f"invalid jwt: {error}") from error
        if header.get("alg") != "RS256":
            raise RefusedError("invalid_client", "invalid jwt: alg must be RS256")
        if header.get("kid") != self.key_id:
            raise RefusedError("invalid_client", "invalid jwt: kid not been registred")
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion,
                self.public_key_pem,
                algorithms=["RS256"],
                audience=audience,
                issuer=self.app_id,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "iat", "exp", "jti"], "verify_exp": False},
            )
        except jwt.InvalidTokenError as error:
            raise RefusedError("invalid_client", f"invalid jwt: {error}") from error
        # An expired assertion is refused by our own clock, so that a test can move it.
        if float(claims["exp"]) <= self.now() - LEEWAY_SECONDS:
            raise RefusedError("invalid_client", "invalid jwt: token is expired")
        return claims

    def _forget_old(self) -> None:
        if len(self._spent) < 10_000:
            return
        horizon = self.now() - 2 * LEEWAY_SECONDS
        self._spent = {jti: exp for jti, exp in self._spent.items() if exp > horizon}


def duration_of(body: dict[str, Any]) -> int:
    """The lifetime asked for. Raises RefusedError on a wrong grant type or lifetime."""
    if body.get("grant_type") != GRANT_TYPE:
        raise RefusedError("unsupported_grant_type", "grant_type is not supported", status=400)
    wanted = body.get("duration_seconds")
    if wanted is None:
        return DEFAULT_DURATION_SECONDS
    if not isinstance(wanted, int) or not 0 < wanted <= MAX_DURATION_SECONDS:
        raise RefusedError("invalid_request", "duration_seconds is out of range", status=400)
    return wanted
