"""What the notifier reads from the environment."""

from pathlib import Path
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.contracts.common import is_email
from common.settings import ServiceSettings
from pydantic import Field, SecretStr, model_validator

_PORTS = {"none": 25, "starttls": 587, "tls": 465}


class NotifierSettings(ServiceSettings):
    """A mail server, who writes, who is written to, and how patient the notifier is."""

    # the mail provider's choice
    chosen_secrets: ClassVar[frozenset[str]] = frozenset({"smtp_password"})

    smtp_host: str = Field(min_length=1)
    """The mail server."""
    smtp_port: int | None = Field(default=None, ge=1, le=65535)
    """Its port; unset, 25, 587 or 465 by `SMTP_TLS`."""
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    """`starttls` refuses a server that offers none; `none` is for laptops."""
    smtp_username: str | None = None
    """Login at the mail server."""
    smtp_password: SecretStr | None = None
    """Its password."""
    smtp_ca_file: Path | None = None
    """PEM of a private authority that signed the server's certificate."""
    smtp_timeout_seconds: float = Field(default=20.0, gt=0)
    """Patience for one step of a send."""
    smtp_deadline_seconds: float = Field(default=60.0, gt=0, le=600)
    """Connecting, sending and being answered, all together."""

    mail_from: str
    """Address the letters come from."""
    mail_from_name: str = "Fiido Kefu"
    """Name beside it."""
    mail_to: str
    """The team's addresses, with commas."""
    mail_domain: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]{1,100}$")
    """Domain of Message-IDs; unset, the sender's."""
    mail_language: Literal["zh", "en"] = "zh"
    """Language of the team's letters."""
    mail_stale_seconds: float = Field(default=900.0, gt=0)
    """A letter sent later than this says first when it was asked for."""
    mail_retry_seconds: str = "15,60,300,900,1800,3600,7200,14400"
    """Pauses before the second attempt, the third, and so on; then the letter is dead."""
    mail_lease_margin_seconds: float = Field(default=30.0, gt=0, le=600)
    """A claim outlives the longest send by this much."""
    mail_transcripts_an_hour: int = Field(default=3, ge=1)
    """Transcripts an address may be sent in an hour: who names it need not own it."""
    mail_parallel: int = Field(default=4, ge=1, le=50)
    """Letters sent at a time."""
    mail_poll_seconds: float = Field(default=1.0, gt=0)
    """How often it is looked for letters that are due."""

    public_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^\s/?#]+/?$")
    """Where people find the workbench; links in letters begin with it."""
    timezone: str = "Asia/Shanghai"
    """IANA zone of times in letters."""

    @property
    def port_of_server(self) -> int:
        return self.smtp_port or _PORTS[self.smtp_tls]

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.mail_to.split(",") if part.strip())

    @property
    def domain(self) -> str:
        return self.mail_domain or self.mail_from.rpartition("@")[2]

    @property
    def retry_after(self) -> tuple[float, ...]:
        """Seconds before the second attempt, the third, and so on."""
        return tuple(float(part) for part in self.mail_retry_seconds.split(",") if part.strip())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        if not is_email(self.mail_from):
            raise ValueError("MAIL_FROM: must be one plain e-mail address")
        if not self.recipients or not all(is_email(one) for one in self.recipients):
            raise ValueError("MAIL_TO: must be plain e-mail addresses, comma-separated")
        return self

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if self.smtp_username and not self.smtp_password:
            raise ValueError("SMTP_PASSWORD: missing, but SMTP_USERNAME is set")
        if self.smtp_password and not self.smtp_username:
            raise ValueError("SMTP_USERNAME: missing, but SMTP_PASSWORD is set")
        if self.smtp_ca_file is not None and not self.smtp_ca_file.is_file():
            raise ValueError("SMTP_CA_FILE: there is no such file")
        return self

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        try:
            wrong = [seconds for seconds in self.retry_after if not 0 < seconds <= 86_400]
        except ValueError:
            wrong = [0.0]
        if wrong:
            raise ValueError("MAIL_RETRY_SECONDS: must be seconds up to a day, comma-separated")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("TIMEZONE: no IANA zone has this name") from None
        return self
