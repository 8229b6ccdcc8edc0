"""The form in which an endpoint's contract is written down."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from common.errors import ServiceError

Schema = dict[str, Any]
Media = Literal["json", "events", "text", "html"]


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter, or with `header` a header."""

    name: str
    schema: Schema
    text: str = ""
    header: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One public endpoint as a shop's developer needs to know it.

    Who may call it and which limit it spends stands in `common.security.policy`; the failures
    every endpoint of a kind shares are added from there. `errors` are its own.
    `body`: the model, `body_optional` where it may be left out. `answer`: the model of `data`, or
    of the whole answer where `enveloped` is false. `also`: further statuses with the same shape.
    `signs`: the answer may carry a new visitor token.
    """

    method: str
    path: str
    summary: str
    text: str = ""
    body: type[BaseModel] | None = None
    body_optional: bool = False
    query: tuple[Query, ...] = ()
    answer: Any = None
    enveloped: bool = True
    media: Media = "json"
    status: int = 200
    also: tuple[int, ...] = ()
    errors: tuple[type[ServiceError], ...] = ()
    signs: bool = False
    sample: Schema | None = None
    example: Any = field(default=None)


INTEGER, TEXT = {"type": "integer"}, {"type": "string", "maxLength": 128}
PAGING = (
    Query("limit", {**INTEGER, "minimum": 1, "maximum": 100, "default": 50}, "how many"),
    Query("offset", {**INTEGER, "minimum": 0, "maximum": 1_000_000, "default": 0}, "from where on"),
)
EVENT_ID = (
    Query(
        "Last-Event-ID",
        {"type": "string"},
        "the last id seen: what was missed comes first",
        header=True,
    ),
    Query("last_event_id", {"type": "string"}, "the same, where headers can't be set"),
)
