"""Secrets brought in through every door turn up nowhere; a request is found in every log (S14, OBS)."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
import pytest_asyncio

from dev.actors import Agent, Visitor
from dev.rig import Rig
from dev.rig.rig import ADMIN, ADMIN_PASSWORD, ENV, eventually
from dev.runner.plan import Wishes
from dev.runner.stack import bare_environment, make_stack

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("secrets")]
shared = pytest_asyncio.fixture(scope="module", loop_scope="session")

SERVICES = ("gateway", "chat-proxy", "session-state", "auth", "notifier")
SMTP_PASSWORD = "smtp-Wq81-planted-Zz"
SHOP_SECRET = "shop-Wq82-planted-secret-Zz"
PEM_LINE = re.compile(r"^[A-Za-z0-9+/=]{40,}$")


@dataclass
class Planted:
    """Secret → where it was brought in."""

    places: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)

    def __call__(self, place: str, *, shape: str = "{}") -> str:
        secret = shape.format(f"p{secrets.token_hex(9)}")
        self.places[secret] = place
        return secret

    def known(self, place: str, secret: str) -> None:
        self.places[secret] = place

    def found_in(self, text: str) -> list[str]:
        return [place for secret, place in self.places.items() if secret in text]


@shared
async def rig(tmp_path_factory) -> AsyncIterator[Rig]:
    """All lines are logged, and the services have secrets of their own."""
    env = {**bare_environment(), **ENV, "LOG_LEVEL": "DEBUG"}
    stack = make_stack(Wishes(data_dir=tmp_path_factory.mktemp("secrets"), env=env))
    own = {
        "notifier": {"SMTP_USERNAME": "kefu", "SMTP_PASSWORD": SMTP_PASSWORD},
        "mailcatcher": {"MAILCATCHER_USERNAME": "kefu", "MAILCATCHER_PASSWORD": SMTP_PASSWORD},
        "session-state": {"SHOP_SECRETS": json.dumps({"*": SHOP_SECRET})},
    }
    for name, more in own.items():
        child = stack.child(name)
        child.part = replace(child.part, env={**child.part.env, **more})
    timeout = aiohttp.ClientTimeout(total=60, sock_connect=5)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        try:
            await stack.start()
            yield Rig(stack, http)
        finally:
            await stack.stop(seconds=10)


def logs(rig: Rig) -> dict[str, str]:
    return {name: rig.stack.log_path(name).read_text() for name in SERVICES}


def lines(text: str) -> Iterator[dict]:
    for line in text.split("\n"):
        if line:
            yield json.loads(line)


async def metrics(rig: Rig) -> dict[str, str]:
    found = {}
    for name in SERVICES:
        async with rig.http.get(rig.stack.url(name) + "/metrics") as answer:
            assert answer.status == 200
            found[name] = await answer.text()
    return found


async def everything_planted(rig: Rig) -> Planted:
    """Thirty and more secrets, each through another door, right and wrong."""
    plant = Planted()
    plant.known("SMTP_PASSWORD", SMTP_PASSWORD)
    plant.known("SHOP_SECRETS", SHOP_SECRET)
    plant.known("ADMIN_PASSWORD", ADMIN_PASSWORD)
    for name, value in rig.stack.plan.secrets.values.items():
        if "PUBLIC" not in name:
            plant.known(name, value)
    key = (rig.stack.data_dir / "keys" / "coze_simulator.pem").read_text()
    plant.known("Coze's private key", next(x for x in key.splitlines() if PEM_LINE.match(x)))
    visitor = await visitors_secrets(rig, plant)
    agent = await agents_secrets(rig, plant)
    await talk(rig, plant, visitor, agent)
    await strangers_secrets(rig, plant, visitor)
    return plant


async def visitors_secrets(rig: Rig, plant: Planted) -> Visitor:
    visitor = rig.visitor()
    await visitor.chat(plant("chat message"))
    plant.known("visitor token", visitor.headers["X-Visitor-Token"])
    await visitor.stream(plant("streamed message"))
    await visitor.stream(f"{plant('message of a failing turn')} [[sim:http_500]]")
    await visitor.chat("hello", parameters={"x": plant("chat parameter")})
    profile = {
        "nickname": plant("nickname"),
        "email": plant("profile e-mail", shape="{}@example.com"),
        "customer_id": plant("customer id"),
        "metadata": {"order": plant("profile metadata")},
    }
    path = f"/api/sessions/{visitor.name}"
    body = {"profile": profile, "signature": plant("profile signature")}
    await visitor.post(f"{path}/identify", body)
    mail = {"email": plant("transcript e-mail", shape="{}@example.com"), "consent": True}
    assert (await visitor.post(f"{path}/transcript", mail)).status == 200
    await visitor.escalate(
        message=plant("words to the team"),
        email=plant("escalation e-mail", shape="{}@example.com"),
    )
    await visitor.say(plant("message to a person"))
    return visitor


async def agents_secrets(rig: Rig, plant: Planted) -> Agent:
    admin = await Agent(rig.gateway, rig.http).login(ADMIN, ADMIN_PASSWORD)
    plant.known("access token", admin.headers["Authorization"].removeprefix("Bearer "))
    plant.known("refresh token", admin.refresh_token)
    password, changed = plant("new password"), plant("changed password")
    account = {"username": "planted", "password": password, "name": "Planted", "role": "supervisor"}
    assert (await admin.post("/api/agents", account)).status == 201
    agent = await Agent(rig.gateway, rig.http).login("planted", password)
    body = {"old_password": password, "new_password": changed}
    assert (await agent.post("/api/agent/change-password", body)).status == 200
    answer = await agent.post("/api/agent/refresh", {"refresh_token": agent.refresh_token})
    if answer.status == 200:
        agent.take(answer.body)
    else:
        await agent.login("planted", changed)
    plant.known("second refresh token", agent.refresh_token)
    wish = {"new_password": plant("wished password")}
    await admin.post("/api/agents/planted/reset-password", wish)
    drawn = await admin.post("/api/agents/planted/reset-password")
    plant.known("drawn password", drawn.body["data"]["password"])
    return await agent.login("planted", drawn.body["data"]["password"])


async def talk(rig: Rig, plant: Planted, visitor: Visitor, agent: Agent) -> None:
    await agent.call("PUT", "/api/agent/status", body={"status": "online"})

    async def taken() -> bool:
        return (await agent.takeover(visitor.name)).status == 200

    await eventually(taken)
    assert (await agent.say(visitor.name, plant("an agent's words"))).status == 200
    reason = {"reason": plant("reason of a release")}
    await agent.post(f"/api/sessions/{visitor.name}/release", reason)
    await visitor.post(
        f"/api/sessions/{visitor.name}/rating", {"score": 5, "comment": plant("rating comment")}
    )
    await agent.post(f"/api/sessions/{visitor.name}/block", {"reason": plant("block reason")})


async def strangers_secrets(rig: Rig, plant: Planted, visitor: Visitor) -> None:
    """What is refused is quoted nowhere either."""
    stranger = Visitor(rig.gateway, rig.http)
    path = f"/api/sessions/{visitor.name}"

    async def tried(method: str, where: str, **more) -> None:
        answer = await stranger.call(method, where, **more)
        plant.answers.append(json.dumps(answer.body, ensure_ascii=False))

    login = {"username": plant("unknown user name"), "password": plant("wrong password")}
    await tried("POST", "/api/agent/login", body=login)
    await tried("POST", "/api/agent/login", body={"username": ["x"], "password": [plant("list")]})
    await tried("POST", "/api/agent/login", raw=f'{{"password": "{plant("broken JSON")}'.encode())
    await tried("POST", "/api/agent/refresh", body={"refresh_token": plant("bad refresh token")})
    await tried("GET", path, headers={"X-Visitor-Token": plant("bad visitor token")})
    await tried("GET", path, headers={"Authorization": f"Bearer {plant('bad bearer')}"})
    await tried("GET", path, headers={"Authorization": f"Basic {plant('basic')}"})
    await tried("GET", "/api/sessions", headers={"X-API-Key": plant("bad API key")})
    await tried("GET", "/api/agent/profile", headers={"Cookie": f"kefu={plant('cookie')}"})
    await tried("GET", f"{path}?token={plant('query')}")
    await tried("GET", f"/api/sessions/{plant('path with @', shape='{}@x.org')}")
    await tried("GET", f"/api/nothing/{plant('unknown path')}")
    await tried("GET", path, headers={"X-Internal-Token": plant("internal token")})
    chat = {"message": {"text": plant("message of a wrong kind")}}
    await tried("POST", "/api/chat", body=chat)
    await tried("POST", "/api/chat", body={"message": plant("guess"), "user_id": visitor.name})
    await tried("POST", "/api/manual/escalate", body={plant("unknown field"): 1})


@shared
async def planted(rig: Rig) -> Planted:
    found = await everything_planted(rig)
    address = next(s for s, place in found.places.items() if place == "transcript e-mail")

    # the letter is out, so every service had its part
    async def mailed() -> bool:
        return bool(await rig.mails(address))

    await eventually(mailed)
    return found


async def test_thirty_secrets_are_in_no_log(rig: Rig, planted: Planted) -> None:
    assert len(planted.places) >= 30
    leaks = {name: planted.found_in(text) for name, text in logs(rig).items()}
    assert leaks == {name: [] for name in SERVICES}


async def test_no_secret_is_in_any_metric(rig: Rig, planted: Planted) -> None:
    leaks = {name: planted.found_in(text) for name, text in (await metrics(rig)).items()}
    assert leaks == {name: [] for name in SERVICES}


async def test_no_refusal_quotes_what_was_sent(planted: Planted) -> None:
    assert len(planted.answers) >= 15
    told = {place for text in planted.answers for place in planted.found_in(text)}
    # a refused body names the field that was unknown; that is all a caller hears of its own
    assert told <= {"unknown field"}


async def test_the_search_would_find_a_leak(rig: Rig, planted: Planted) -> None:
    """The canary: every secret, written without the mask, is found."""
    for secret, place in planted.places.items():
        assert place in planted.found_in(json.dumps({"event": f"got {secret}"}))
    # and the logs that were searched are those of the calls
    said = logs(rig)
    assert '"route":"/api/agent/login","status":401' in said["auth"].replace(" ", "")
    assert all(len(text) > 1000 for text in said.values())


async def test_every_line_is_json_with_what_was_promised(rig: Rig, planted: Planted) -> None:
    for name, text in logs(rig).items():
        requests = 0
        for line in lines(text):
            assert {"timestamp", "level", "event", "service"} <= set(line), line
            assert line["service"] == name
            if line["event"] in ("request", "slow request"):
                requests += 1
                assert {"request_id", "route", "status", "duration_ms", "method"} <= set(line), line
        assert requests > 0, name


async def test_a_request_is_found_in_every_service_it_passed(rig: Rig, planted: Planted) -> None:
    visitor, chat, ask = rig.visitor(), secrets.token_hex(12), secrets.token_hex(12)
    await visitor.new()
    answer = await visitor.call(
        "POST", "/api/chat", body={"message": "hello"}, headers={"X-Request-ID": chat}
    )
    assert answer.headers["X-Request-ID"] == chat
    body = {"session_name": visitor.name}
    await visitor.call("POST", "/api/manual/escalate", body=body, headers={"X-Request-ID": ask})
    await rig.visitor().call(
        "POST",
        "/api/agent/login",
        body={"username": "nobody", "password": "nothing here"},
        headers={"X-Request-ID": "login-" + ask},
    )

    def where(request_id: str) -> set[str]:
        return {
            name
            for name, text in logs(rig).items()
            for line in lines(text)
            if line.get("request_id") == request_id
        }

    passed = {
        chat: {"gateway", "chat-proxy", "session-state"},
        ask: {"gateway", "session-state"},
        "login-" + ask: {"gateway", "auth"},
    }

    # a line is written when the answer is out
    async def written() -> bool:
        return all(services <= where(name) for name, services in passed.items())

    await eventually(written)
    assert {name: where(name) for name in passed} == passed
    named = [ln for ln in lines(logs(rig)["session-state"]) if ln.get("request_id") == ask]
    assert {line.get("session_name") for line in named} == {visitor.name}


# what OBS-2 promises → the metric that tells, and where
FIGURES = {
    "requests": ("kefu_requests_total", SERVICES),
    "durations": ("kefu_request_seconds_bucket", SERVICES),
    "errors": (
        'kefu_requests_total{method="GET",route="/api/sessions/{name}",status="403"}',
        ("gateway",),
    ),
    "active sessions": ('kefu_sessions{status="bot_active"}', ("session-state",)),
    "waiting for a person": ("kefu_sessions_waiting", ("session-state",)),
    "SSE connections": ("kefu_event_streams", ("gateway",)),
    "chat streams": ("kefu_chat_streams", ("gateway",)),
    "bus lag": (
        "kefu_bus_lag_seconds",
        ("gateway", "chat-proxy", "session-state", "auth", "notifier"),
    ),
    "bus pending": ("kefu_bus_pending", ("session-state", "notifier")),
    "dead letters": ("kefu_bus_dead_letters_total", ("session-state", "notifier")),
    "Coze latency": ("kefu_coze_first_delta_seconds_bucket", ("chat-proxy",)),
    "Coze answers": ("kefu_coze_answer_seconds_bucket", ("chat-proxy",)),
    "Coze failures": ("kefu_coze_faults_total", ("chat-proxy",)),
    "token refreshes": ("kefu_token_refreshes_total", ("auth",)),
    "Coze token refreshes": ("kefu_coze_token_refreshes_total", ("chat-proxy",)),
    "mails": ("kefu_mails_total", ("notifier",)),
    "Redis memory": ("kefu_redis_memory_bytes", ("session-state",)),
}


async def test_every_figure_that_was_promised_is_measured(rig: Rig, planted: Planted) -> None:
    async def missing() -> list[tuple[str, str]]:
        told = await metrics(rig)
        return [
            (what, name)
            for what, (metric, services) in FIGURES.items()
            for name in services
            if not re.search(
                rf"^{re.escape(metric)}\b|^{re.escape(metric)} ", told[name], re.MULTILINE
            )
        ]

    async def complete() -> bool:
        return not await missing()

    with suppress(TimeoutError):
        await eventually(complete)
    assert await missing() == []
