"""S14: thirty secrets planted wherever code can put them, none of them in a log line."""

import io
import json
import logging
from typing import Any

import pytest
from common.logging import JsonFormatter, Redactor, request_id, session_name
from pydantic import BaseModel, ValidationError

KNOWN = "kXq7-known-to-the-settings-81"
JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWFkYQ"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----"
BCRYPT = "$2b$12$abcdefghijklmnopqrstuuJ9n2Jm3J8bq0oGm9Dk0gqWnL8s2Yx6e"

# what is planted → (message, its arguments, extra fields)
MESSAGES: dict[str, tuple[str, tuple[Any, ...]]] = {
    KNOWN: ("calling with %s now", (KNOWN,)),
    JWT: ("token was %s", (JWT,)),
    "opaque-bearer-1": ("Authorization: Bearer opaque-bearer-1", ()),
    "b3BhcXVlOmJhc2lj": ("header Basic b3BhcXVlOmJhc2lj refused", ()),
    "pat_AbCdEf0123456789": ("coze said no to pat_AbCdEf0123456789", ()),
    "redis-pw-7": ("redis://default:redis-pw-7@10.0.0.3:6379/0 is down", ()),
    "redis-pw-8": ("redis://:redis-pw-8@10.0.0.3:6379/0 is down", ()),
    "smtp-pw-9": ("login with password=smtp-pw-9 failed", ()),
    "quoted-pw-10": ('body {"password": "quoted-pw-10"}', ()),
    "spaced pw 11": ("{'new_password': 'spaced pw 11', 'x': 1}", ()),
    "cookie-12": ("Set-Cookie: refresh=cookie-12; HttpOnly", ()),
    "refresh-13": ("refresh_token=refresh-13&grant=x", ()),
    "key-14-key": ("X-API-Key: key-14-key", ()),
    "ada.lovelace@example.com": ("mail to %s bounced", ("ada.lovelace@example.com",)),
    "o'neil+tag@sub.example.co.uk": ("mail to o'neil+tag@sub.example.co.uk bounced", ()),
    "MC4CAQAwBQYDK2VwBCIE": (f"loaded {PEM}", ()),
    HEX: (f"refused v1.gateway.auth.1790000000.{HEX}", ()),
    BCRYPT: (f"hash {BCRYPT} is old", ()),
    "13812345678": ("call 13812345678", ()),
    "visitor-tok-20": ("X-Visitor-Token: visitor-tok-20", ()),
    "secret-21": ("internal_secret=secret-21", ()),
}
EXTRAS: dict[str, dict[str, Any]] = {
    "extra-22": {"password": "extra-22"},
    "extra-23": {"headers": {"Authorization": "extra-23", "Accept": "x"}},
    "extra-24": {"settings": {"nested": [{"api_key": "extra-24"}]}},
    "extra 25 my order never came": {"content": "extra 25 my order never came"},
    "extra 26 what a shop": {"message_text": "extra 26 what a shop"},
    "extra-27@example.com": {"who": ["extra-27@example.com"]},
    "extra-28": {"agent_token": "extra-28"},
    "extra-29": {"raw": b"password=extra-29"},
    "extra-30": {"email_address": "extra-30"},
    "extra-31": {"visitor": {"sid": "extra-31"}},
}
PLANTED = [*MESSAGES, *EXTRAS]


@pytest.fixture
def logged():
    """Logs through a formatter under test, and gives what was written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("a-service", Redactor([KNOWN])))
    logger = logging.getLogger("a-logger-of-this-test")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)

    class Logged:
        log = logger

        @property
        def text(self) -> str:
            return stream.getvalue()

        @property
        def lines(self) -> list[dict[str, Any]]:
            return [json.loads(line) for line in self.text.splitlines()]

    return Logged()


def plant(log: logging.Logger) -> None:
    for message, words in MESSAGES.values():
        log.info(message, *words)
    for extra in EXTRAS.values():
        log.warning("something", extra=extra)


def test_thirty_planted_secrets_are_in_no_line(logged):
    assert len(PLANTED) >= 30
    plant(logged.log)
    assert len(logged.lines) == len(PLANTED)
    text = json.dumps(logged.lines, ensure_ascii=False)
    assert [secret for secret in PLANTED if secret in text] == []


def test_without_redaction_they_would_be(logged):
    """Canary."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logged.log.addHandler(handler)
    plant(logged.log)
    assert all(secret in stream.getvalue() for secret in MESSAGES)


def test_secrets_in_exceptions_and_their_causes_are_masked(logged):
    class Login(BaseModel):
        max_sessions: int

    # put together here, because a traceback quotes the source
    words = " ".join(("a", "visitor's", "own", "words"))
    try:
        try:
            Login.model_validate({"max_sessions": words})
        except ValidationError as error:
            raise RuntimeError(f"password=hunter22 and {JWT}") from error
    except RuntimeError:
        logged.log.exception("it broke")
    [line] = logged.lines
    assert "RuntimeError" in line["exc_info"]
    for secret in (words, "hunter22", JWT):
        assert secret not in logged.text


def test_a_line_says_what_happened_when_and_where(logged):
    request_token, name_token = request_id.set("req-12345678"), session_name.set("session_a")
    try:
        logged.log.info("turn closed", extra={"duration_ms": 12.5, "status": 200, "token_count": 3})
    finally:
        request_id.reset(request_token)
        session_name.reset(name_token)
    [line] = logged.lines
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("+00:00")
    assert line == {
        "level": "INFO",
        "event": "turn closed",
        "service": "a-service",
        "logger": "a-logger-of-this-test",
        "request_id": "req-12345678",
        "session_name": "session_a",
        "duration_ms": 12.5,
        "status": 200,
        "token_count": 3,
    }


def test_what_harms_nobody_stays_readable(logged):
    for text in (
        "opened the bus at 1790000000-0",
        "session s_dGhpcyBpcyBub3Q is idle",
        "took 0.123 s",
        "GET /api/sessions/{name}",
        "会话已关闭",
    ):
        logged.log.info(text)
        assert logged.lines[-1]["event"] == text


def test_one_event_is_one_line_whatever_is_in_it(logged):
    logged.log.info('two\nlines\r\nand "quotes" \u2028 \x1b[31m')
    assert logged.text.count("\n") == 1


def test_an_access_line_masks_what_stands_in_the_path(logged):
    name = session_name.set(JWT)
    try:
        logged.log.info("request", extra={"access": {"method": "GET", "status": 403}})
    finally:
        session_name.reset(name)
    [line] = logged.lines
    assert line["status"] == 403
    assert JWT not in logged.text


def test_a_name_that_is_none_breaks_no_line(logged):
    token = session_name.set("a\u2028b\x85c")
    try:
        logged.log.info("request", extra={"access": {"method": "GET", "status": 422}})
    finally:
        session_name.reset(token)
    [line] = logged.text.strip().splitlines()
    assert json.loads(line)["session_name"] == "[malformed]"
