"""Who is calling, as the guard found out before any route ran."""

from dataclasses import dataclass
from typing import Literal

from common.errors import SessionForbidden, Unauthenticated
from common.security.tokens import AgentClaims, VisitorClaims

Kind = Literal["anyone", "visitor", "agent", "key", "service"]


@dataclass(frozen=True, slots=True)
class Caller:
    """`kind` is the right the call passed by. `visitor` and `agent` are both set where both
    tokens were sent and are good; `service` is set where another service made the call, for
    itself (`kind` service) or passing somebody's request on.

    `address` and `shop` are what that service said, else the socket's peer and empty."""

    kind: Kind = "anyone"
    visitor: VisitorClaims | None = None
    agent: AgentClaims | None = None
    service: str | None = None
    key_id: str | None = None
    address: str = ""
    shop: str = ""
    language: str = "zh"

    def require_agent(self) -> AgentClaims:
        """The agent this call is made by; raises Unauthenticated where there is none."""
        if self.agent is None:
            raise Unauthenticated
        return self.agent

    def require_visitor(self, session_name: str) -> VisitorClaims:
        """The visitor of that session; raises SessionForbidden for everybody else."""
        if self.visitor is None or self.visitor.sub != session_name:
            raise SessionForbidden
        return self.visitor
