"""Every public endpoint's contract, a table a provider; `docs/openapi.json` is made from it."""

from common.contracts.endpoints import auth, chat, edge, sessions
from common.contracts.endpoints.endpoint import Endpoint, Query

ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    (endpoint.method, endpoint.path): endpoint
    for endpoint in (*chat.ENDPOINTS, *sessions.ENDPOINTS, *auth.ENDPOINTS, *edge.ENDPOINTS)
}

__all__ = ["ENDPOINTS", "Endpoint", "Query"]
