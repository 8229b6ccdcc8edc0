"""What the mail catcher reads from its environment; every name starts with MAILCATCHER_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class MailcatcherSettings(BaseSettings):
    """Settings of the mail catcher; everything has a default."""

    model_config = SettingsConfigDict(env_prefix="MAILCATCHER_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    smtp_port: int = Field(default=8025, ge=0, le=65535)
    web_port: int = Field(default=8026, ge=0, le=65535)
    # Mails survive a restart where a folder is named; the runner names one in .data.
    folder: Path | None = None
    username: str = "kefu"
    password: str = "kefu-password"
