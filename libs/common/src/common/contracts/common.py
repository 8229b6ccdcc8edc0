"""The pieces every contract shares: identifiers, text rules, strict bodies, header names."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

# api.md "Conventions"
SESSION_NAME_PATTERN = r"^[A-Za-z0-9_-]{1,128}$"
REQUEST_ID_PATTERN = r"^[A-Za-z0-9_-]{8,64}$"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
EMAIL_PATTERN = rf"^{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*$"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# lone surrogates can't be stored as UTF-8; JSON may carry them as escapes
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# zero-width marks, and those that turn the writing direction
_INVISIBLE = re.compile(r"[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def clean_text(value: str) -> str:
    """Refuse control characters other than newline and tab; carriage returns become newlines."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROL.search(value) or _SURROGATE.search(value):
        raise ValueError("control characters are not allowed")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def is_email(text: str) -> bool:
    """A plain mailbox: dot-atom and host name, no quotes, no display name, no list. Who is asked
    for an address and who writes to it go by this one rule."""
    local, _, _ = text.partition("@")
    return len(text) <= 254 and len(local) <= 64 and re.fullmatch(EMAIL_PATTERN, text) is not None


def _address(value: str) -> str:
    if not is_email(value):
        raise ValueError("must be a plain e-mail address")
    return value


def _one_line(value: str) -> str:
    """A name stands beside what people say: it must not begin a line of its own, nor turn the
    writing direction of the others."""
    value = " ".join(_not_blank(value).split())
    if _CONTROL.search(value) or _SURROGATE.search(value) or _INVISIBLE.search(value):
        raise ValueError("must be one line of visible characters")
    return value


SessionName = Annotated[str, StringConstraints(pattern=SESSION_NAME_PATTERN)]
OpaqueId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}$")]
# The hard cap of the wire; session-state applies MAX_MESSAGE_CHARS (5000 by default) after it.
MessageText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20_000),
    AfterValidator(clean_text),
    AfterValidator(_not_blank),
]
ShortText = Annotated[str, StringConstraints(max_length=500), AfterValidator(clean_text)]
PersonName = Annotated[
    str, StringConstraints(min_length=1, max_length=80), AfterValidator(_one_line)
]
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=EMAIL_PATTERN), AfterValidator(_address)
]


class Strict(BaseModel):
    """A request body in which unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Lenient(BaseModel):
    """An answer of another service, or an old client's body: unknown fields are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Headers:
    """Names of headers; the internal ones are stripped from what comes from outside."""

    VISITOR_TOKEN = "X-Visitor-Token"  # noqa: S105 - a header's name
    SESSION_NAME = "X-Session-Name"
    REQUEST_ID = "X-Request-ID"
    TRACEPARENT = "traceparent"
    # between services only
    INTERNAL_TOKEN = "X-Internal-Token"  # noqa: S105 - a header's name
    SESSION_SID = "X-Session-Sid"
    SESSION_VIP = "X-Session-Vip"
    CLIENT_ADDRESS = "X-Client-Address"
    SHOP = "X-Shop"

    INTERNAL = (INTERNAL_TOKEN, SESSION_SID, SESSION_VIP, CLIENT_ADDRESS, SHOP)
