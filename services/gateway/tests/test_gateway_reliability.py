"""Resume under drops and restarts, flushes under clients, and a clean leave (R8, R9, R10)."""

import asyncio
import random
import time

import aiohttp
import pytest

A = "/api/sessions/session_a/events"


class Restless:
    """Reads some bytes, drops the connection, comes back with the last id it saw whole."""

    def __init__(self, doors, headers, *, name: str, seed: int) -> None:
        self.doors = doors
        self.headers = headers
        self.path = f"/api/sessions/{name}/events"
        self.random = random.Random(seed)
        self.seqs: list[int] = []
        self.last_id = ""
        self.resyncs = 0
        self.connections = 0

    async def run(self, newest: int) -> None:
        async with aiohttp.ClientSession() as http:
            while not self._has(newest):
                try:
                    await self._connect(http, newest)
                except (aiohttp.ClientError, ConnectionError):
                    await asyncio.sleep(0.01)

    def _has(self, newest: int) -> bool:
        return bool(self.seqs) and self.seqs[-1] >= newest

    async def _connect(self, http: aiohttp.ClientSession, newest: int) -> None:
        door = self.random.choice(self.doors)
        headers = {**self.headers}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        budget = self.random.randint(1, 6000)
        self.connections += 1
        async with http.get(door.running.url + self.path, headers=headers) as response:
            rest = b""
            while budget > 0 and not self._has(newest):
                data = await response.content.read(budget)
                if not data:
                    return
                budget -= len(data)
                *blocks, rest = (rest + data).split(b"\n\n")
                for block in blocks:
                    self._take(block.decode())
            # dropped here, in the middle of whatever it was
            response.close()

    def _take(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        self.last_id = fields.get("id", self.last_id)
        if fields.get("event") == "resync":
            self.resyncs += 1
        if fields.get("event") == "message_added":
            self.seqs.append(int(fields["data"].split('"seq":')[1].split(",")[0]))


async def r8(services, doors, visitor, *, clients: int, events: int, seed: int, restart=None):
    names = [f"session_{n}" for n in range(max(1, clients // 4))]
    for name in names:
        services.session(name)
    restless = [
        Restless(
            doors,
            visitor(names[n % len(names)], vip=True),
            name=names[n % len(names)],
            seed=seed + n,
        )
        for n in range(clients)
    ]
    for one in restless:
        one.last_id = "gen0123456789-sid-of-a-0"

    async def write():
        dice = random.Random(seed)
        for n in range(events * len(names)):
            name = names[n % len(names)]
            await services.commit(name, "x" * dice.randint(1, 300), on_bus=dice.random() > 0.02)
            if restart is not None and n == events // 2:
                await restart()
        for name in names:
            await services.commit(name, "the end")

    async with asyncio.timeout(300):
        await asyncio.gather(write(), *(one.run(events + 1) for one in restless))
    for one in restless:
        assert one.seqs == list(range(1, events + 2))
        assert one.resyncs == 0
    assert sum(one.connections for one in restless) > clients * 2


async def test_dropped_clients_see_every_event_once_in_order(services, open_door, visitor):
    async with open_door(streams_per_visitor=50) as one, open_door(streams_per_visitor=50) as two:
        await r8(services, [one, two], visitor, clients=8, events=150, seed=7)


@pytest.mark.reliability
async def test_r8(services, open_door, visitor):
    async with open_door(streams_per_visitor=50) as one, open_door(streams_per_visitor=50) as two:
        await r8(services, [one, two], visitor, clients=200, events=1000, seed=8)


async def test_a_client_that_forgot_its_id_misses_events(services, door, visitor, until):
    """The canary of R8: without the id there is nothing to resume from."""
    services.session("session_a")
    await services.commit("session_a", "one")
    await services.commit("session_a", "two")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    await services.commit("session_a", "three")
    await until(stream.contents)
    assert stream.contents() == ["three"]


@pytest.mark.parametrize("how", ["flushed", "restored"])
async def test_clients_are_told_when_redis_is_not_the_same(
    services, door, visitor, test_keys, redis, keys, until, how
):
    services.session("session_a")
    await services.commit("session_a", "before")
    mine = await door.events(A, **visitor("session_a"))
    agents = await door.events("/api/agent/events", **test_keys.agent_header())
    await until(lambda: mine.of("ready") and agents.of("ready"))
    if how == "flushed":
        for key in (keys.bus(), keys.generation(), keys.streams("session_a")):
            await redis.delete(key)
    else:
        await redis.set(keys.generation(), "another")
    await until(lambda: mine.ended and agents.ended)
    assert mine.frames[-1].event == agents.frames[-1].event == "resync"
    assert mine.frames[-1].retry is not None
    services.generation = "another"
    again = await door.events(A, **visitor("session_a"), **{"Last-Event-ID": mine.last_id})
    await until(lambda: again.of("resync"))


async def test_an_unchanged_generation_disturbs_nobody(services, door, visitor, until, redis, keys):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    await redis.set(keys.generation(), "gen0123456789")
    await services.commit("session_a", "still here")
    await until(stream.contents)
    assert not stream.ended


async def drained(services, open_door, visitor, until, *, count: int) -> tuple[list, float]:
    for n in range(count):
        services.session(f"session_{n}")
    async with open_door(drain_retry_seconds=10, streams_max=2 * count) as door:
        door.http.connector._limit = 0
        opening = (
            door.events(f"/api/sessions/session_{n}/events", **visitor(f"session_{n}"))
            for n in range(count)
        )
        streams = await asyncio.gather(*opening)
        await until(lambda: all(s.of("ready") for s in streams))
        began = time.monotonic()
        door.running.terminate()
        await door.running.task
        seconds = time.monotonic() - began
        await until(lambda: all(s.ended for s in streams))
    return streams, seconds


def assert_clean_and_spread(streams) -> None:
    assert all([f.event for f in s.frames] == ["ready", "drain"] for s in streams)
    retries = [s.frames[-1].retry for s in streams]
    assert min(retries) >= 500
    assert max(retries) - min(retries) > 5000


async def test_sigterm_ends_all_streams_cleanly_and_spreads_their_return(
    services, open_door, visitor, until
):
    streams, _ = await drained(services, open_door, visitor, until, count=60)
    assert_clean_and_spread(streams)


@pytest.mark.reliability
async def test_r10(services, open_door, visitor, until):
    streams, seconds = await drained(services, open_door, visitor, until, count=900)
    assert_clean_and_spread(streams)
    assert seconds < 30


async def test_a_draining_gateway_opens_no_streams(services, open_door, visitor, until):
    services.session("session_a")
    async with open_door() as door:
        door.wiring.fanout.drain(spread_seconds=1)
        status, body, _ = await door.answer("GET", A, headers=visitor("session_a"))
        assert (status, body["error"]["code"]) == (503, "GATEWAY_FULL")
