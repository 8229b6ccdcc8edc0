"""session-state's settings: `SOME_FIELD` in the environment; flows.md has the reasons."""

from typing import Self

import orjson
from common.settings import ServiceSettings
from pydantic import Field, SecretStr, field_validator, model_validator

from session_state.access import CallPolicy
from session_state.decision import Limits, Policy
from session_state.regulator import DEFAULT_FAILURE_PHRASES, DEFAULT_KEYWORDS, Rules
from session_state.shifts import BadShift, Shift


class Settings(ServiceSettings):
    """Numbers a test or an owner may want to change; all have a default that works."""

    port: int = Field(default=8002, ge=0, le=65535)
    """Port to listen on."""
    auth_url: str = "http://127.0.0.1:8003"
    """Where auth answers; API keys are checked there."""

    session_expire_seconds: float = Field(default=86_400.0, gt=0)
    """Idle sessions in `bot_active` and `closed` are removed after this."""
    session_expire_short_seconds: float = Field(default=3_600.0, gt=0)
    """The same where the visitor wrote once or never."""
    session_max_history: int = Field(default=50, ge=1, le=500)
    """Messages in a SessionState's `history`."""
    max_message_chars: int = Field(default=5000, ge=1, le=20_000)
    """Longer messages are refused with 422."""
    wait_timeout_seconds: float = Field(default=600.0, gt=0)
    """Nobody came for so long in shift: a mail, and `after_hours_email`."""
    abandon_seconds: float = Field(default=900.0, gt=0)
    """A waiting visitor gone for so long: `closed`."""
    block_seconds: float = Field(default=86_400.0, gt=0)
    """How long a blocked session is silenced."""
    turn_lease_seconds: float = Field(default=15.0, gt=0)
    """A turn whose chat-proxy is silent for so long is lost."""
    agent_absence_seconds: float = Field(default=60.0, ge=0)
    """After an agent went offline, when what they held is requeued."""
    timer_seconds: float = Field(default=1.0, gt=0)
    """How often timers are looked at."""
    busy_memory_ratio: float = Field(default=0.8, gt=0, le=1)
    """From this share of Redis's `maxmemory` on, no new session is begun."""

    ai_enabled: bool = True
    """`false` sends every message to a person."""
    legacy_chat: bool | None = None
    """Take a session's own `conversation_id` as credential in core chat; unset: in development
    only."""

    regulator_fail_threshold: int = Field(default=3, ge=1)
    """Failures of the AI in a row that call a person."""
    regulator_vip_auto_escalate: bool = True
    """A VIP's first message calls a person."""
    regulator_keywords: dict[str, list[str]] = {}
    """JSON, language to phrases that call a person; in place of the built-in ones of the
    languages named."""
    regulator_failure_phrases: list[str] = list(DEFAULT_FAILURE_PHRASES)
    """JSON list of phrases in an answer that count as a failure of the AI."""

    human_shift_start: str = "09:00"
    """When people come, `HH:MM`; an admin's change in the workbench takes its place."""
    human_shift_end: str = "18:00"
    """When they leave; the same as the start is round the clock."""
    timezone: str = "Asia/Shanghai"
    """IANA zone of the shop's hours and days."""
    weekends_disabled: bool = True
    """Nobody works on Saturdays and Sundays."""
    holidays: str = ""
    """Days without anybody, `2026-12-25,2027-01-01`."""

    shop_secrets: SecretStr = SecretStr("")
    """JSON, shop to secret under which the shop's server signs profiles; `*` is for all others."""

    @field_validator("shop_secrets")
    @classmethod
    def _is_map_of_secrets(cls, value: SecretStr) -> SecretStr:
        _secrets(value)
        return value

    @model_validator(mode="after")
    def _shift_is_possible(self) -> Self:
        try:
            self.shift()
        except BadShift as error:
            names = {"shift_start": "HUMAN_SHIFT_START", "shift_end": "HUMAN_SHIFT_END"}
            name = names.get(error.field, error.field.upper())
            raise ValueError(f"{name} {error.why}") from None
        return self

    @property
    def legacy_allowed(self) -> bool:
        return not self.production if self.legacy_chat is None else self.legacy_chat

    def shift(self) -> Shift:
        """The shift of the environment; an admin may put another in its place."""
        days = tuple(day.strip() for day in self.holidays.split(",") if day.strip())
        return Shift(
            self.human_shift_start,
            self.human_shift_end,
            self.timezone,
            self.weekends_disabled,
            days,
        )

    def rules(self) -> Rules:
        return Rules(
            keywords={**DEFAULT_KEYWORDS, **self.regulator_keywords},
            failure_phrases=self.regulator_failure_phrases,
            vip_auto_escalate=self.regulator_vip_auto_escalate,
        )

    def policy(self) -> Policy:
        limits = Limits(
            lease_seconds=self.turn_lease_seconds,
            wait_timeout_seconds=self.wait_timeout_seconds,
            abandon_seconds=self.abandon_seconds,
            expire_seconds=self.session_expire_seconds,
            expire_short_seconds=self.session_expire_short_seconds,
            block_seconds=self.block_seconds,
            fail_threshold=self.regulator_fail_threshold,
        )
        return Policy(limits=limits, ai_enabled=self.ai_enabled)

    def call_policy(self) -> CallPolicy:
        return CallPolicy(
            max_history=self.session_max_history,
            max_message_chars=self.max_message_chars,
            default_language=self.default_language,
            legacy_allowed=self.legacy_allowed,
            lease_seconds=self.turn_lease_seconds,
        )

    def secrets_of_shops(self) -> dict[str, str]:
        return _secrets(self.shop_secrets)


def _secrets(value: SecretStr) -> dict[str, str]:
    text = value.get_secret_value()
    if not text:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("must be a JSON object of shop and secret") from None
    if not isinstance(found, dict) or not all(
        isinstance(s, str) and len(s) >= 16 for s in found.values()
    ):
        raise ValueError("must be a JSON object of shop and secret, each of 16 characters or more")
    return found
