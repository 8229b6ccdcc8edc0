"""Forwarding by the policy table: what goes through, what stays here, what comes back."""

import asyncio

import pytest
from aiohttp import web

STATE = "/api/sessions/session_a"


async def test_a_call_reaches_the_service_that_owns_it(services, door, visitor):
    status, body, headers = await door.answer("GET", STATE, headers=visitor("session_a"))
    assert (status, body) == (200, {"success": True, "data": {"by": "fake"}})
    (call,) = services.asked(STATE)
    assert call.headers["X-Internal-Token"].startswith("v1.gateway.session-state.")
    assert call.headers["X-Client-Address"] == "127.0.0.1"
    assert call.headers["X-Visitor-Token"] == visitor("session_a")["X-Visitor-Token"]
    assert call.headers["X-Request-ID"] == headers["X-Request-ID"]


async def test_query_and_body_go_on_unchanged(services, door, visitor, test_keys):
    await door.answer("GET", "/api/sessions?q=%E4%BD%A0&limit=5", headers=test_keys.agent_header())
    assert services.asked("/api/sessions")[0].query == "q=%E4%BD%A0&limit=5"
    sent = {"session_name": "session_a", "role": "user", "content": "你好"}
    await door.answer("POST", "/api/manual/messages", headers=visitor("session_a"), json=sent)
    assert services.asked("/api/manual/messages")[0].json() == sent


async def test_nobody_outside_speaks_for_a_service(services, door, visitor):
    forged = {
        "X-Internal-Token": "v1.auth.session-state.9999999999." + "0" * 64,
        "X-Client-Address": "6.6.6.6",
        "X-Session-Sid": "forged",
        "X-Session-Vip": "1",
        "X-Shop": "forged",
    }
    await door.answer("GET", STATE, headers={**visitor("session_a"), **forged})
    (call,) = services.asked(STATE)
    assert call.headers["X-Client-Address"] == "127.0.0.1"
    assert "X-Session-Sid" not in call.headers
    assert "X-Session-Vip" not in call.headers
    assert call.headers.get("X-Shop") != "forged"
    assert call.headers["X-Internal-Token"].startswith("v1.gateway.")


async def test_internal_paths_are_not_routed(services, door):
    for path in ("/internal/sessions/session_a/log", "/internal/turns/open"):
        status, body, _ = await door.answer("GET", path)
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
    assert services.calls == []


async def test_a_made_session_becomes_a_signed_token(services, door, test_keys):
    async def made(_request):
        headers = {"X-Session-Name": "session_a", "X-Session-Sid": "s" * 22, "X-Session-Vip": "1"}
        return web.json_response({"success": True, "message": "hi"}, headers=headers)

    services.on("POST", "/api/chat", made)
    _, _, headers = await door.answer("POST", "/api/chat", json={"message": "hi"})
    claims = test_keys.verifier.visitor(headers["X-Visitor-Token"])
    assert (claims.sub, claims.sid, claims.vip) == ("session_a", "s" * 22, True)
    assert headers["X-Session-Name"] == "session_a"
    assert "X-Session-Sid" not in headers
    assert "X-Session-Vip" not in headers


async def test_a_good_token_is_not_signed_again(services, door, visitor, clock):
    async def same(_request):
        headers = {"X-Session-Name": "session_a", "X-Session-Sid": "sid-of-a-test"}
        return web.json_response({"success": True, "message": "hi"}, headers=headers)

    services.on("POST", "/api/chat", same)
    mine = visitor("session_a")
    _, _, headers = await door.answer("POST", "/api/chat", json={"message": "a"}, headers=mine)
    assert "X-Visitor-Token" not in headers
    clock.advance(24 * 86_400)
    _, _, headers = await door.answer("POST", "/api/chat", json={"message": "a"}, headers=mine)
    assert "X-Visitor-Token" in headers


async def test_a_service_that_is_down_is_503_in_the_envelope(open_door, visitor):
    async with open_door(session_state_url="http://127.0.0.1:9") as door:
        status, body, headers = await door.answer("GET", STATE, headers=visitor("session_a"))
    assert (status, body["error"]["code"], body["success"]) == (503, "UNAVAILABLE", False)
    assert "127.0.0.1" not in str(body)
    assert headers["X-Request-ID"] == body["request_id"]
    assert headers["Retry-After"] == "1"


async def test_a_service_that_hangs_is_503_after_the_deadline(services, open_door, visitor):
    never = asyncio.Event()

    async def hang(_request):
        await never.wait()
        return web.Response()

    services.on("GET", STATE, hang)
    async with open_door(upstream_timeout_seconds=0.2) as door:
        status, body, _ = await door.answer("GET", STATE, headers=visitor("session_a"))
        never.set()
    assert (status, body["error"]["code"]) == (503, "UNAVAILABLE")


async def test_a_client_that_leaves_cancels_the_call(services, door, visitor, until):
    cancelled = asyncio.Event()

    async def hang(request):
        try:
            while request.transport is not None and not request.transport.is_closing():
                await asyncio.sleep(0.01)
        finally:
            cancelled.set()
        return web.Response()

    services.on("GET", STATE, hang)
    task = asyncio.create_task(door.answer("GET", STATE, headers=visitor("session_a")))
    await until(lambda: services.asked(STATE))
    task.cancel()
    await until(cancelled.is_set)


async def test_what_is_no_envelope_never_leaves(services, door, visitor):
    async def broken(_request):
        return web.Response(status=500, text="Traceback: host db-7.internal")

    services.on("GET", STATE, broken)
    status, body, _ = await door.answer("GET", STATE, headers=visitor("session_a"))
    assert (status, body["error"]["code"]) == (503, "UNAVAILABLE")
    assert "db-7" not in str(body)


async def test_failures_of_a_service_come_through(services, door, visitor):
    async def refused(_request):
        failure = {"code": "INVALID_STATUS", "message": "no", "details": {"status": "closed"}}
        return web.json_response({"success": False, "error": failure}, status=409)

    services.on("POST", f"{STATE}/rating", refused)
    status, body, _ = await door.answer(
        "POST", f"{STATE}/rating", headers=visitor("session_a"), json={"score": 5}
    )
    assert (status, body["error"]["details"]) == (409, {"status": "closed"})


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_cap_is_413(door, services, visitor, chunked):
    data = b'{"message":"' + b"a" * 70_000 + b'"}'

    async def pieces():
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    headers = {**visitor("session_a"), "Content-Type": "application/json"}
    sent = pieces() if chunked else data
    status, body, _ = await door.answer("POST", "/api/chat", headers=headers, data=sent)
    assert (status, body["error"]["code"]) == (413, "BODY_TOO_LARGE")
    assert services.calls == []


async def test_other_content_types_are_415(door, services, visitor):
    headers = {**visitor("session_a"), "Content-Type": "text/plain"}
    status, body, _ = await door.answer("POST", "/api/chat", headers=headers, data=b"{}")
    assert (status, body["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert services.calls == []


async def test_too_many_headers_are_431(door):
    headers = {f"X-Junk-{n}": "a" for n in range(90)}
    status, body, _ = await door.answer("GET", "/api/shift/status", headers=headers)
    assert (status, body["error"]["code"]) == (431, "HEADERS_TOO_LARGE")
    status, _, _ = await door.answer("GET", "/api/shift/status", headers={"X-Junk": "a" * 20_000})
    assert status in (400, 431)


async def test_unknown_paths_are_404_and_known_ones_405(door, test_keys):
    for path in ("/api/nothing", "/api/v1/nothing", "/api/sessions/a/b/c"):
        status, body, _ = await door.answer("GET", path)
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
    status, body, headers = await door.answer("DELETE", "/api/chat")
    assert (status, body["error"]["code"], headers["Allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")


async def test_cookies_go_to_auth_only(services, door, visitor):
    cookie = {"Cookie": "kefu_refresh=abc"}
    await door.answer("POST", "/api/agent/refresh", headers=cookie, json={})
    await door.answer("GET", STATE, headers={**visitor("session_a"), **cookie})
    assert services.asked("/api/agent/refresh")[0].headers["Cookie"] == "kefu_refresh=abc"
    assert "Cookie" not in services.asked(STATE)[0].headers


async def test_a_token_does_not_open_another_session_named_in_the_body(services, door, visitor):
    bodies = [
        ("/api/manual/escalate", {"session_name": "session_b"}),
        ("/api/manual/cancel", {"session_name": "session_b"}),
        ("/api/manual/messages", {"session_name": "session_b", "role": "user", "content": "x"}),
        ("/api/chat", {"message": "x", "user_id": "session_b"}),
        ("/api/conversation/new", {"session_id": "session_b"}),
    ]
    for path, body in bodies:
        status, found, _ = await door.answer("POST", path, headers=visitor("session_a"), json=body)
        assert (status, found["error"]["code"]) == (403, "SESSION_FORBIDDEN"), path
    assert services.calls == []


async def test_the_shop_is_told_by_token_query_or_origin(services, open_door, visitor, test_keys):
    shops = '[{"id":"berlin","name":"B","origins":["https://b.example"]},{"id":"wien"}]'
    async with open_door(shops=shops) as door:
        path = "/api/chat"
        sent = {"json": {"message": "x"}}
        await door.answer("POST", path + "?shop=wien", **sent)
        await door.answer("POST", path, headers={"Origin": "https://b.example"}, **sent)
        await door.answer("POST", path + "?shop=unknown", **sent)
        held = visitor("session_a", shop="wien")
        await door.answer("POST", path + "?shop=berlin", headers=held, **sent)
    told = [call.headers.get("X-Shop", "") for call in services.asked(path)]
    assert told == ["wien", "berlin", "", "wien"]
