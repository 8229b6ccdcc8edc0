"""Configuration, health, metrics, documents, the web's files, presence."""

import pytest
from aiohttp import web
from common.contracts.endpoints import ENDPOINTS
from common.security.policy import RULES
from yarl import URL


async def test_the_widget_learns_what_it_needs(open_door, services):
    shops = """[{"id":"berlin","name":"Berlin","origins":["https://b.example"],
      "languages":["de","en"],"look":{"color":"#ff8800","position":"left"},
      "texts":{"de":{"title":"Hallo"}},"logo_url":"https://b.example/logo.svg"}]"""
    async with open_door(shops=shops, widget_features="escalate,-rating") as door:
        status, body, _ = await door.answer("GET", "/api/config?shop=berlin")
        assert status == 200
        data = body["data"]
        assert data["shop"]["name"] == "Berlin"
        assert data["shop"]["look"]["color"] == "#ff8800"
        assert data["shop"]["texts"]["de"] == {"title": "Hallo"}
        assert "origins" not in data["shop"]
        assert data["features"] == {"escalate": True, "rating": False}
        assert data["limits"]["max_message_chars"] == 5000
        assert data["languages"] == ["de", "en"]
        assert data["shift"]["is_in_shift"] is True
        _, body, _ = await door.answer("GET", "/api/config?shop=unknown")
        assert body["data"]["shop"]["id"] == "default"
    # asked for once, however many widgets
    assert len(services.asked("/api/shift/status")) == 1


async def test_the_configuration_comes_without_hours_when_they_cannot_be_known(open_door):
    async with open_door(session_state_url="http://127.0.0.1:9") as door:
        status, body, _ = await door.answer("GET", "/api/config")
    assert (status, body["data"]["shift"]) == (200, None)


async def test_health_keeps_its_shape(door):
    status, body, _ = await door.answer("GET", "/api/health")
    assert status == 200
    assert body == {
        "status": "healthy",
        "coze_connected": True,
        "session_isolation": True,
        "version": body["version"],
        "coze": "simulator",
    }


async def test_isolation_is_checked_and_not_assumed(services, door):
    services.isolates = False
    status, body, _ = await door.answer("GET", "/api/health")
    assert (status, body["status"], body["session_isolation"]) == (503, "degraded", False)


async def test_a_service_that_is_down_degrades(open_door):
    async with open_door(chat_proxy_url="http://127.0.0.1:9") as door:
        status, body, _ = await door.answer("GET", "/api/health")
    assert (status, body["status"], body["coze_connected"]) == (503, "degraded", False)


async def test_detailed_health_is_for_admins(open_door, test_keys, services):
    async with open_door(notifier_url="http://127.0.0.1:9") as door:
        admin = test_keys.agent_header("root", role="admin")
        status, body, _ = await door.answer("GET", "/api/health/detailed", headers=admin)
        assert status == 200
        found = body["data"]["services"]
        assert found["session-state"]["state"] == "ok"
        assert found["session-state"]["latency_ms"] >= 0
        assert found["notifier"]["state"] == "down"
        assert body["data"]["gateway"]["checks"]["redis"] == "ok"
        status, body, _ = await door.answer("GET", "/api/health/detailed")
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


async def test_metrics_count_streams(services, door, test_keys, visitor, until):
    services.session("session_a")
    stream = await door.events("/api/sessions/session_a/events", **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    admin = test_keys.agent_header("root", role="admin")
    _, body, headers = await door.answer("GET", "/api/metrics", headers=admin)
    assert b"kefu_event_streams 1.0" in body
    assert headers["Content-Type"].startswith("text/plain")


async def test_the_document_lists_every_public_endpoint(door):
    status, body, _ = await door.answer("GET", "/api/openapi.json")
    assert status == 200
    listed = {(m.upper(), p) for p, methods in body["paths"].items() for m in methods}
    assert listed == {(rule.method, rule.path) for rule in RULES}
    ask = body["paths"]["/api/chat"]["post"]["requestBody"]["content"]["application/json"]
    assert ask["schema"] == {"$ref": "#/components/schemas/ChatRequest"}
    assert set(body["components"]["schemas"]["Failure"]["required"]) >= {"error", "request_id"}


def test_every_rule_is_described_and_nothing_else():
    assert {(rule.method, rule.path) for rule in RULES} == set(ENDPOINTS)


async def test_the_documentation_page_fetches_nothing_from_elsewhere(door):
    status, body, headers = await door.answer("GET", "/api/docs")
    assert status == 200
    assert b"http://" not in body
    assert b"https://" not in body
    assert b"/api/chat/stream" in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]


# --- the web's files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", b"shop"),
        ("/embed", b"window"),
        ("/embed?shop=berlin", b"window"),
        ("/agent/", b"workbench"),
        ("/agent/sessions/session_a", b"workbench"),
        ("/sdk/fiido-kefu.js", b"loader()"),
        ("/sdk.js", b"loader()"),
        ("/embed.js", b"loader()"),
        ("/assets/app-a1b2c3.js", b"app()"),
    ],
)
async def test_each_path_means_its_file(open_door, dist, path, text):
    async with open_door(web_dir=dist) as door:
        status, body, headers = await door.answer(
            "GET", path, headers={"Accept-Encoding": "identity"}
        )
        assert status == 200
        assert text in body
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"]
        etag = {"If-None-Match": headers["ETag"], "Accept-Encoding": "identity"}
        assert (await door.answer("GET", path, headers=etag))[0] == 304
        assert (await door.answer("HEAD", path))[0] == 200


async def test_assets_are_kept_for_ever_and_pages_are_not(open_door, dist):
    async with open_door(web_dir=dist) as door:
        kept = {
            path: (await door.answer("GET", path))[2]["Cache-Control"]
            for path in ("/assets/app-a1b2c3.js", "/embed", "/sdk.js")
        }
    assert "immutable" in kept["/assets/app-a1b2c3.js"]
    assert kept["/embed"] == "no-cache"
    assert "max-age=300" in kept["/sdk.js"]


@pytest.mark.parametrize(
    ("accept", "encoding"), [("gzip, br", "br"), ("gzip", "gzip"), ("identity", None), ("", None)]
)
async def test_the_smallest_variant_is_sent(open_door, dist, accept, encoding):
    async with open_door(web_dir=dist) as door:
        headers = {"Accept-Encoding": accept}
        _, _, answer = await door.answer("GET", "/assets/app-a1b2c3.js", headers=headers)
        assert answer.get("Content-Encoding") == encoding
        assert answer["Content-Type"].startswith("text/javascript")
        assert "Accept-Encoding" in answer["Vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/.hidden",
        "/assets/",
        "/nothing.js",
        "/agent/nothing.js",
        "/%00",
    ],
)
async def test_nothing_outside_the_build_is_served(open_door, dist, path):
    async with open_door(web_dir=dist) as door:
        url = URL(door.running.url + path, encoded=True)
        async with door.http.get(url) as response:
            assert response.status == 404
            assert b"secret" not in await response.read()


async def test_only_the_shops_own_pages_may_frame_the_window(open_door, dist):
    berlin = '{"id":"berlin","origins":["https://b.example"]}'
    shops = f'[{berlin},{{"id":"wien","origins":["https://w.example"]}}]'
    settings = {
        "shops": shops,
        "app_env": "production",
        "allowed_origins": "https://main.example",
        "internal_secret": "Zq8v0Lk3Wm5Xr7Tb1Nc9Yd2Hf4Gj6Ps0",
    }

    async with open_door(web_dir=dist, **settings) as door:

        async def ancestors(path):
            _, _, headers = await door.answer("GET", path)
            policy = headers["Content-Security-Policy"]
            return policy.rpartition("frame-ancestors ")[2]

        assert await ancestors("/embed?shop=berlin") == "'self' https://b.example"
        assert await ancestors("/embed?shop=wien") == "'self' https://w.example"
        assert await ancestors("/embed") == "'self' https://main.example"
        assert await ancestors("/embed?shop=unknown") == "'none'"
        assert await ancestors("/agent/") == "'none'"
        _, _, headers = await door.answer("GET", "/agent/")
        assert headers["X-Frame-Options"] == "DENY"
        assert "script-src 'self'" in headers["Content-Security-Policy"]


async def test_without_a_build_it_says_what_to_do(open_door, tmp_path):
    async with open_door(web_dir=tmp_path / "missing") as door:
        status, body, _ = await door.answer("GET", "/")
    assert status == 503
    assert b"make web" in body


async def test_a_gateway_that_hears_no_live_messages_yet_is_not_ready(door):
    assert (await door.answer("GET", "/health/ready"))[0] == 200
    live = door.wiring.leases._tell.__self__
    live._ready.clear()
    status, body, _ = await door.answer("GET", "/health/ready")
    assert (status, body["checks"]["live"]) == (503, "timeout")


# --- presence ------------------------------------------------------------------------------


async def test_presence_is_reported_in_batches(services, door, visitor, test_keys, until):
    services.session("session_a")
    stream = await door.events("/api/sessions/session_a/events", **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    await door.answer("POST", "/api/sessions/session_b/read", headers=visitor("session_b"))
    await door.wiring.presence.report()
    told = services.asked("/internal/presence")[-1].json()
    assert told == {"sessions": ["session_a", "session_b"]}
    await door.wiring.presence.report()
    assert services.asked("/internal/presence")[-1].json() == {"sessions": ["session_a"]}


async def test_an_agent_is_reported_at_first_sight(services, door, test_keys, until):
    await door.answer("GET", "/api/agent/profile", headers=test_keys.agent_header("agent-7"))
    await until(lambda: services.asked("/internal/agents/seen"))
    assert services.asked("/internal/agents/seen")[0].json() == {"agent_ids": ["agent-7"]}


async def test_an_agents_stream_is_presence(services, door, test_keys, until):
    stream = await door.events("/api/agent/events", **test_keys.agent_header("agent-7"))
    await until(lambda: stream.of("ready"))
    for _ in range(2):
        await door.wiring.presence.report()
        assert services.asked("/internal/agents/seen")[-1].json() == {"agent_ids": ["agent-7"]}


async def test_visitors_are_reported_though_agents_can_not_be(
    services, door, visitor, test_keys, until
):
    async def away(_request):
        return web.Response(status=503)

    services.on("POST", "/internal/agents/seen", away)
    await door.events("/api/agent/events", **test_keys.agent_header())
    await door.answer("POST", "/api/sessions/session_a/read", headers=visitor("session_a"))
    await door.wiring.presence.report()
    told = {"sessions": ["session_a"]}
    await until(lambda: told in [call.json() for call in services.asked("/internal/presence")])
    assert services.asked("/internal/agents/seen")
