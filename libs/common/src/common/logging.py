"""JSON log lines with a request's id on each, and nothing secret or personal in any.

What is masked: fields by their name, known secrets by their value, and whatever looks like a
token, key, password or e-mail address. What people wrote to each other is never logged: pass ids.
"""

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import Any

import orjson
from pythonjsonlogger.orjson import OrjsonFormatter

MASK = "[redacted]"
_FILE_BYTES = 50_000_000
_FILES_KEPT = 5

# The request a line belongs to; set by the chassis, inherited by tasks the request starts.
request_id: ContextVar[str] = ContextVar("request_id", default="")
session_name: ContextVar[str] = ContextVar("session_name", default="")
traceparent: ContextVar[str] = ContextVar("traceparent", default="")

_SECRET_NAMES = re.compile(
    r"token|secret|passw|passphrase|authorization|cookie|credential|signature|private|api.?key"
    r"|e.?mail|^(key|pin|sid|jwt|bearer|content|text|message_text|body|answer|question|delta"
    r"|nickname|comment|phone|preview|notice|html|subject_line)$",
    re.IGNORECASE,
)
# token counts and the like say nothing about the token
_HARMLESS_NAMES = re.compile(r"(count|total|seconds|length|size|bytes|status|_id|_ids)$")

_SECRET_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # pydantic quotes what it was given
    (re.compile(r"input_value=.*?(?=, input_type=|$)", re.DOTALL), f"input_value={MASK}"),
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL
        ),
        MASK,
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,4}"), MASK),
    (re.compile(r"\bv1\.[a-z-]+\.[a-z-]+\.\d+\.[0-9a-f]{16,}"), MASK),
    (re.compile(r"\b(Bearer|Basic|Digest)\s+[^\s,;'\"]+", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b(pat|sk|pk|rk|ghp|gho|xox[abp]|kfk)[_-][A-Za-z0-9_-]{12,}"), MASK),
    (re.compile(r"(?<=://)[^/\s@:]*:[^@\s]+(?=@)"), MASK),
    (
        re.compile(
            r"((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|x-[a-z-]*(?:token|key)"
            r"|authorization|(?:set-)?cookie|signature|access_token|refresh_token|private_key)"
            r"[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&}]+(?:\s+\[redacted\])?)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"), MASK),
    (re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}"), MASK),
    (re.compile(r"\b1[3-9]\d{9}\b"), MASK),
)
# Most lines hold none of these, and a look for one character is a hundred times cheaper.
_SUSPICIOUS = re.compile(
    r"eyJ|@|input_value|PRIVATE KEY|bearer|basic|digest|pass|secret|token|key|cookie|authori"
    r"|signature|\$2|v1\.|\b(?:pat|sk|pk|rk|gh[po]|xox.|kfk)[_-]|\b1[3-9]\d{9}",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_PLAIN = (bool, int, float, type(None))


class Redactor:
    """Masks secrets in texts and structures; `secrets` are values known from the settings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= 6}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if _SUSPICIOUS.search(text) is None:
            return text
        for shape, instead in _SECRET_SHAPES:
            text = shape.sub(instead, text)
        return text

    def field(self, name: str, value: Any) -> Any:
        """A value under its name, structures all the way down."""
        if isinstance(value, _PLAIN):
            return value
        if _SECRET_NAMES.search(name) and not _HARMLESS_NAMES.search(name):
            return MASK
        return self.value(value)

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, bytes):
            return self.text(value.decode(errors="replace"))
        if isinstance(value, Mapping):
            return {str(k): self.field(str(k), v) for k, v in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item) for item in value]
        return self.text(str(value))


class JsonFormatter(OrjsonFormatter):
    """`{"timestamp", "level", "event", "service", "request_id"?, "session_name"?, …extras}`."""

    def __init__(self, service: str, redactor: Redactor) -> None:
        super().__init__("%(message)s")
        self._service = service
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        access: dict[str, Any] | None = getattr(record, "access", None)
        if access is None:
            return super().format(record)
        # one line a request, of the chassis's own making: nothing in it needs the long way
        line = self._head(record, record.msg)
        line.update(access)
        return orjson.dumps(line).decode()

    def _head(self, record: logging.LogRecord, event: str) -> dict[str, Any]:
        moment = datetime.fromtimestamp(record.created, UTC)
        head = {
            "timestamp": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": event,
            "service": self._service,
            "logger": record.name,
        }
        if request_id.get():
            head["request_id"] = request_id.get()
        if session_name.get():
            head["session_name"] = self._name(session_name.get())
        return head

    def _name(self, name: str) -> str:
        """It comes out of a path, where callers may write anything: line breaks of Unicode too."""
        return self._redactor.text(name)[:128] if _NAME.fullmatch(name) else "[malformed]"

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        extras: dict[str, Any] = {}
        super().add_fields(extras, record, message_dict)
        event = extras.pop("message", record.getMessage())
        log_data.update(self._head(record, self._redactor.text(str(event))))
        for name, value in extras.items():
            if name not in ("taskName", "color_message"):
                log_data[name] = self._redactor.field(name, value)


def configure(
    service: str,
    level: str = "INFO",
    *,
    file: str | None = None,
    secrets: Iterable[str] = (),
) -> None:
    """Send every logger's lines to stdout, and to a rotating file where one is named."""
    formatter = JsonFormatter(service, Redactor(secrets))
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if file:
        handlers.append(
            RotatingFileHandler(
                file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8", delay=True
            )
        )
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    # Who called, in which thread and process: our lines don't tell, and finding out was a third of
    # a line's cost (these are the switches that logging's own documentation names for it).
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # uvicorn's own lines pass through the root; its access log is replaced by ours
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    # aiohttp and httpx tell every request, with its URL
    for name in ("httpx", "httpcore", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
