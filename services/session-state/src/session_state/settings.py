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
    auth_url: str = "http://127.0.0.1:8003"

    session_expire_seconds: float = Field(default=86_400.0, gt=0)
    session_expire_short_seconds: float = Field(default=3_600.0, gt=0)
    session_max_history: int = Field(default=50, ge=1, le=500)
    max_message_chars: int = Field(default=5000, ge=1, le=20_000)
    wait_timeout_seconds: float = Field(default=600.0, gt=0)
    abandon_seconds: float = Field(default=900.0, gt=0)
    block_seconds: float = Field(default=86_400.0, gt=0)
    turn_lease_seconds: float = Field(default=15.0, gt=0)
    agent_absence_seconds: float = Field(default=60.0, ge=0)
    timer_seconds: float = Field(default=1.0, gt=0)
    busy_memory_ratio: float = Field(default=0.8, gt=0, le=1)

    ai_enabled: bool = True
    # a session's own conversation_id as credential; None: on in development, off in production
    legacy_chat: bool | None = None

    regulator_fail_threshold: int = Field(default=3, ge=1)
    regulator_vip_auto_escalate: bool = True
    # JSON, language → phrases; takes the place of the built-in ones of the languages it names
    regulator_keywords: dict[str, list[str]] = {}
    regulator_failure_phrases: list[str] = list(DEFAULT_FAILURE_PHRASES)

    human_shift_start: str = "09:00"
    human_shift_end: str = "18:00"
    timezone: str = "Asia/Shanghai"
    weekends_disabled: bool = True
    holidays: str = ""  # 2026-12-25,2027-01-01

    # JSON, shop → secret under which the shop's server signs profiles; `*` is for all others
    shop_secrets: SecretStr = SecretStr("")

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
