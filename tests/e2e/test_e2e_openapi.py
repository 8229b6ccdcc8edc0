"""The OpenAPI document against the running product: what it says is what happens (S3)."""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
import requests
import schemathesis
from common.security.policy import RULES
from common.testing.waiting import PATIENCE_SECONDS
from gateway.documents import openapi
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from dev.actors import Agent
from dev.rig import Rig, running_rig
from dev.rig.rig import PASSWORD

pytestmark = [pytest.mark.xdist_group("openapi"), pytest.mark.timeout(900)]
shared = pytest_asyncio.fixture(scope="module", loop_scope="session")

RULE = {(rule.method, rule.path): rule for rule in RULES}
NAMES = ("session_name", "user_id", "session_id")
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@dataclass
class Cast:
    """Who calls: sessions in every state with their tokens, agents, accounts to be spent."""

    base: str
    tokens: dict[str, str]
    admin: str
    agent: str
    agent_id: str
    spare: list[str]
    http: requests.Session = field(default_factory=requests.Session)
    sent: Counter = field(default_factory=Counter)

    def bearer_to_lose(self) -> str:
        body = {"username": self.spare[0], "password": PASSWORD}
        answer = self.http.post(self.base + "/api/agent/login", json=body, timeout=PATIENCE_SECONDS)
        return f"Bearer {answer.json()['token']}"


@shared
async def rig(tmp_path_factory) -> AsyncIterator[Rig]:
    # random calls ask for many transcripts to one address; refusing them is another test's matter
    env = {"MAIL_TRANSCRIPTS_AN_HOUR": "100000"}
    async with running_rig(tmp_path_factory.mktemp("openapi"), env=env) as found:
        yield found


@shared
async def cast(rig: Rig) -> Cast:
    admin, tokens = await rig.admin(), {}
    agent = await rig.new_agent(admin, max_sessions=100)
    for number in range(32):
        visitor = rig.visitor()
        await visitor.new()
        tokens[visitor.name] = visitor.headers["X-Visitor-Token"]
        if number % 4:
            await visitor.escalate()
        if number % 4 > 1:
            await agent.takeover(visitor.name)
        if number % 4 > 2:
            await agent.post(f"/api/sessions/{visitor.name}/close")
    spare = []
    for number in range(12):
        body = {"username": f"spare-{number}", "password": PASSWORD, "name": f"Spare {number}"}
        await admin.post("/api/agents", body)
        spare.append(body["username"])
    return Cast(rig.gateway, tokens, bearer(admin), bearer(agent), agent.id, spare)


def bearer(agent: Agent) -> str:
    return agent.headers["Authorization"]


def aim(case: schemathesis.Case, cast: Cast, chance: random.Random) -> None:
    """Random calls mostly meet closed doors: three of four are given the right names and keys."""
    rule = RULE[case.operation.method.upper(), case.operation.path]
    name = chance.choice(sorted(cast.tokens))
    if chance.random() < 0.75:
        if "name" in case.path_parameters:
            case.path_parameters["name"] = name
        if "username" in case.path_parameters:
            # the first one is for logging out, and must stay
            case.path_parameters["username"] = chance.choice(cast.spare[1:])
        if isinstance(case.body, dict):
            case.body = {**case.body, **{key: name for key in NAMES if key in case.body}}
            if "to_agent_id" in case.body:
                case.body["to_agent_id"] = cast.agent_id
    if chance.random() < 0.1:
        return
    ways = ["visitor"] if rule.visitor else []
    ways += ["agent"] if rule.role else []
    way = chance.choice([*ways, *(["none"] if rule.anyone else [])])
    if way == "visitor":
        case.headers["X-Visitor-Token"] = cast.tokens[name]
    elif rule.path == "/api/agent/logout":
        case.headers["Authorization"] = cast.bearer_to_lose()
    elif way == "agent":
        is_admins = rule.role == "admin" or chance.random() < 0.4
        case.headers["Authorization"] = cast.admin if is_admins else cast.agent


def problems(cast: Cast, cases: int, *, seeded: bool) -> list[str]:
    """What the document says otherwise than it happened, over about so many calls."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(openapi())
    operations = [result.ok() for result in schema.get_all_operations()]
    each = settings(
        max_examples=cases // len(operations) // 2,
        deadline=None,
        database=None,
        derandomize=seeded,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return [
        f"{operation.label}: {problem}"
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        for problem in attempts(operation, mode, cast, each)
    ]


def attempts(operation, mode: GenerationMode, cast: Cast, each: settings) -> list[str]:
    """One endpoint, with input as it should be or as it should not."""
    checks, found = CHECKS.get_by_names(list(CHECKED)), []
    # an open stream answers `ready` and then nothing
    operation.schema.config.max_stream_events = 1 if operation.path.endswith("/events") else None

    @each
    @given(
        case=operation.as_strategy(generation_mode=mode),
        chance=st.randoms(use_true_random=False),
    )
    def attempt(case, chance):
        aim(case, cast, chance)
        cast.sent[operation.label] += 1
        try:
            case.call_and_validate(
                base_url=cast.base, session=cast.http, checks=checks, timeout=PATIENCE_SECONDS
            )
        except FailureGroup as group:
            found.extend(map(told, group.exceptions))

    # what takes nothing can't be given wrong input
    with suppress(Unsatisfiable):
        attempt()
    return found


def report(found: list[str]) -> str:
    return "\n".join(f"{count} × {text}" for text, count in Counter(found).most_common())


def told(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def errors_logged(rig: Rig) -> list[str]:
    lines = [
        json.loads(line)
        for path in rig.stack.logs_dir.glob("*.log")
        if path.stem in ("gateway", "chat-proxy", "session-state", "auth", "notifier")
        for line in path.read_text().split("\n")
        if line.startswith("{")
    ]
    return [str(line)[:600] for line in lines if line["level"] in ("ERROR", "CRITICAL")]


def test_two_thousand_calls_go_as_the_document_says(rig: Rig, cast: Cast) -> None:
    found = problems(cast, 2_200, seeded=True)
    assert not found, report(found)
    assert errors_logged(rig) == []
    assert len(cast.sent) == len(RULES), "every endpoint was called"
    assert sum(cast.sent.values()) >= 2_000


@pytest.mark.reliability
@pytest.mark.timeout(3600)
def test_twenty_thousand_calls_go_as_the_document_says(rig: Rig, cast: Cast) -> None:
    found = problems(cast, 20_000, seeded=False)
    assert not found, report(found)
    assert errors_logged(rig) == []


def test_a_document_that_is_wrong_is_found_out(rig: Rig, cast: Cast) -> None:
    """The canary: what the product never answers, and a field it does not have."""
    wrong = json.loads(json.dumps(openapi()))
    config = wrong["components"]["schemas"]["WidgetConfig"]
    config["required"] = [*config["required"], "secret"]
    schema = schemathesis.openapi.from_dict(wrong)
    load_all_checks()
    case = schema["/api/config"]["GET"].Case()
    with pytest.raises(FailureGroup, match="secret"):
        case.call_and_validate(base_url=cast.base, checks=CHECKS.get_by_names(list(CHECKED)))


def test_methods_the_document_does_not_name_are_405(rig: Rig, cast: Cast) -> None:
    """…and the answer names those it does."""
    for path, known in openapi()["paths"].items():
        url = cast.base + path.replace("{name}", "session_a").replace("{username}", "somebody")
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - {m.upper() for m in known}:
            answer = cast.http.request(method, url, timeout=PATIENCE_SECONDS)
            assert answer.status_code == 405, (method, path)
            named = {m.strip() for m in answer.headers["Allow"].split(",")}
            assert {m.upper() for m in known} <= named, (method, path)


def test_the_product_serves_the_document_that_is_committed(rig: Rig, cast: Cast) -> None:
    assert (
        cast.http.get(cast.base + "/api/openapi.json", timeout=PATIENCE_SECONDS).json() == openapi()
    )


def test_the_page_needs_nothing_but_itself(rig: Rig, cast: Cast) -> None:
    page = cast.http.get(cast.base + "/api/docs", timeout=PATIENCE_SECONDS)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]
    assert "src=" not in page.text.partition("<script>")[0]
    for rule in RULES:
        assert f"<code>{rule.path}</code>" in page.text
