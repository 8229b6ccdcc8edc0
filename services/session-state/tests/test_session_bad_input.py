"""Whatever is sent, the answer is the envelope and never a 5xx (api.md, "Conventions")."""

import random
from typing import Any

from common.security.policy import RULES, Owner

_ROUTES = [rule for rule in RULES if rule.owner is Owner.SESSION_STATE]
_INTERNAL = (
    "/internal/turns/open",
    "/internal/turns/lease",
    "/internal/turns/conversation",
    "/internal/conversations/check",
    "/internal/conversations",
    "/internal/presence",
)
_VALUES: tuple[Any, ...] = (
    None,
    "",
    "v1",
    "x" * 21_000,
    "a\u0000b",
    "\u202e字",
    0,
    -1,
    2**63,
    1e308,
    True,
    [],
    ["v1"] * 5,
    {},
    {"v1": {"v1": 1}},
)
_FIELDS = (
    "session_name",
    "role",
    "content",
    "message",
    "email",
    "reason",
    "seq",
    "score",
    "profile",
    "signature",
    "consent",
    "to_agent_id",
    "client_message_id",
    "conversation_id",
    "turn_id",
    "epoch",
    "sid",
    "sessions",
    "language",
    "shift_start",
    "holidays",
    "timezone",
    "clear",
    "unknown",
)
_NAMES = ("v1", "nobody", "a" * 128, "a" * 129, "..", "%2e%2e", "a%00b", "字", "v1%0d%0aX: y")
_QUERIES = (
    "",
    "?limit=x&offset=1e9",
    "?after=-1&before=%00",
    "?q=%ff&status=%5B%5D",
    "?since=inf&until=nan&vip=2",
    "?sort=__class__&agent=*&reason=a:b",
)


def _body(chance: random.Random) -> Any:
    if chance.random() < 0.15:
        return chance.choice(_VALUES)
    wanted = chance.sample(_FIELDS, chance.randrange(1, 8))
    return {field: chance.choice(_VALUES) for field in wanted}


async def _check(service: Any, rounds: int, seed: int) -> set[int]:
    chance, seen = random.Random(seed), set()
    visitor = await service.visitor("v1")
    callers: tuple[dict[str, str], ...] = (
        {},
        visitor.headers,
        service.as_agent("ann", role="admin"),
        service.as_agent("gus", role="guest"),
        service.as_service(),
    )
    for _ in range(rounds):
        for rule in _ROUTES:
            path = rule.path.replace("{name}", chance.choice(_NAMES)) + chance.choice(_QUERIES)
            body = None if rule.method == "GET" else _body(chance)
            status, answer = await service.call(rule.method, path, body, chance.choice(callers))
            seen.add(status)
            assert status < 500, (rule.method, path, body, answer)
            if status >= 400:
                assert set(answer) == {"success", "error", "request_id"}
                assert answer["error"]["code"].isupper()
        for path in _INTERNAL:
            status, answer = await service.post(path, _body(chance), service.as_service())
            seen.add(status)
            assert status < 500, (path, answer)
    return seen


async def test_no_input_makes_a_server_error(service: Any) -> None:
    seen = await _check(service, rounds=12, seed=7)
    assert {200, 401, 403, 404, 422} <= seen
    # the service is as well as before
    _, ticket = await service.open_turn("hello")
    assert ticket["verdict"] == "answer"
