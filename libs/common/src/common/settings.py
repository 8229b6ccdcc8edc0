"""Settings from the environment: read once, frozen, and refused by name when they are wrong."""

import base64
import binascii
import re
import sys
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

# Words of defaults. At least six letters: a random key of 43 characters holds a given one of three
# once in eight hundred times, and would be refused.
_DEFAULT_WORDS = re.compile(
    r"development|change.?me|example|default|insecure|password|123456|qwerty", re.IGNORECASE
)
_OURS_SHORTEST = 32
_OTHERS_SHORTEST = 8
_LONGEST_CHOSEN_BY_HAND = 100


def _public_keys(value: str) -> str:
    for key in value.split(","):
        try:
            raw = base64.urlsafe_b64decode(key.strip() + "=" * (-len(key.strip()) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 32:
            raise ValueError("must be base64url of raw Ed25519 public keys, comma-separated")
    return value


PublicKeys = Annotated[str, AfterValidator(_public_keys)]


class ServiceSettings(BaseSettings):
    """What every service reads. A service adds its own fields; the variable of `some_field` is
    `SOME_FIELD`. Secrets are `SecretStr`; durations end in `_seconds`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    # secrets that a person or a provider chose, so that their strength is not ours to judge here
    chosen_secrets: ClassVar[frozenset[str]] = frozenset()

    # secrets that this installation makes for itself, and therefore makes long
    own_secrets: ClassVar[frozenset[str]] = frozenset(
        ("internal_secret", "visitor_token_private_key", "agent_token_private_key")
    )

    app_env: Literal["development", "test", "production"] = "development"
    """`production` refuses weak secrets, plain-http Coze and what else is for laptops only."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lines below it are not written; `DEBUG` also logs probes and scrapes."""
    log_file: str | None = None
    """Also write the log to this file, which rotates."""
    default_language: str = Field(default="zh", pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")
    """Language of texts where neither the session nor the caller names one."""

    redis_url: str = Field(default="redis://127.0.0.1:6379/0", repr=False)
    """`redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`; docs/operations.md has
    the forms."""
    redis_tag: str = Field(default="kefu", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    """Hash tag of every key; several installations on one Redis each take another."""
    allow_evicting_redis: bool = False
    """Start although Redis may evict keys. State is then lost under pressure: for trials only."""

    internal_secret: SecretStr = Field(min_length=16)
    """HMAC secret of calls between services; the same for all of them."""
    visitor_token_public_key: PublicKeys
    """Ed25519 public keys (base64url) that visitors' tokens are checked with; several with commas
    while rotating."""
    agent_token_public_key: PublicKeys
    """The same for agents' access tokens."""

    max_body_bytes: int = Field(default=65_536, ge=1024)
    """Longer request bodies are refused with 413."""
    slow_request_seconds: float = Field(default=1.0, gt=0)
    """Requests slower than this are logged as warnings."""
    drain_seconds: float = Field(default=30.0, ge=0, le=600)
    """After SIGTERM, the most that open work may take."""

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    def secrets(self) -> list[str]:
        """Every secret value set, so that logging can mask it wherever it turns up."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [v.get_secret_value() for v in values if isinstance(v, SecretStr) and len(v) > 0]

    @model_validator(mode="after")
    def _production_secrets(self) -> Self:
        if not self.production:
            return self
        weak = [
            name.upper()
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), SecretStr)
            and name not in self.chosen_secrets
            and len(value) > 0
            and is_weak(value.get_secret_value(), ours=name in self.own_secrets)
        ]
        if weak:
            raise ValueError(f"too weak for APP_ENV=production: {', '.join(weak)}")
        return self


def is_weak(secret: str, *, ours: bool = True) -> bool:
    """Short, made of few characters, or carrying a word of a default. Secrets that others gave us
    (a mail server's password) may be shorter than those we make."""
    shortest = _OURS_SHORTEST if ours else _OTHERS_SHORTEST
    by_hand = len(secret) <= _LONGEST_CHOSEN_BY_HAND
    return (
        len(secret) < shortest
        or len(set(secret)) < shortest / 3
        or (by_hand and _DEFAULT_WORDS.search(secret) is not None)
    )


S = TypeVar("S", bound=ServiceSettings)


def load_settings(cls: type[S], **overrides: Any) -> S:
    """The settings, or a line per wrong variable on stderr (never its value) and exit status 2."""
    try:
        return cls(**overrides)
    except ValidationError as error:
        lines = [_line(e["loc"], e["msg"]) for e in error.errors(include_input=False)]
    except SettingsError as error:
        # its text names field and source, never the value
        lines = [str(error)]
    sys.stderr.write("Wrong settings:\n" + "".join(f"  {line}\n" for line in lines))
    raise SystemExit(2)


def _line(location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return message
    return f"{str(location[0]).upper()}: {message}"
