"""Another visitor's session, with every credential but its own: never readable, never writable."""

import itertools

import pytest
from common.security.policy import RULES

from dev.actors import Agent, Answer, Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("e2e")]

BODIES = {
    "/api/chat": {"message": "let me in", "user_id": "{name}"},
    "/api/chat/stream": {"message": "let me in", "user_id": "{name}"},
    "/api/conversation/new": {"session_id": "{name}"},
    "/api/conversation/create": {"user_id": "{name}"},
    "/api/conversation/clear": {"session_id": "{name}"},
    "/api/manual/escalate": {"session_name": "{name}"},
    "/api/manual/cancel": {"session_name": "{name}"},
    "/api/manual/messages": {"session_name": "{name}", "role": "user", "content": "let me in"},
    "/api/sessions/{name}/read": {"seq": 1},
    "/api/sessions/{name}/rating": {"score": 1},
    "/api/sessions/{name}/identify": {"profile": {"nickname": "thief"}},
    "/api/sessions/{name}/transcript": {"email": "thief@example.com", "consent": True},
}
VISITOR_RULES = [r for r in RULES if r.visitor]


def filled(value: object, name: str) -> object:
    if isinstance(value, dict):
        return {k: filled(v, name) for k, v in value.items()}
    return value.replace("{name}", name) if isinstance(value, str) else value


def credentials(victim: Visitor, thief: Visitor) -> dict[str, dict[str, str]]:
    token = victim.headers["X-Visitor-Token"]
    head, body, sign = token.split(".")
    return {
        "none": {},
        "another visitor's token": dict(thief.headers),
        "a token with a broken signature": {"X-Visitor-Token": f"{head}.{body}.{sign[:-4]}AAAA"},
        "a token without signature": {"X-Visitor-Token": f"{head}.{body}."},
        "the token as a bearer": {"Authorization": f"Bearer {token}"},
        "garbage": {"X-Visitor-Token": "garbage", "Authorization": "Bearer garbage"},
    }


@pytest.mark.parametrize("rule", VISITOR_RULES, ids=lambda r: f"{r.method} {r.path}")
async def test_a_stranger_gets_nothing(rule, new_visitor, agent: Agent) -> None:
    victim, thief = new_visitor(), new_visitor()
    await victim.chat("my secret is heron-4711")
    await thief.new()
    before = await agent.state(victim.name)
    for what, headers in credentials(victim, thief).items():
        stranger = Visitor(victim.base, victim.http, headers)
        answer = await attempt(stranger, rule, victim.name)
        assert answer.status in (401, 403), (what, answer)
        assert "heron-4711" not in str(answer.body), what
    assert await agent.state(victim.name) == before, "nothing was written"


async def attempt(caller: Visitor, rule, name: str) -> Answer:
    path = rule.path.replace("{name}", name)
    body = filled(BODIES.get(rule.path, {}), name) if rule.method != "GET" else None
    return await caller.call(rule.method, path, body=body)


async def test_the_owner_passes_the_same_calls(new_visitor) -> None:
    """The canary: were everything refused to everybody, the test above would prove nothing."""
    for rule in VISITOR_RULES:
        if rule.path.endswith("/events"):
            continue
        owner = new_visitor()
        await owner.chat("hello")
        answer = await attempt(owner, rule, owner.name)
        assert answer.status not in (401, 403, 404, 422), (rule.path, answer)


async def test_a_guessed_session_opens_with_its_own_conversation_id_only(new_visitor) -> None:
    owner, plain = new_visitor(), new_visitor()
    await owner.new()
    conversation = (await owner.state())["conversation_id"]
    wrong = await plain.post(
        "/api/chat", {"message": "hi", "user_id": owner.name, "conversation_id": "7" * 19}
    )
    assert (wrong.status, wrong.code) == (403, "SESSION_FORBIDDEN")
    right = await plain.post(
        "/api/chat", {"message": "hi", "user_id": owner.name, "conversation_id": conversation}
    )
    assert right.status == 200
    await owner.escalate()
    late = await plain.post(
        "/api/chat", {"message": "hi", "user_id": owner.name, "conversation_id": conversation}
    )
    assert late.status in (403, 409)
    read = await plain.get(f"/api/sessions/{owner.name}")
    assert read.status == 403


async def test_no_answer_of_twenty_visitors_holds_anothers_secret(new_visitor) -> None:
    """S1 in small: every visitor's reads over every route hold its own secret only."""
    visitors = [new_visitor() for _ in range(20)]
    for number, visitor in enumerate(visitors):
        await visitor.chat(f"my secret is secret-{number:04d}-x")
    for (i, reader), (j, owner) in itertools.product(enumerate(visitors), enumerate(visitors)):
        if i == j:
            continue
        for path in (f"/api/sessions/{owner.name}", f"/api/sessions/{owner.name}/messages"):
            answer = await reader.get(path)
            assert answer.status == 403
            assert "secret-" not in str(answer.body)


async def test_a_visitor_never_sees_what_is_for_agents(visitor: Visitor, agent: Agent) -> None:
    await visitor.new()
    await visitor.escalate(message="call me", email="ann@example.com")
    await agent.takeover(visitor.name)
    session = await visitor.state()
    assert set(session["assigned_agent"]) == {"name"}
    assert set(session["escalation"]) == {"reason", "trigger_at"}
    assert "ai_fail_count" not in session
    assert set(session["mail"]) == {"sent"}
    trail = (await visitor.get(f"/api/sessions/{visitor.name}")).body["data"]["audit_trail"]
    assert all(not entry.get("operator") for entry in trail)


async def test_an_unknown_session_is_403_for_visitors_and_404_for_agents(
    visitor: Visitor, agent: Agent
) -> None:
    await visitor.new()
    assert (await visitor.get("/api/sessions/nobody-knows")).status == 403
    assert (await agent.get("/api/sessions/nobody-knows")).status == 404
