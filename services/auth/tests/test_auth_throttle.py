"""Guessing is stopped; owners get in, whatever strangers do."""

import asyncio
from typing import Any

import orjson
import pytest

WRONG = "not-the-password-1"
DEVICE = "device-of-the-owner-1"


async def guess(auth: Any, times: int, *, address: str = "203.0.113.9", **more: Any) -> list[int]:
    answers = [await auth.login("admin", WRONG, address=address, **more) for _ in range(times)]
    return [answer.status_code for answer in answers]


async def test_the_sixth_guess_from_an_address_waits(auth: Any, clock: Any) -> None:
    assert await guess(auth, 5) == [401] * 5
    answer = await auth.login("admin", WRONG, address="203.0.113.9")
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "LOGIN_LOCKED"
    assert 1 <= int(answer.headers["Retry-After"]) <= 900
    right = await auth.login(address="203.0.113.9")
    assert right.status_code == 429
    clock.advance(int(answer.headers["Retry-After"]))
    assert (await auth.login(address="203.0.113.9")).status_code == 200


async def test_refused_attempts_do_not_prolong_the_wait(auth: Any, clock: Any) -> None:
    await guess(auth, 5)
    clock.advance(600)
    assert await guess(auth, 20) == [429] * 20
    clock.advance(301)
    assert (await auth.login(address="203.0.113.9")).status_code == 200


async def test_two_hundred_guesses_at_once_are_five(auth: Any) -> None:
    answers = await asyncio.gather(
        *(auth.login("admin", WRONG, address="203.0.113.9") for _ in range(200))
    )
    assert [a.status_code for a in answers].count(401) == 5


async def test_without_the_limit_all_of_them_are_tried(start_auth: Any) -> None:
    """The canary of the test above."""
    loose = {"login_pair_limit": 1000, "login_address_limit": 1000, "login_slow_from": 1000}
    async with start_auth(**loose) as auth:
        answers = await asyncio.gather(
            *(auth.login("admin", WRONG, address="203.0.113.9") for _ in range(60))
        )
        assert [a.status_code for a in answers].count(401) == 60


async def test_a_stranger_hammering_an_account_does_not_lock_its_owner_out(auth: Any) -> None:
    assert 429 in await guess(auth, 40)
    assert (await auth.login(address="192.0.2.1")).status_code == 200


async def test_many_strangers_slow_the_account_but_not_a_device_that_was_in_before(
    auth: Any, clock: Any
) -> None:
    assert (await auth.login(device_id=DEVICE)).status_code == 200
    for number in range(5):
        await guess(auth, 4, address=f"203.0.113.{number}")
    answer = await auth.login(address="198.51.100.1")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= 30
    assert (await auth.login(address="198.51.100.2", device_id=DEVICE)).status_code == 200
    clock.advance(30)
    assert (await auth.login(address="198.51.100.1")).status_code == 200


async def test_a_stranger_behind_the_owners_address_does_not_lock_the_known_device_out(
    auth: Any,
) -> None:
    await auth.login(device_id=DEVICE, address="192.0.2.1")
    await guess(auth, 10, address="192.0.2.1")
    assert (await auth.login(address="192.0.2.1")).status_code == 429
    assert (await auth.login(address="192.0.2.1", device_id=DEVICE)).status_code == 200


async def test_a_known_device_is_limited_by_itself(auth: Any) -> None:
    await auth.login(device_id=DEVICE)
    codes = await guess(auth, 8, device_id=DEVICE)
    assert codes == [401] * 5 + [429] * 3


async def test_a_device_id_that_can_be_guessed_is_not_remembered(auth: Any) -> None:
    await auth.login(device_id="web")
    await guess(auth, 5, address="192.0.2.1")
    assert (await auth.login(address="192.0.2.1", device_id="web")).status_code == 429


async def test_an_address_that_tries_many_names_waits(auth: Any) -> None:
    codes = []
    for number in range(32):
        answer = await auth.login(f"name-{number}", WRONG, address="203.0.113.9")
        codes.append(answer.status_code)
    assert codes == [401] * 30 + [429] * 2


async def test_an_ipv6_line_is_one_address(auth: Any) -> None:
    codes = []
    for number in range(7):
        answer = await auth.login("admin", WRONG, address=f"2001:db8:1:2::{number:x}")
        codes.append(answer.status_code)
    assert codes == [401] * 5 + [429] * 2


async def test_unknown_names_are_throttled_exactly_like_known_ones(auth: Any) -> None:
    known = await guess(auth, 8)
    unknown = [
        (await auth.login("nobody", WRONG, address="203.0.113.77")).status_code for _ in range(8)
    ]
    assert known == unknown


async def test_a_good_login_forgives_the_failures_before_it(auth: Any) -> None:
    await guess(auth, 4, address="192.0.2.1")
    assert (await auth.login(address="192.0.2.1")).status_code == 200
    assert await guess(auth, 5, address="192.0.2.1") == [401] * 5


async def test_addresses_can_not_be_chosen_by_who_is_not_the_gateway(auth: Any) -> None:
    codes = []
    for number in range(7):
        headers = {"X-Client-Address": f"203.0.113.{number}"}
        body = {"username": "admin", "password": WRONG}
        answer = await auth.http.post("/api/agent/login", json=body, headers=headers)
        codes.append(answer.status_code)
    assert codes == [401] * 5 + [429] * 2


async def test_failures_and_locks_are_audited_without_what_strangers_typed(
    auth: Any, published: Any
) -> None:
    await guess(auth, 6)
    await auth.login("my-secret-password-by-mistake", WRONG, address="192.0.2.33")
    audits = [orjson.loads(e) for e in await published("audit.recorded")]
    kinds = [(e["action"], e["outcome"]) for e in audits if e["outcome"] == "refused"]
    assert kinds == [("login", "refused")] * 5 + [("login_locked", "refused"), ("login", "refused")]
    assert b"my-secret" not in b"".join(await published("audit.recorded"))


@pytest.mark.reliability
async def test_unknown_name_and_wrong_password_take_the_same_time(start_auth: Any) -> None:
    """S7: 200 each, interleaved; the medians differ by less than 5 %."""
    loose = {"login_pair_limit": 9999, "login_address_limit": 9999, "login_slow_from": 9999}
    async with start_auth(bcrypt_rounds=9, bcrypt_threads=1, **loose) as auth:
        loop = asyncio.get_running_loop()
        took: dict[str, list[float]] = {"admin": [], "nobody": []}
        for _ in range(200):
            for name, times in took.items():
                before = loop.time()
                await auth.login(name, WRONG, address="203.0.113.9")
                times.append(loop.time() - before)
        known, unknown = (sorted(times)[100] for times in took.values())
        assert abs(known - unknown) / known < 0.05
