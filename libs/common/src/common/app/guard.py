"""Nobody reaches a route the policy table doesn't let them reach; what it doesn't know is 404.

    request ──▶ rule of the table? ──no──▶ /internal/*? ──no──▶ 404 or 405
                     │                          │
                     ▼                          ▼
              credentials checked      services' credential
                     └──────────▶ route ◀───────┘

Runs before any route and before the body is read.
"""

import asyncio
from collections.abc import Awaitable, Callable

from common.app.context import RequestContext
from common.clock import Clock
from common.contracts.auth import KeyGrant
from common.errors import (
    Forbidden,
    NotFound,
    ServiceError,
    SessionForbidden,
    StateUnavailable,
    TokenRevoked,
    Unauthenticated,
)
from common.security.caller import Caller, Kind
from common.security.internal import InternalVerifier
from common.security.policy import Rule
from common.security.revocation import Revocations
from common.security.tokens import AgentClaims, TokenVerifier, VisitorClaims

VerifyKey = Callable[[str], Awaitable[KeyGrant]]

# How long an agent's call waits for a bus that can't be heard, and how often it looks.
_PATIENCE_SECONDS = 1.0
_LOOK_SECONDS = 0.02


class Guard:
    """Turns a request's credentials into a Caller, or raises why not."""

    def __init__(
        self,
        *,
        tokens: TokenVerifier,
        internal: InternalVerifier | None,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._internal = internal
        self._revocations = revocations
        self._clock = clock
        self.verify_key: VerifyKey | None = None
        self.on_agent: Callable[[AgentClaims], None] | None = None

    def service(self, found: RequestContext, peer: str) -> Caller:
        """A call to `/internal/*`: only with the services' own credential."""
        if self._internal is None:
            raise NotFound
        issuer = self._internal.check(found.headers.get(b"x-internal-token"))
        headers = found.headers
        return Caller(
            kind="service",
            service=issuer,
            address=headers.get(b"x-client-address", peer),
            shop=headers.get(b"x-shop", ""),
            language=found.language,
        )

    async def authorize(self, found: RequestContext, rule: Rule, peer: str) -> Caller:
        """A call to a public endpoint, from outside or passed on by the gateway."""
        try:
            return await self._authorize(found, rule, peer)
        except ServiceError as error:
            if rule.hidden and error.status in (401, 403):
                raise NotFound from None
            raise

    async def _authorize(self, found: RequestContext, rule: Rule, peer: str) -> Caller:
        headers = found.headers
        service = None
        if self._internal is not None and b"x-internal-token" in headers:
            service = self._internal.check(headers[b"x-internal-token"])
            peer = headers.get(b"x-client-address", peer)
        agent = await self._agent(headers.get(b"authorization"), rule)
        visitor = self._visitor(headers.get(b"x-visitor-token"), rule)
        grant = await self._key(headers.get(b"x-api-key"), rule)
        kind = _right(rule, agent, visitor, grant, found.path_params.get("name"))
        return Caller(
            kind=kind,
            visitor=visitor,
            agent=agent,
            service=service,
            key_id=grant.id if grant else None,
            address=peer,
            shop=headers.get(b"x-shop", "") if service else "",
            language=found.language,
        )

    async def _agent(self, header: str | None, rule: Rule) -> AgentClaims | None:
        # as below: to log in or to refresh must work with a dead token still in hand
        if header is None or (rule.anyone and rule.role is None):
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        claims = self._tokens.agent(token)
        if not (self._revocations.trusted(self._clock()) or await self._trusts_soon()):
            raise StateUnavailable(reason="revocations")
        if self._revocations.is_revoked(claims):
            raise TokenRevoked
        if self.on_agent is not None:
            self.on_agent(claims)
        return claims

    async def _trusts_soon(self) -> bool:
        """A machine that stood still for a moment is a late answer, and no failure to act upon."""
        give_up_at = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < give_up_at:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._revocations.trusted(self._clock()):
                return True
        return False

    def _visitor(self, token: str | None, rule: Rule) -> VisitorClaims | None:
        # elsewhere a visitor's token opens nothing, so a stale one must not close anything
        if token is None or not rule.visitor:
            return None
        return self._tokens.visitor(token)

    async def _key(self, key: str | None, rule: Rule) -> KeyGrant | None:
        if key is None or rule.scope is None:
            return None
        if self.verify_key is None or len(key) > 200:
            raise Unauthenticated
        grant = await self.verify_key(key)
        if not grant.valid:
            raise Unauthenticated
        return grant


def _right(
    rule: Rule,
    agent: AgentClaims | None,
    visitor: VisitorClaims | None,
    grant: KeyGrant | None,
    session_name: str | None,
) -> Kind:
    """By which right the call passes; raises what fits the nearest miss."""
    if agent is not None and rule.allows_role(agent.role):
        return "agent"
    if grant is not None and rule.scope in grant.scopes:
        return "key"
    if visitor is not None:
        if session_name is not None and visitor.sub != session_name:
            raise SessionForbidden
        return "visitor"
    if rule.anyone:
        return "anyone"
    if agent is not None or grant is not None:
        raise Forbidden
    raise SessionForbidden if rule.visitor else Unauthenticated
