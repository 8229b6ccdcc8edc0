"""What every request meets first: origins, headers, aliases, who may scrape."""

import pytest
from gateway.settings import GatewaySettings
from gateway.shops import load_shops

SHOPS = '[{"id":"berlin","name":"B","origins":["https://b.example"]}]'
ALLOWED = "https://shop.example,https://b.example:8443"


@pytest.fixture
def strict(open_door):
    """As in production: no page of this machine is allowed by itself."""
    return open_door(
        app_env="production",
        allowed_origins=ALLOWED,
        shops=SHOPS,
        internal_secret="Zq8v0Lk3Wm5Xr7Tb1Nc9Yd2Hf4Gj6Ps0",
    )


@pytest.mark.parametrize("origin", [*ALLOWED.split(","), "https://b.example"])
async def test_allowed_origins_may_read_answers(strict, origin):
    async with strict as door:
        status, _, headers = await door.answer("GET", "/api/bot/info", headers={"Origin": origin})
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == origin
    assert "X-Visitor-Token" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Origin" in headers.getall("Vary")[0]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://shop.example.evil.example",
        "https://evilshop.example",
        "http://shop.example",
        "https://shop.example:444",
        "https://SHOP.example",
        "https://shop.example/",
        "http://localhost:3000",
        "null",
        "*",
        "https://b.example:8444",
        "https://sub.b.example",
    ],
)
async def test_other_origins_are_refused_before_anything_happens(strict, services, origin):
    async with strict as door:
        for method in ("GET", "OPTIONS"):
            status, body, headers = await door.answer(
                method, "/api/bot/info", headers={"Origin": origin}
            )
            assert (status, body["error"]["code"]) == (403, "ORIGIN_FORBIDDEN")
            assert "Access-Control-Allow-Origin" not in headers
            assert headers["X-Request-ID"] == body["request_id"]
    assert services.asked("/api/bot/info") == []


async def test_the_gateways_own_pages_are_allowed(strict):
    async with strict as door:
        origin = {"Origin": door.running.url}
        assert (await door.answer("GET", "/api/bot/info", headers=origin))[0] == 200


async def test_in_development_this_machine_is_allowed(open_door):
    async with open_door(app_env="development") as door:
        for origin in ("http://localhost:5173", "http://127.0.0.1:1", "http://[::1]:80"):
            status, _, headers = await door.answer(
                "GET", "/api/bot/info", headers={"Origin": origin}
            )
            assert (status, headers["Access-Control-Allow-Origin"]) == (200, origin)
        for origin in ("http://localhost.evil.example", "http://127.0.0.1.evil.example:80"):
            status, _, _ = await door.answer("GET", "/api/bot/info", headers={"Origin": origin})
            assert status == 403


async def test_preflights_are_answered_here(strict, services):
    headers = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-visitor-token",
    }
    async with strict as door:
        status, _, answer = await door.answer("OPTIONS", "/api/v1/chat/stream", headers=headers)
        missing, _, _ = await door.answer("OPTIONS", "/api/nothing", headers=headers)
    assert (status, missing) == (204, 404)
    assert answer["Access-Control-Allow-Methods"] == "POST"
    assert "X-Visitor-Token" in answer["Access-Control-Allow-Headers"]
    assert answer["Access-Control-Max-Age"] == "600"
    assert services.calls == []


async def test_errors_carry_cors_and_security_headers_too(strict):
    async with strict as door:
        status, _, headers = await door.answer(
            "GET", "/api/agent/profile", headers={"Origin": "https://shop.example"}
        )
    assert status == 401
    assert headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["API-Version"] == "1"
    assert headers["WWW-Authenticate"] == "Bearer"


async def test_the_request_id_is_the_callers_or_a_new_one(door, services):
    _, _, headers = await door.answer(
        "GET", "/api/bot/info", headers={"X-Request-ID": "abcdefgh-1"}
    )
    assert headers["X-Request-ID"] == "abcdefgh-1"
    assert services.asked("/api/bot/info")[0].headers["X-Request-ID"] == "abcdefgh-1"
    _, _, headers = await door.answer("GET", "/api/bot/info", headers={"X-Request-ID": "<script>"})
    assert headers["X-Request-ID"] != "<script>"


async def test_traceparent_goes_on(door, services):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await door.answer("GET", "/api/bot/info", headers={"traceparent": trace})
    assert services.asked("/api/bot/info")[0].headers["traceparent"] == trace


async def test_metrics_are_not_for_those_who_come_by_a_proxy(open_door, door):
    for path in ("/metrics", "/health/ready"):
        assert (await door.answer("GET", path))[0] == 200
        forwarded = {"X-Forwarded-For": "1.2.3.4"}
        assert (await door.answer("GET", path, headers=forwarded))[0] == 404
    async with open_door(scrape_networks="10.0.0.0/8") as other:
        assert (await other.answer("GET", "/metrics"))[0] == 404
        assert (await other.answer("GET", "/health/live"))[0] == 200


async def test_hsts_where_a_trusted_proxy_took_tls_off(open_door):
    async with open_door(trusted_proxies="127.0.0.1") as door:
        https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
        _, _, headers = await door.answer("GET", "/api/bot/info", headers=https)
        assert "max-age" in headers["Strict-Transport-Security"]
        _, _, headers = await door.answer("GET", "/api/bot/info")
        assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    "wrong",
    [
        '[{"id":"a","origins":["https://*.example"]}]',
        '[{"id":"a","origins":["shop.example"]}]',
        '[{"id":"a b"}]',
        '[{"id":"a"},{"id":"a"}]',
        '[{"id":"a","unknown":1}]',
        "not a file",
    ],
)
def test_wrong_shops_are_refused_at_the_start(wrong):
    with pytest.raises((ValueError, OSError)):
        load_shops(wrong)


def test_every_limit_of_the_design_is_the_default():
    defaults = {n: f.default for n, f in GatewaySettings.model_fields.items()}
    expected = {
        "rate_chat_session": 20,
        "rate_chat_address": 60,
        "rate_chat_vip": 100,
        "rate_new_address": 10,
        "rate_guess_address": 5,
        "rate_escalate_session": 5,
        "rate_message_session": 30,
        "rate_typing_session": 60,
        "rate_other_session": 120,
        "rate_login_address": 10,
        "rate_agent": 1200,
        "streams_max": 1000,
        "streams_reserved": 50,
        "streams_per_visitor": 3,
        "chats_per_visitor": 3,
        "lease_seconds": 30,
        "heartbeat_seconds": 30,
        "idle_close_seconds": 300,
        "send_deadline_seconds": 15,
        "stream_queue": 100,
        "upstream_timeout_seconds": 10,
    }
    assert {name: defaults[name] for name in expected} == expected
