"""Visitor tokens: what a service says about a session becomes a signed token for its visitor."""

from common.clock import Clock
from common.security.caller import Caller
from common.security.tokens import TokenSigner, VisitorClaims

_RENEW_SECONDS = 7 * 86_400


class VisitorTokens:
    """Signs anew only when the caller's own token will not do for much longer."""

    def __init__(self, signer: TokenSigner, clock: Clock) -> None:
        self._signer = signer
        self._clock = clock

    def renewed(self, caller: Caller, *, name: str, sid: str, vip: bool, shop: str) -> str | None:
        """A token for this session, or None where the caller holds a good one."""
        held = caller.visitor
        if held is not None and self._will_do(held, name=name, sid=sid, vip=vip):
            return None
        kept = held.shop if held is not None and held.sid == sid else ""
        return self._signer.sign_visitor(name=name, sid=sid, shop=kept or shop, vip=vip)

    def _will_do(self, held: VisitorClaims, *, name: str, sid: str, vip: bool) -> bool:
        fresh = held.exp - self._clock() > _RENEW_SECONDS
        return held.sub == name and held.sid == sid and held.vip == vip and fresh
