"""What goes along with a forwarded call and what comes back: allow-lists both ways."""

from common.app import RequestContext, Scope
from common.clients.lines import Answer
from common.contracts.common import Headers
from common.security.internal import InternalSigner
from common.security.policy import Owner

from gateway.calls import Call
from gateway.relay import EVENTS
from gateway.shops import Shops, origin_of
from gateway.visitors import VisitorTokens

Raw = list[tuple[bytes, bytes]]

# What a service may see of a call; everything else stays here.
_PASSED = frozenset(
    (
        b"authorization",
        b"x-visitor-token",
        b"x-api-key",
        b"traceparent",
        b"accept",
        b"accept-language",
        b"content-type",
        b"user-agent",
        b"if-none-match",
    )
)
# auth keeps the workbench's refresh token in a cookie, and looks which page sent it
_FOR_AUTH = frozenset((b"cookie", b"origin", b"sec-fetch-site"))
# those of the line, those of uvicorn, and what the services say to us alone
_KEPT_BACK = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"server",
        b"date",
        b"content-length",
        b"x-request-id",
        *(name.lower().encode() for name in Headers.INTERNAL),
    )
)
_NAME, _SID, _VIP = (
    name.lower().encode()
    for name in (Headers.SESSION_NAME, Headers.SESSION_SID, Headers.SESSION_VIP)
)
_UNBUFFERED: Raw = [
    (b"x-accel-buffering", b"no"),
    (b"cache-control", b"no-store, no-transform"),
]
_REPLACED = frozenset(name for name, _ in _UNBUFFERED)


def vouches(answer: Answer) -> bool:
    """Does the service say that the caller is a session's own visitor? Of callers without a
    token only those are who have just made one."""
    return bool(answer.get(_SID))


class HeaderRules:
    """Adds what the services trust the gateway for, and turns what they say into tokens."""

    def __init__(self, *, tokens: VisitorTokens, signer: InternalSigner, shops: Shops) -> None:
        self._tokens = tokens
        self._signer = signer
        self._shops = shops

    def request(self, scope: Scope, found: RequestContext, call: Call) -> Raw:
        """Headers of the call to the service that owns it."""
        is_auth = call.rule.owner is Owner.AUTH
        passed = [
            header
            for header in scope["headers"]
            if header[0] in _PASSED or (is_auth and header[0] in _FOR_AUTH)
        ]
        return [
            *passed,
            (b"x-request-id", found.request_id.encode()),
            (b"x-internal-token", self._signer.header(call.rule.owner.value).encode()),
            (b"x-client-address", call.caller.address.encode()),
            (b"x-shop", self.shop_of(scope, call).encode()),
        ]

    def answer(self, scope: Scope, call: Call, answer: Answer) -> Raw:
        """Headers of the answer to the caller."""
        head: Raw = [header for header in answer.headers if header[0] not in _KEPT_BACK]
        token = self._visitor_token(scope, call, answer)
        if token is not None:
            head.append((b"x-visitor-token", token.encode()))
        if answer.content_type == EVENTS:
            return [h for h in head if h[0] not in _REPLACED] + _UNBUFFERED
        return head

    def shop_of(self, scope: Scope, call: Call) -> str:
        """By the token, else as the page says, else by the page's origin."""
        if call.caller.visitor is not None and call.caller.visitor.shop:
            return call.caller.visitor.shop
        shop = None
        for part in scope["query_string"].decode("latin-1").split("&"):
            if part.startswith("shop="):
                shop = self._shops.find(part[5:])
        if shop is None:
            origin = next((v for n, v in scope["headers"] if n == b"origin"), b"")
            shop = self._shops.of_origin(origin_of(origin.decode("latin-1")))
        return shop.id if shop is not None else ""

    def _visitor_token(self, scope: Scope, call: Call, answer: Answer) -> str | None:
        name, sid = answer.get(_NAME).decode("latin-1"), answer.get(_SID).decode("latin-1")
        if not name or not sid:
            return None
        vip = answer.get(_VIP).lower() in (b"1", b"true")
        shop = self.shop_of(scope, call)
        return self._tokens.renewed(call.caller, name=name, sid=sid, vip=vip, shop=shop)
