"""Rate limits: exact in every window, counted for session and address, all or nothing."""

import asyncio

import pytest
from aiohttp import web
from common.errors import RateLimited
from common.redis.scripts import load_script
from common.testing.server import running_server
from gateway.addresses import Addresses, client_prefix, networks
from gateway.admission import Admission, Window

CHAT = {"json": {"message": "x"}}


@pytest.fixture
def admission(redis):
    return Admission(redis, load_script("gateway_admit"), lease_seconds=30)


async def attempts(admission, windows, count, *, start=0):
    async def one(n):
        try:
            await admission.admit(f"call-{n}", windows)
        except RateLimited:
            return False
        return True

    return sum(await asyncio.gather(*(one(n) for n in range(start, start + count))))


async def test_two_hundred_at_once_never_pass_the_limit(admission):
    assert await attempts(admission, [Window("{kefu}:rate:x:a", 20)], 200) == 20


async def test_no_window_of_any_phase_holds_more(admission):
    """A fixed window would let twice the limit through at its seam."""
    window = [Window("{kefu}:rate:x:a", 10, 0.3)]
    loop = asyncio.get_running_loop()
    passed: list[tuple[float, float]] = []
    n = 0
    while len(passed) < 35:
        n += 1
        before = loop.time()
        if await attempts(admission, window, 1, start=n):
            passed.append((before, loop.time()))
    # each was let in at some instant between the two that were read around it
    for (before, _), (_, after) in zip(passed, passed[10:], strict=False):
        assert after - before >= 0.3 - 0.001


async def test_a_refused_call_spends_nothing(admission, redis):
    wide, narrow = Window("{kefu}:rate:x:wide", 50), Window("{kefu}:rate:x:narrow", 2)
    assert await attempts(admission, [wide, narrow], 30) == 2
    assert await redis.zcard(wide.key) == 2


async def test_the_same_call_is_spent_once(admission, redis):
    window = [Window("{kefu}:rate:x:a", 1)]
    for _ in range(3):
        admitted = await admission.admit("call", window)
    assert (admitted.limit, admitted.remaining) == (1, 0)
    assert await redis.zcard("{kefu}:rate:x:a") == 1


async def test_a_window_leaves_no_key_behind(admission, redis):
    await admission.admit("call", [Window("{kefu}:rate:x:a", 5, 60)])
    assert 0 < await redis.ttl("{kefu}:rate:x:a") <= 60


async def test_chat_is_limited_by_session(open_door, visitor):
    async with open_door(rate_chat_session=3) as door:
        mine = {"headers": visitor("session_a"), **CHAT}
        seen = [await door.answer("POST", "/api/chat", **mine) for _ in range(4)]
        assert [status for status, _, _ in seen] == [200, 200, 200, 429]
        assert [h["RateLimit-Remaining"] for _, _, h in seen] == ["2", "1", "0", "0"]
        _, body, headers = seen[3]
        assert body["error"]["code"] == "RATE_LIMITED"
        assert 1 <= int(headers["Retry-After"]) <= 60
        assert headers["RateLimit-Limit"] == "3"
        assert headers["RateLimit-Remaining"] == "0"
        other = {"headers": visitor("session_b"), **CHAT}
        assert (await door.answer("POST", "/api/chat", **other))[0] == 200


async def test_chat_is_limited_by_address_over_all_sessions(open_door, visitor):
    async with open_door(rate_chat_address=5) as door:
        statuses = [
            (await door.answer("POST", "/api/chat", headers=visitor(f"session_{n}"), **CHAT))[0]
            for n in range(7)
        ]
    assert statuses == [200] * 5 + [429] * 2


async def test_limits_hold_over_all_gateways(open_door, visitor):
    limits = {"rate_chat_session": 4, "chats_per_visitor": 0}
    async with open_door(**limits) as one, open_door(**limits) as two:
        mine = {"headers": visitor("session_a"), **CHAT}
        calls = [d.answer("POST", "/api/chat", **mine) for d in (one, two) * 10]
        statuses = [status for status, _, _ in await asyncio.gather(*calls)]
    assert sorted(statuses) == [200] * 4 + [429] * 16


async def test_vip_visitors_have_their_own_limit_and_no_address_limit(open_door, visitor):
    async with open_door(rate_chat_session=1, rate_chat_address=1, rate_chat_vip=4) as door:
        mine = {"headers": visitor("session_a", vip=True), **CHAT}
        statuses = [(await door.answer("POST", "/api/chat", **mine))[0] for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 429]


async def test_rotating_sessions_and_forged_addresses_do_not_help(open_door):
    async with open_door(rate_new_address=3) as door:
        statuses = []
        for n in range(6):
            headers = {"X-Forwarded-For": f"9.9.9.{n}"}
            sent = {"message": "x", "user_id": f"session_{n}"}
            statuses.append((await door.answer("POST", "/api/chat", headers=headers, json=sent))[0])
    assert statuses == [200] * 3 + [429] * 3


async def test_behind_a_trusted_proxy_each_address_counts_for_itself(open_door):
    async with open_door(rate_new_address=1, trusted_proxies="127.0.0.0/8") as door:
        statuses = []
        for forwarded in ("9.9.9.1", "9.9.9.2", "1.1.1.1, 9.9.9.1", "9.9.9.2, 127.0.0.9"):
            headers = {"X-Forwarded-For": forwarded}
            statuses.append((await door.answer("POST", "/api/chat", headers=headers, **CHAT))[0])
    assert statuses == [200, 200, 429, 429]


async def test_agents_are_free_up_to_their_ceiling(open_door, test_keys):
    async with open_door(rate_other_session=1, rate_other_address=1, rate_agent=5) as door:
        headers = test_keys.agent_header()
        statuses = [
            (await door.answer("GET", "/api/sessions/session_a", headers=headers))[0]
            for _ in range(6)
        ]
    assert statuses == [200] * 5 + [429]


async def test_logins_are_limited_by_address(open_door):
    async with open_door(rate_login_address=2) as door:
        sent = {"json": {"username": "a", "password": "b"}}
        statuses = [(await door.answer("POST", "/api/agent/login", **sent))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]


LEGACY = {"json": {"message": "x", "user_id": "session_a", "conversation_id": "7374"}}


async def test_wrong_conversation_ids_are_limited_and_right_ones_are_not(services, open_door):
    right = True

    async def chat(_request):
        if right:
            return web.json_response({"success": True, "message": "hi"})
        failure = {"code": "SESSION_FORBIDDEN", "message": "no"}
        return web.json_response({"success": False, "error": failure}, status=403)

    services.on("POST", "/api/chat", chat)
    async with open_door(rate_guess_address=5, chats_per_visitor=0) as door:
        statuses = [(await door.answer("POST", "/api/chat", **LEGACY))[0] for _ in range(8)]
        assert statuses == [200] * 8
        right = False
        calls = [door.answer("POST", "/api/chat", **LEGACY) for _ in range(50)]
        statuses = [status for status, _, _ in await asyncio.gather(*calls)]
    assert statuses.count(403) == 5
    assert statuses.count(429) == 45


async def test_a_conversation_id_at_hand_makes_no_sessions_beyond_the_limit(services, open_door):
    known = {"X-Session-Name": "session_a"}
    made = {"X-Session-Name": "session_b", "X-Session-Sid": "s" * 22}
    said = known

    async def chat(_request):
        return web.json_response({"success": True, "message": "hi"}, headers=said)

    services.on("POST", "/api/chat", chat)
    async with open_door(rate_new_address=3, chats_per_visitor=0) as door:
        old = [(await door.answer("POST", "/api/chat", **LEGACY))[0] for _ in range(6)]
        said = made
        new = [(await door.answer("POST", "/api/chat", **LEGACY))[0] for _ in range(6)]
    assert old == [200] * 6
    assert new == [200] * 3 + [429] * 3


@pytest.mark.parametrize(
    ("path", "setting", "body"),
    [
        ("/api/manual/escalate", "rate_escalate_session", {"session_name": "session_a"}),
        ("/api/manual/messages", "rate_message_session", {"session_name": "session_a"}),
        ("/api/sessions/session_a/typing", "rate_typing_session", None),
        ("/api/sessions/session_a/read", "rate_other_session", {"seq": 1}),
    ],
)
async def test_each_kind_of_call_has_its_own_window(open_door, visitor, path, setting, body):
    async with open_door(**{setting: 2}) as door:
        mine = (
            {"headers": visitor("session_a"), "json": body}
            if body
            else {"headers": visitor("session_a")}
        )
        statuses = [(await door.answer("POST", path, **mine))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await door.answer("POST", "/api/chat", headers=visitor("session_a"), **CHAT))[
            0
        ] == 200


async def test_zero_switches_a_limit_off(door, visitor):
    """The canary of all of the above: without numbers nothing is limited."""
    mine = {"headers": visitor("session_a"), **CHAT}
    for _ in range(30):
        status, _, headers = await door.answer("POST", "/api/chat", **mine)
        assert status == 200
        assert "RateLimit-Limit" not in headers


async def test_without_redis_nothing_passes(open_door, visitor, tmp_path):
    with running_server(tmp_path / "own") as server:
        async with open_door(rate_chat_session=5, redis_url=server.url()) as door:
            mine = {"headers": visitor("session_a"), **CHAT}
            assert (await door.answer("POST", "/api/chat", **mine))[0] == 200
            server.kill()
            status, body, _ = await door.answer("POST", "/api/chat", **mine)
            assert (status, body["error"]["code"]) == (503, "STATE_UNAVAILABLE")


def test_the_address_is_the_rightmost_untrusted_hop():
    addresses = Addresses(networks("10.0.0.0/8, 127.0.0.1"))

    def scope(peer, *forwarded):
        return {
            "client": (peer, 1),
            "headers": [(b"x-forwarded-for", f.encode()) for f in forwarded],
        }

    cases = [
        (scope("8.8.8.8", "1.1.1.1"), "8.8.8.8"),
        (scope("10.0.0.1", "1.1.1.1"), "1.1.1.1"),
        (scope("10.0.0.1", "6.6.6.6, 1.1.1.1"), "1.1.1.1"),
        (scope("10.0.0.1", "6.6.6.6", "1.1.1.1, 10.9.9.9"), "1.1.1.1"),
        (scope("10.0.0.1", "10.1.1.1"), "10.1.1.1"),
        (scope("10.0.0.1", "garbage"), "10.0.0.1"),
        (scope("10.0.0.1", "1.1.1.1, garbage"), "10.0.0.1"),
        (scope("10.0.0.1", "[2001:db8::1]:443"), "2001:db8::1"),
        (scope("10.0.0.1", "1.2.3.4:5555"), "1.2.3.4"),
        (scope("10.0.0.1", ""), "10.0.0.1"),
    ]
    for found, expected in cases:
        assert addresses.of(found) == expected


def test_an_ipv6_customer_is_one_address():
    assert client_prefix("2001:db8:1:2::7") == client_prefix("2001:db8:1:2:ffff::9")
    assert client_prefix("2001:db8:1:2::7") != client_prefix("2001:db8:1:3::7")
    assert client_prefix("1.2.3.4") == "1.2.3.4"
