"""The document is made from tables; the tables are held to what the services' routes really take."""

import inspect
import typing

import pytest
from auth import routes as auth_routes
from chat_proxy.routes import conversations, others
from common.contracts.endpoints import ENDPOINTS
from common.security.policy import RULES, Owner
from common.settings import ServiceSettings
from fastapi.params import Query as QueryParameter
from fastapi.routing import APIRoute
from gateway.documents import openapi
from pydantic import BaseModel
from session_state.routes import agents, manual, sessions, shift, visitors

from dev.generate import references
from dev.generate.__main__ import DOCUMENTS, ROOT
from dev.generate.variables import Undescribed, section

ROUTERS = (
    auth_routes.router,
    conversations.router,
    others.router,
    agents.router,
    manual.router,
    sessions.router,
    shift.router,
    visitors.router,
)
ROUTES = {
    (method, route.path): route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
}
# bare ASGI: nothing of FastAPI tells what they take
HOT = {("POST", "/api/chat"), ("POST", "/api/chat/stream")}


def annotations(route: APIRoute) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(route.endpoint, eval_str=True).parameters)


def body_of(route: APIRoute) -> tuple[type[BaseModel] | None, bool]:
    """The body's model, and whether it may be left out."""
    for parameter in annotations(route).values():
        kinds = typing.get_args(parameter.annotation) or (parameter.annotation,)
        for kind in kinds:
            if inspect.isclass(kind) and issubclass(kind, BaseModel):
                return kind, type(None) in kinds
    return None, False


def queries_of(route: APIRoute) -> set[str]:
    return {param.alias for param in route.dependant.query_params} | {
        name
        for name, parameter in annotations(route).items()
        if isinstance(parameter.default, QueryParameter)
    }


@pytest.mark.parametrize("way", sorted(ROUTES), ids=" ".join)
def test_a_route_takes_what_the_document_says(way: tuple[str, str]) -> None:
    route, endpoint = ROUTES[way], ENDPOINTS[way]
    assert body_of(route) == (endpoint.body, endpoint.body_optional)
    assert queries_of(route) == {query.name for query in endpoint.query}


def test_every_public_route_of_a_service_was_held_to_the_document() -> None:
    owned = {(r.method, r.path) for r in RULES if r.owner is not Owner.GATEWAY}
    assert owned - HOT == set(ROUTES)


def test_the_document_says_of_every_rule_who_may_and_how_it_fails() -> None:
    document = openapi()
    for rule in RULES:
        operation = document["paths"][rule.path][rule.method.lower()]
        assert operation["summary"]
        assert "**Who:**" in operation["description"]
        ways = [next(iter(way), "anyone") for way in operation["security"]]
        assert ("anyone" in ways) is rule.anyone
        assert ("visitor" in ways) is rule.visitor
        assert ("agent" in ways) is (rule.role is not None)
        assert ("key" in ways) is (rule.scope is not None)
        assert {"403", "431", "500"} <= set(operation["responses"])


def test_every_example_is_one() -> None:
    """A developer copies them: each must pass the model it shows."""
    for endpoint in ENDPOINTS.values():
        if endpoint.body is not None:
            assert endpoint.sample is not None, endpoint.path
            endpoint.body.model_validate(endpoint.sample)
        is_model = inspect.isclass(endpoint.answer) and issubclass(endpoint.answer, BaseModel)
        if endpoint.example is not None and endpoint.media == "json" and is_model:
            endpoint.answer.model_validate(endpoint.example)


class Silent(ServiceSettings):
    told: int = 1
    """This one says what it is for."""
    silent: int = 2


def test_no_setting_is_without_a_meaning() -> None:
    with pytest.raises(Undescribed, match="silent"):
        section("a service", Silent)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_what_is_generated_is_committed(name: str) -> None:
    assert (ROOT / name).read_text() == DOCUMENTS[name](), "run `make gen`"


def test_every_failure_has_its_row() -> None:
    table = references.errors_md()
    for endpoint in ENDPOINTS.values():
        assert all(f"`{error.code}`" in table for error in endpoint.errors)
