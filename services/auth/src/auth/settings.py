"""What auth reads from the environment."""

import base64
import binascii
import os
from typing import ClassVar, Self

from common.security.tokens import public_key_of
from common.settings import ServiceSettings
from pydantic import Field, SecretStr, model_validator

from auth.errors import WeakPassword
from auth.policy import check_password


class AuthSettings(ServiceSettings):
    """Tokens, passwords, throttle and presence; the numbers are those of flows.md."""

    # a password is judged by the rules for passwords
    chosen_secrets: ClassVar[frozenset[str]] = frozenset({"admin_password"})

    agent_token_private_key: SecretStr
    """Ed25519 private key (base64url) that signs agents' tokens."""
    # a token must not outlive what services remember of revocations (20 minutes)
    access_token_seconds: int = Field(default=900, ge=1, le=900)
    """Lifetime of an access token; at most what services remember of revocations."""
    refresh_token_seconds: int = Field(default=7 * 86_400, ge=60, le=90 * 86_400)
    """Lifetime of a login that is not used."""
    refresh_grace_seconds: float = Field(default=10.0, ge=0, le=60)
    """A spent refresh token answers the same successor for so long (two tabs)."""
    logins_per_agent: int = Field(default=100, ge=2, le=1000)
    """Logins an agent may have at a time; the oldest ends."""

    bcrypt_rounds: int = Field(default=12, ge=4, le=16)
    """Cost of a password's hash; at least 10 in production."""
    bcrypt_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=64)
    """Hashes computed at a time."""

    login_window_seconds: int = Field(default=900, ge=1)
    """The window in which failed logins are counted."""
    login_pair_limit: int = Field(default=5, ge=1)
    """Failures of one user name from one address until it is locked."""
    login_address_limit: int = Field(default=30, ge=1)
    """Failures from one address until it is locked."""
    login_slow_from: int = Field(default=20, ge=1)
    """Failures of one user name from anywhere until its logins are slowed."""
    login_slow_seconds: float = Field(default=30.0, gt=0)
    """How long each of those then has to wait."""

    presence_timeout_seconds: float = Field(default=90.0, gt=0)
    """An agent silent for so long is offline."""
    presence_sweep_seconds: float = Field(default=2.0, gt=0)
    """How often that is looked at."""
    presence_settle_seconds: float = Field(default=30.0, ge=0)
    """After a start or an outage, how long open streams get to report who is there."""

    admin_username: str = Field(default="admin", pattern=r"^[A-Za-z0-9._-]{3,64}$")
    """Name of the first admin."""
    admin_password: SecretStr | None = None
    """Password of the first admin; unset, one is drawn and written to stderr once."""

    public_url: str = "http://127.0.0.1:8000"
    """Where browsers find the gateway; its pages may use the refresh cookie, and https makes
    it `Secure`."""
    workbench_origins: str = ""
    """Further origins whose pages may, with commas."""

    @property
    def origins(self) -> frozenset[str]:
        listed = [self.public_url, *self.workbench_origins.split(",")]
        return frozenset("/".join(o.strip().split("/")[:3]) for o in listed if o.strip())

    @property
    def first_password(self) -> str | None:
        return self.admin_password.get_secret_value() if self.admin_password else None

    @property
    def secure_cookie(self) -> bool:
        return self.production or self.public_url.startswith("https://")

    @model_validator(mode="after")
    def _key_pair(self) -> Self:
        try:
            public = public_key_of(self.agent_token_private_key.get_secret_value())
        except (ValueError, binascii.Error):
            raise ValueError(
                "AGENT_TOKEN_PRIVATE_KEY: must be base64url of a raw Ed25519 private key"
            ) from None
        if public not in {_canonical(k) for k in self.agent_token_public_key.split(",")}:
            raise ValueError(
                "AGENT_TOKEN_PRIVATE_KEY: AGENT_TOKEN_PUBLIC_KEY is not its public key"
            )
        return self

    @model_validator(mode="after")
    def _admin(self) -> Self:
        if self.admin_password is not None:
            try:
                check_password(self.admin_password.get_secret_value(), username=self.admin_username)
            except WeakPassword:
                raise ValueError("ADMIN_PASSWORD: too short, too common or the user name") from None
        if self.production and self.bcrypt_rounds < 10:
            raise ValueError("BCRYPT_ROUNDS: at least 10 in production")
        return self


def _canonical(key: str) -> str:
    raw = base64.urlsafe_b64decode(key.strip() + "=" * (-len(key.strip()) % 4))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
