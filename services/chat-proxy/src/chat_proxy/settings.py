"""What chat-proxy reads from the environment: Coze's credentials, patience, sizes, bot's card."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from common.settings import ServiceSettings
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, model_validator

from chat_proxy.coze.deadlines import Deadlines
from chat_proxy.coze.decode import Limits

_LOOPBACK = ("localhost", "127.", "[::1]", "::1", "0.0.0.0")  # noqa: S104 - refused, not bound


def _http_base(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("must be http(s)://host[:port]")
    return value.rstrip("/")


def _is_rsa_key(pem: str) -> bool:
    try:
        key = load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        return False
    return isinstance(key, RSAPrivateKey)


Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:-]+$")]


class Settings(ServiceSettings):
    """There is no default Coze: without `COZE_*` the service refuses to start by name."""

    port: int = Field(default=8001, ge=0, le=65535)
    """Port to listen on."""
    session_state_url: str = "http://127.0.0.1:8002"
    """Where session-state answers."""

    coze_api_base: Annotated[str, AfterValidator(_http_base)]
    """`https://api.coze.com` or `https://api.coze.cn`; production refuses plain http and
    loopback."""
    coze_kind: Literal["real", "simulator"] = "real"
    """What health tells people; the runner sets `simulator`."""
    coze_workflow_id: Id
    """The chatflow that answers."""
    coze_app_id: Id | None = None
    """The chatflow's app, where it belongs to one."""
    coze_bot_id: Id | None = None
    """A bot whose name, icon and welcome are shown; without it the `BOT_…` settings are."""
    coze_oauth_client_id: Id = Field(
        validation_alias=AliasChoices("coze_oauth_client_id", "coze_app_id")
    )
    """The OAuth app's id; the first of these that is set."""
    coze_public_key_id: Id = Field(
        validation_alias=AliasChoices("coze_public_key_id", "coze_oauth_public_key_id")
    )
    """Id of the OAuth app's public key, as Coze shows it."""
    coze_private_key: SecretStr | None = None
    """The OAuth app's RSA key in PEM; `\\n` may be written for line breaks."""
    coze_private_key_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("coze_private_key_file", "coze_oauth_private_key_file"),
    )
    """The same from a file; one of the two is required."""
    coze_token_seconds: int = Field(default=900, ge=60, le=86_399)
    """Lifetime asked for of a session's Coze token."""
    coze_token_memory: int = Field(default=10_000, ge=1)
    """Sessions whose tokens are kept in memory."""
    coze_pool_size: int = Field(default=100, ge=1, le=10_000)
    """Connections to Coze at a time."""

    coze_connect_timeout_seconds: float = Field(default=5, gt=0)
    """Patience for a connection."""
    coze_write_timeout_seconds: float = Field(default=10, gt=0)
    """Patience for sending a request."""
    coze_pool_timeout_seconds: float = Field(default=10, gt=0)
    """Patience for a free connection."""
    coze_read_timeout_seconds: float = Field(
        default=30,
        gt=0,
        validation_alias=AliasChoices("coze_read_timeout_seconds", "coze_read_timeout"),
    )
    """Patience for an answer that is no stream."""
    coze_first_delta_seconds: float = Field(default=30, gt=0)
    """Patience for the first piece of an answer."""
    coze_gap_seconds: float = Field(default=30, gt=0)
    """Patience between two pieces."""
    coze_turn_timeout_seconds: float = Field(
        default=120,
        gt=0,
        validation_alias=AliasChoices("coze_turn_timeout_seconds", "coze_turn_timeout"),
    )
    """The longest a turn may take, all attempts together."""
    coze_attempts: int = Field(default=3, ge=1, le=10)
    """How often a turn is tried before it has failed."""
    coze_backoff_seconds: float = Field(default=1, ge=0)
    """Pause before the second attempt; doubles."""
    coze_backoff_max_seconds: float = Field(default=10, ge=0)
    """The longest pause."""
    coze_breaker_failures: int = Field(default=5, ge=1)
    """Failures within the window that open the breaker."""
    coze_breaker_window_seconds: float = Field(default=30, gt=0)
    """The window in which failures are counted."""
    coze_breaker_open_seconds: float = Field(default=30, gt=0)
    """How long Coze is left alone then."""
    coze_max_line_bytes: int = Field(default=256 * 1024, ge=1024)
    """A longer line of a stream ends the turn."""
    coze_max_event_bytes: int = Field(default=1024 * 1024, ge=1024)
    """A longer event ends the turn."""
    coze_max_answer_bytes: int = Field(default=64 * 1024, ge=1024)
    """A longer answer ends the turn."""
    coze_probe_seconds: float = Field(default=120, gt=0)
    """How often credentials are proven while nobody asks."""

    chat_parameters: str = ""
    """Names of `parameters` that are passed on to Coze, with commas; all others are dropped."""
    turn_lease_renew_seconds: float = Field(default=5, gt=0)
    """How often a running turn says that it lives."""
    turn_closed_wait_seconds: float = Field(default=2, gt=0)
    """After an answer, how long its storing is waited for before `done`."""
    turn_publish_seconds: float = Field(default=30, gt=0)
    """How long the end of a turn is tried to be published."""
    heartbeat_seconds: float = Field(default=15, gt=0)
    """A comment goes over a silent chat stream so often."""
    send_deadline_seconds: float = Field(default=15, gt=0)
    """A caller that takes a frame slower than this is written to no more."""

    bot_name: str = "Fiido"
    """Who answers."""
    bot_description: str = ""
    """One line about it."""
    bot_icon_url: str = ""
    """Its picture."""
    bot_welcome: str = "您好！我是 Fiido 智能客服，有什么可以帮您？ / Hi! How can I help you today?"
    """The first words of the chat window."""
    bot_suggested_questions: str = "|".join(
        ("订单什么时候发货？", "How far does the battery go?", "How do I return my bike?")
    )
    """Questions to begin with, parted by a vertical bar."""

    @property
    def allowed_parameters(self) -> frozenset[str]:
        """The names of `parameters` that are passed on to Coze."""
        return frozenset(name.strip() for name in self.chat_parameters.split(",") if name.strip())

    @property
    def private_key_pem(self) -> str:
        """The OAuth app's key, from the variable (with real or written `\\n`) or from the file."""
        if self.coze_private_key is not None:
            return self.coze_private_key.get_secret_value().replace("\\n", "\n")
        assert self.coze_private_key_file is not None  # noqa: S101 - `_one_key` saw to it
        return self.coze_private_key_file.read_text(encoding="ascii")

    @property
    def deadlines(self) -> Deadlines:
        return Deadlines(
            connect=self.coze_connect_timeout_seconds,
            write=self.coze_write_timeout_seconds,
            pool=self.coze_pool_timeout_seconds,
            read=self.coze_read_timeout_seconds,
            first_delta=self.coze_first_delta_seconds,
            gap=self.coze_gap_seconds,
            call=self.coze_read_timeout_seconds,
        )

    @property
    def limits(self) -> Limits:
        return Limits(
            line=self.coze_max_line_bytes,
            event=self.coze_max_event_bytes,
            answer=self.coze_max_answer_bytes,
        )

    @property
    def card(self) -> dict[str, str | list[str]]:
        """Who answers, as the widget shows it; questions are parted by `|`."""
        questions = self.bot_suggested_questions.split("|")
        return {
            "name": self.bot_name,
            "description": self.bot_description,
            "icon_url": self.bot_icon_url,
            "welcome": self.bot_welcome,
            "suggested_questions": [q.strip() for q in questions if q.strip()],
        }

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.coze_private_key is None and self.coze_private_key_file is None:
            raise ValueError("COZE_PRIVATE_KEY or COZE_PRIVATE_KEY_FILE: one of them is required")
        if self.coze_private_key_file is not None and not self.coze_private_key_file.is_file():
            raise ValueError("COZE_PRIVATE_KEY_FILE: no such file")
        if not _is_rsa_key(self.private_key_pem):
            raise ValueError("COZE_PRIVATE_KEY: not an RSA private key in PEM form")
        return self

    @model_validator(mode="after")
    def _a_real_coze_in_production(self) -> Self:
        parts = urlsplit(self.coze_api_base)
        loopback = (parts.hostname or "").startswith(_LOOPBACK)
        simulated = self.coze_kind == "simulator"
        if self.production and (parts.scheme != "https" or loopback or simulated):
            raise ValueError("COZE_API_BASE: production needs https and a real Coze")
        return self
