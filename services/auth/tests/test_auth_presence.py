"""Who is there: login, logout, choice, heartbeats and silence."""

import asyncio
from typing import Any

import orjson
import pytest

PASSWORD = "a-quiet-morning-ride-7"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def changes(published: Any) -> Any:
    """Presence events of an agent, in order."""

    async def read(username: str) -> list[str]:
        cards = [orjson.loads(e)["agent"] for e in await published("agent.status_changed")]
        return [c["status"] for c in cards if c["username"] == username]

    return read


async def status(auth: Any, pair: Any) -> str:
    return (await auth.profile(pair["token"])).json()["data"]["status"]


async def seen(auth: Any, *agent_ids: str) -> int:
    headers = {"X-Internal-Token": auth.keys.internal("gateway").header("auth")}
    body = {"agent_ids": list(agent_ids)}
    return (await auth.http.post("/internal/agents/seen", json=body, headers=headers)).status_code


async def sweep(*replicas: Any) -> None:
    """All of them at once, as their timers may."""
    await asyncio.gather(*(one.running.wiring.attendance.sweep() for one in replicas))


async def test_login_is_online_and_logout_is_offline(auth: Any, changes: Any) -> None:
    pair = await auth.pair()
    assert await status(auth, pair) == "online"
    await auth.http.post("/api/agent/logout", headers=bearer(pair["token"]))
    assert await changes("admin") == ["online", "offline"]


async def test_an_agent_chooses_and_the_choice_stays(auth: Any, changes: Any) -> None:
    pair = await auth.pair()
    for wish in ("busy", "busy", "offline", "online"):
        answer = await auth.http.put(
            "/api/agent/status", json={"status": wish}, headers=bearer(pair["token"])
        )
        assert answer.json()["data"]["status"] == wish
    assert await changes("admin") == ["online", "busy", "offline", "online"]
    answer = await auth.http.put(
        "/api/agent/status", json={"status": "asleep"}, headers=bearer(pair["token"])
    )
    assert answer.status_code == 422


async def test_ninety_seconds_of_silence_are_offline_once_whatever_the_replicas(
    start_auth: Any, clock: Any, changes: Any, until: Any
) -> None:
    async with start_auth() as one, start_auth() as other:
        pair = await one.pair()
        clock.advance(89)
        await sweep(one, other)
        assert await status(one, pair) == "online"
        clock.advance(2)
        await until(lambda: _is(one, pair, "offline"))
        await sweep(one, other)
        assert await changes("admin") == ["online", "offline"]


async def test_a_heartbeat_by_call_or_stream_keeps_an_agent_online(
    auth: Any, clock: Any, changes: Any
) -> None:
    pair = await auth.pair()
    for number in range(6):
        clock.advance(60)
        if number % 2:
            assert await seen(auth, pair["agent"]["id"]) == 200
        else:
            url = "/api/agent/status/heartbeat"
            answer = await auth.http.post(url, headers=bearer(pair["token"]))
            assert answer.json()["data"] == {"status": "online"}
        await sweep(auth)
    assert await changes("admin") == ["online"]


async def test_without_heartbeats_the_same_agent_is_offline(
    auth: Any, clock: Any, changes: Any, until: Any
) -> None:
    """The canary of the test above."""
    await auth.pair()
    clock.advance(120)
    await until(lambda: _changed(changes, ["online", "offline"]))


async def test_who_fell_silent_is_back_as_before_with_the_next_heartbeat(
    auth: Any, clock: Any, changes: Any, until: Any
) -> None:
    pair = await auth.pair()
    await auth.http.put("/api/agent/status", json={"status": "busy"}, headers=bearer(pair["token"]))
    clock.advance(91)
    await until(lambda: _changed(changes, ["online", "busy", "offline"]))
    await seen(auth, pair["agent"]["id"])
    assert await changes("admin") == ["online", "busy", "offline", "busy"]


async def test_who_chose_to_be_offline_is_not_brought_back(auth: Any, changes: Any) -> None:
    pair = await auth.pair()
    await auth.http.put(
        "/api/agent/status", json={"status": "offline"}, headers=bearer(pair["token"])
    )
    await seen(auth, pair["agent"]["id"])
    assert await changes("admin") == ["online", "offline"]


async def test_who_logs_out_here_and_works_there_is_back_with_the_next_heartbeat(
    auth: Any, changes: Any
) -> None:
    here, there = await auth.pair(), await auth.pair()
    await auth.http.post("/api/agent/logout", headers=bearer(here["token"]))
    await seen(auth, there["agent"]["id"])
    assert await changes("admin") == ["online", "offline", "online"]


async def test_guests_are_never_present(auth: Any, changes: Any) -> None:
    await auth.add("guest-01", role="guest")
    pair = await auth.pair("guest-01", PASSWORD)
    assert pair["agent"]["status"] == "offline"
    await seen(auth, pair["agent"]["id"])
    assert await changes("guest-01") == []


async def test_nobody_is_judged_by_a_silence_that_was_ours(
    start_auth: Any, clock: Any, changes: Any
) -> None:
    async with start_auth() as auth:
        await auth.pair()
    clock.advance(3600)
    async with start_auth(presence_settle_seconds=30) as again:
        clock.advance(29)
        await sweep(again)
        assert await changes("admin") == ["online"]


async def test_a_sweep_that_settles_for_no_time_judges_at_once(
    start_auth: Any, clock: Any, changes: Any
) -> None:
    """The canary of the test above."""
    async with start_auth() as auth:
        await auth.pair()
    clock.advance(3600)
    async with start_auth() as again:
        await sweep(again)
        assert await changes("admin") == ["online", "offline"]


@pytest.mark.parametrize("ids", [[], ["nobody"], ["x" * 500, "{kefu}:bus"]])
async def test_unknown_ids_are_passed_over(auth: Any, ids: list[str]) -> None:
    assert await seen(auth, *ids) == 200


async def test_heartbeats_of_others_need_the_services_credential(auth: Any) -> None:
    pair = await auth.pair()
    answer = await auth.http.post(
        "/internal/agents/seen", json={"agent_ids": []}, headers=bearer(pair["token"])
    )
    assert answer.status_code == 401


async def _is(auth: Any, pair: Any, wanted: str) -> bool:
    return await status(auth, pair) == wanted


async def _changed(changes: Any, wanted: list[str]) -> bool:
    return await changes("admin") == wanted
