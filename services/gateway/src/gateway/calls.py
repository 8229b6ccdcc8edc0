"""What the edge decides about one call before it goes anywhere: whose it is, and may it pass."""

import logging
import re
from dataclasses import dataclass, field
from typing import Any

import orjson
from common.app import RequestContext, Scope, context
from common.contracts.common import SESSION_NAME_PATTERN
from common.redis.keys import Keys
from common.security.caller import Caller
from common.security.policy import Limit, Rule
from prometheus_client import Counter

from gateway.admission import Admission, Window, Windows, refusal_headers
from gateway.errors import (
    RateLimited,
    ServiceError,
    SessionForbidden,
    Unauthenticated,
    UnsupportedMediaType,
)
from gateway.fanout import Fanout
from gateway.presence import Presence
from gateway.threshold import EXTRA

log = logging.getLogger(__name__)

_NAME = re.compile(SESSION_NAME_PATTERN)
_NAMES = ("session_name", "user_id", "session_id")


@dataclass(slots=True)
class Call:
    """One admitted call. Windows to give back: `guess` when its `conversation_id` was right,
    `fresh` when it made no session although it could have."""

    id: str
    rule: Rule
    caller: Caller
    session: str | None
    lease: str | None = None
    guess: list[Window] = field(default_factory=list)
    fresh: list[Window] = field(default_factory=list)


class Gate:
    """Admits calls: session, limits, in-flight leases, presence."""

    def __init__(
        self,
        keys: Keys,
        *,
        admission: Admission,
        windows: Windows,
        fanout: Fanout,
        presence: Presence,
        chats_per_visitor: int,
        refusals: Counter,
    ) -> None:
        self._keys = keys
        self._admission = admission
        self._windows = windows
        self._fanout = fanout
        self._presence = presence
        self._chats = chats_per_visitor
        self._refusals = refusals

    async def admit(self, scope: Scope, body: bytes = b"", *, call_id: str) -> Call:
        """Puts `RateLimit-*` on whatever the answer becomes. Raises SessionForbidden,
        UnsupportedMediaType, RateLimited, TooManyStreams, StateUnavailable."""
        found = context(scope)
        rule, caller = found.rule, found.caller
        if rule is None or caller is None:
            raise Unauthenticated
        _check_kind(found, body)
        fields = _fields(rule, caller, body)
        session = _session(rule, caller, found, fields)
        found.session_name = session or ""
        is_chat = rule.limit is Limit.CHAT and caller.agent is None
        tokenless = caller.visitor is None and caller.agent is None
        is_guess = is_chat and tokenless and bool(fields.get("conversation_id"))
        may_make = tokenless and rule.limit in (Limit.CHAT, Limit.CONVERSATION)
        windows = self._windows.of(rule.limit, caller, session=session, fresh=may_make)
        guess = self._windows.guess(caller.address) if is_guess else []
        fresh = self._windows.fresh(caller.address) if is_guess else []
        lease = self._lease(session, tokenless=tokenless) if is_chat else None
        try:
            admitted = await self._admission.admit(
                call_id, [*windows, *guess], leases=lease, lease_limit=self._chats
            )
        except ServiceError as error:
            scope[EXTRA] += refusal_headers(error)
            self._note(error, rule, caller)
            raise
        scope[EXTRA] += admitted.headers()
        if caller.visitor is not None and caller.agent is None:
            self._presence.visitor(caller.visitor.sub)
            self._fanout.acted(caller.visitor.sub)
        return Call(call_id, rule, caller, session, lease, guess, fresh)

    def _note(self, error: ServiceError, rule: Rule, caller: Caller) -> None:
        self._refusals.labels(rule.limit.value, error.code).inc()
        if caller.agent is not None and isinstance(error, RateLimited):
            # no person works so fast: a runaway client, or a stolen token
            log.error("an agent met the ceiling", extra={"agent_id": caller.agent.sub})

    def _lease(self, session: str | None, *, tokenless: bool) -> str | None:
        """Who only names a session must not be able to take its visitor's places."""
        if session is None or not self._chats:
            return None
        return self._keys.chats(f"n:{session}" if tokenless else session)

    async def judge(self, call: Call, *, refused: bool, made: bool) -> None:
        """Of calls with a `conversation_id` only the answer tells what they were: a wrong one is
        a guess, and one that opened no known session has made one."""
        back = [*(call.guess if not refused else ()), *(call.fresh if not made else ())]
        call.guess, call.fresh = [], []
        await self._admission.give_back(call.id, back)


def _check_kind(found: RequestContext, body: bytes) -> None:
    if not body:
        return
    kind = found.headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType


def _fields(rule: Rule, caller: Caller, body: bytes) -> dict[str, Any]:
    """The body where the edge has to look into it; what is no JSON object, its owner refuses."""
    if not body or not rule.visitor or "{name}" in rule.path:
        return {}
    if caller.agent is not None and caller.visitor is None:
        return {}
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _session(
    rule: Rule, caller: Caller, found: RequestContext, fields: dict[str, Any]
) -> str | None:
    """The session this call is about, which a visitor's token must be for."""
    named = found.path_params.get("name")
    if named is None:
        named = next((fields[n] for n in _NAMES if isinstance(fields.get(n), str)), None)
    if caller.visitor is not None and caller.kind == "visitor" and rule.visitor:
        if named is not None and named != caller.visitor.sub:
            raise SessionForbidden
        return caller.visitor.sub
    return named if named is not None and _NAME.fullmatch(named) else None
