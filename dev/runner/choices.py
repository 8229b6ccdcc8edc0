"""Decides from the environment what is real and what is embedded; half a choice is refused by name.

    REDIS_URL set   → that Redis          else an embedded one
    COZE_*   set    → the real Coze       else the simulator
    SMTP_*   set    → that mail server    else the mail catcher

Pure: reads a mapping, starts nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from common.redis.address import parse_address

# Patience and sizes may be set for the simulator too; all else means the real one.
COZE_TUNING = re.compile(
    r"COZE_(KIND|TOKEN_MEMORY|ATTEMPTS|BREAKER_FAILURES|POOL_SIZE|(.*_)?(SECONDS|TIMEOUT|BYTES))"
)
COZE_NEEDED: tuple[tuple[str, ...], ...] = (
    ("COZE_API_BASE",),
    ("COZE_APP_ID", "COZE_OAUTH_CLIENT_ID"),
    ("COZE_PUBLIC_KEY_ID", "COZE_OAUTH_PUBLIC_KEY_ID"),
    ("COZE_PRIVATE_KEY", "COZE_PRIVATE_KEY_FILE", "COZE_OAUTH_PRIVATE_KEY_FILE"),
    ("COZE_WORKFLOW_ID",),
)
COZE_OPTIONAL = ("COZE_BOT_ID",)
SMTP_TUNING = re.compile(r"SMTP_(CA_FILE|.*_SECONDS)")
SMTP_NAMES = ("SMTP_HOST", "SMTP_PORT", "SMTP_TLS", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_FROM")
# A laptop is tried out at any hour: with none of these set the shop is staffed round the clock.
HOURS = ("HUMAN_SHIFT_START", "HUMAN_SHIFT_END", "WEEKENDS_DISABLED", "HOLIDAYS", "TIMEZONE")
ROUND_THE_CLOCK = {
    "HUMAN_SHIFT_START": "00:00",
    "HUMAN_SHIFT_END": "24:00",
    "WEEKENDS_DISABLED": "false",
}
SMTP_TLS_KINDS = ("none", "starttls", "tls")


class WrongConfigurationError(Exception):
    """The environment is half set or wrong; `problems` name the variables, one a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Choices:
    """What is real: None and False stand for the embedded one."""

    redis_url: str | None
    real_coze: bool
    real_mail: bool


def choose(env: Mapping[str, str]) -> Choices:
    """Raises WrongConfigurationError with every problem at once."""
    given = {name: value for name, value in env.items() if value.strip()}
    real_coze, coze_problems = _coze(given)
    real_mail, mail_problems = _mail(given)
    redis_url, redis_problems = _redis(given)
    problems = [*redis_problems, *coze_problems, *mail_problems]
    if problems:
        raise WrongConfigurationError(problems)
    return Choices(redis_url=redis_url, real_coze=real_coze, real_mail=real_mail)


def hours(env: Mapping[str, str]) -> dict[str, str]:
    """What the environment says of working hours, or round the clock where it says nothing."""
    return {} if any(env.get(name, "").strip() for name in HOURS) else dict(ROUND_THE_CLOCK)


def _coze(given: Mapping[str, str]) -> tuple[bool, list[str]]:
    meant = sorted(
        name for name in given if name.startswith("COZE_") and not COZE_TUNING.fullmatch(name)
    )
    if not meant:
        return False, []
    known = {name for names in COZE_NEEDED for name in names} | set(COZE_OPTIONAL)
    problems = [f"{name} is not a setting of this product" for name in meant if name not in known]
    for names in COZE_NEEDED:
        if not any(name in given for name in names):
            others = f" (or {', '.join(names[1:])})" if len(names) > 1 else ""
            problems.append(f"{names[0]}{others} is missing, though {meant[0]} is set")
    base = given.get("COZE_API_BASE", "https://coze")
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        problems.append("COZE_API_BASE must be https://host, for example https://api.coze.cn")
    return True, problems


def _mail(given: Mapping[str, str]) -> tuple[bool, list[str]]:
    meant = sorted(
        name for name in given if name.startswith("SMTP_") and not SMTP_TUNING.fullmatch(name)
    )
    if not meant:
        return False, []
    problems = [
        f"{name} is not a setting of this product" for name in meant if name not in SMTP_NAMES
    ]
    needed = (("SMTP_HOST",), ("MAIL_FROM", "SMTP_FROM"), ("MAIL_TO",))
    problems += [
        f"{names[0]} is missing, though {meant[0]} is set"
        for names in needed
        if not any(name in given for name in names)
    ]
    login = ("SMTP_USERNAME", "SMTP_PASSWORD")
    problems += [
        f"{name} is missing, though the other half of the login is set"
        for name in login
        if name not in given and any(other in given for other in login)
    ]
    if not _is_port(given.get("SMTP_PORT", "587")):
        problems.append("SMTP_PORT must be a number from 1 to 65535")
    if given.get("SMTP_TLS", "starttls") not in SMTP_TLS_KINDS:
        problems.append(f"SMTP_TLS must be one of {', '.join(SMTP_TLS_KINDS)}")
    return True, problems


def _redis(given: Mapping[str, str]) -> tuple[str | None, list[str]]:
    url = given.get("REDIS_URL")
    if url is None:
        return None, []
    try:
        parse_address(url)
    except ValueError as error:
        return url, [str(error)]
    return url, []


def replicas(told: str, services: Iterable[str]) -> dict[str, int]:
    """`2` is two of every service, `gateway:2,session-state:3` names them.

    Raises WrongConfigurationError.
    """
    counts = dict.fromkeys(services, 1)
    for part in filter(None, (piece.strip() for piece in told.split(","))):
        name, _, number = part.rpartition(":")
        if not number.isdigit() or not 1 <= int(number) <= 20 or (name and name not in counts):
            raise WrongConfigurationError(
                [f"REPLICAS: {part!r} is neither a number nor <service>:<number>"]
            )
        for service in [name] if name else list(counts):
            counts[service] = int(number)
    return counts


def base_port(env: Mapping[str, str]) -> int:
    """The gateway's port; the others stand next to it. Raises WrongConfigurationError."""
    told = env.get("PORT", "").strip() or "8000"
    if not _is_port(told) or int(told) > 65500:
        raise WrongConfigurationError(["PORT must be a number from 1 to 65500"])
    return int(told)


def _is_port(told: str) -> bool:
    return told.isdigit() and 1 <= int(told) <= 65535
