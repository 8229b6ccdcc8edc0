"""Which failures an endpoint may answer: its own, and those of its kind."""

from collections.abc import Iterable, Iterator

from common.contracts.endpoints import Endpoint
from common.errors import (
    BadJson,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    HeadersTooLarge,
    NotFound,
    OriginForbidden,
    RateLimited,
    ServiceError,
    SessionForbidden,
    StateUnavailable,
    TokenExpired,
    TokenRevoked,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from common.security.policy import Limit, Owner, Rule

Failure = type[ServiceError]

_BODY = (BadRequest, BadJson, BodyTooLarge, UnsupportedMediaType)
_TOKEN = (Unauthenticated, TokenExpired, TokenRevoked)


def failures_of(rule: Rule, endpoint: Endpoint) -> set[Failure]:
    """All of them; what a hidden endpoint would say to strangers becomes its 404."""
    found = {*endpoint.errors, *_who(rule), *_input(rule, endpoint), *_edge(rule)}
    if rule.hidden:
        found = {f for f in found if f.status not in (401, 403)} | {NotFound, OriginForbidden}
    return found


def by_status(failures: Iterable[Failure]) -> dict[int, list[Failure]]:
    ordered = sorted(failures, key=lambda f: (f.status, f.code))
    return {status: [f for f in ordered if f.status == status] for status in _statuses(ordered)}


def _statuses(ordered: list[Failure]) -> list[int]:
    return sorted({f.status for f in ordered})


def _who(rule: Rule) -> Iterator[Failure]:
    if rule.role is not None or rule.scope is not None:
        yield from _TOKEN
        yield Forbidden
        yield StateUnavailable
    if rule.visitor:
        yield SessionForbidden


def _input(rule: Rule, endpoint: Endpoint) -> Iterator[Failure]:
    if rule.method not in ("GET", "DELETE"):
        yield from _BODY
    if endpoint.body is not None or endpoint.query or "{" in endpoint.path:
        yield ValidationFailed


def _edge(rule: Rule) -> Iterator[Failure]:
    yield OriginForbidden
    yield HeadersTooLarge
    yield ServiceError
    if rule.limit is not Limit.NONE:
        yield RateLimited
        yield StateUnavailable
    if rule.owner is not Owner.GATEWAY:
        yield Unavailable
