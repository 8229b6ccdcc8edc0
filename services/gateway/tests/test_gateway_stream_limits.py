"""How many streams there may be, whose give way, and what becomes of slow and lost clients."""

import asyncio
import socket

from common.testing.server import running_server
from common.testing.waiting import PATIENCE_SECONDS

A = "/api/sessions/session_a/events"


async def test_a_fourth_stream_replaces_the_oldest(services, door, visitor, until):
    services.session("session_a")
    streams = []
    for _ in range(4):
        streams.append(await door.events(A, **visitor("session_a")))
        await until(lambda: streams[-1].of("ready"))
    await until(lambda: streams[0].ended)
    assert [f.event for f in streams[0].frames] == ["ready", "replaced"]
    await services.commit("session_a", "hello")
    await until(lambda: all(s.contents() == ["hello"] for s in streams[1:]))


async def test_it_gives_way_on_another_gateway_too(services, open_door, visitor, until):
    services.session("session_a")
    async with open_door() as one, open_door() as two:
        first = await one.events(A, **visitor("session_a"))
        await until(lambda: first.of("ready"))
        for _ in range(3):
            later = await two.events(A, **visitor("session_a"))
            await until(lambda: later.of("ready"))  # noqa: B023
        await until(lambda: first.ended)
        assert first.frames[-1].event == "replaced"


async def test_a_lost_replaced_message_is_made_up_for_at_renewal(
    services, open_door, visitor, redis, keys, until
):
    services.session("session_a")
    async with open_door() as door:
        stream = await door.events(A, **visitor("session_a"))
        await until(lambda: stream.of("ready"))
        await redis.delete(keys.streams("session_a"))
        for n in range(3):
            await redis.zadd(keys.streams("session_a"), {f"{n}": 9e15})
        await door.wiring.leases.renew(door.wiring.fanout, [])
        await until(lambda: stream.ended)
        assert stream.frames[-1].event == "replaced"


async def test_a_lease_that_ran_out_is_taken_again(services, door, visitor, redis, keys, until):
    """A frozen Redis must not cost a visitor the stream."""
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    await redis.delete(keys.streams("session_a"))
    # three of a gateway that died hold no place any more
    await redis.zadd(keys.streams("session_a"), {f"{n}": 1.0 for n in range(3)})
    await door.wiring.leases.renew(door.wiring.fanout, [])
    assert await redis.zrange(keys.streams("session_a"), 0, -1) == [lease(door)]
    assert not stream.ended


def lease(door) -> bytes:
    """Of the only stream that is open."""
    (stream,) = door.wiring.fanout.leased()
    return stream.lease.encode()


async def test_a_stream_that_ends_frees_its_place(services, door, visitor, redis, keys, until):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    await stream.close()

    async def free():
        return await redis.zcard(keys.streams("session_a")) == 0

    await until(free)
    await until(lambda: door.wiring.fanout.open_streams == 0)
    assert door.wiring.fanout._rooms == {}


async def test_agents_have_no_such_limit(services, door, test_keys, until):
    services.session("session_a")
    streams = [await door.events(A, **test_keys.agent_header()) for _ in range(5)]
    await until(lambda: all(s.of("ready") for s in streams))
    assert not any(s.ended for s in streams)


async def test_a_full_gateway_keeps_places_for_agents(services, open_door, visitor, test_keys):
    for n in range(4):
        services.session(f"session_{n}")
    async with open_door(streams_max=4, streams_reserved=2) as door:
        for n in range(2):
            await door.events(f"/api/sessions/session_{n}/events", **visitor(f"session_{n}"))
        path = "/api/sessions/session_3/events"
        status, body, headers = await door.answer("GET", path, headers=visitor("session_3"))
        assert (status, body["error"]["code"]) == (503, "GATEWAY_FULL")
        assert headers["Retry-After"]
        for _ in range(2):
            await door.events("/api/agent/events", **test_keys.agent_header())
        status, _, _ = await door.answer(
            "GET", "/api/agent/events", headers=test_keys.agent_header()
        )
        assert status == 503


async def raw_stream(door, headers: dict[str, str], path: str = A) -> socket.socket:
    """A client that sends its request and then never reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", door.running.port))
    lines = [f"GET {path} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in headers.items())]
    await loop.sock_sendall(sock, ("\r\n".join(lines) + "\r\n\r\n").encode())
    return sock


async def test_who_never_reads_is_cut_off_and_harms_nobody(
    services, open_door, visitor, test_keys, until
):
    services.session("session_a")
    async with open_door(send_deadline_seconds=2, stream_queue=20) as door:
        reader = await door.events(A, **test_keys.agent_header())
        deaf = [await raw_stream(door, visitor("session_a")) for _ in range(3)]
        fanout = door.wiring.fanout
        await until(lambda: fanout.open_streams == 4)
        for n in range(600):
            await services.commit("session_a", f"{n} " + "x" * 2000)
            stuck = [s for s in fanout._by_id.values() if s.is_visitors]
            assert all(len(s.outlet._held or ()) <= 20 for s in stuck)
        await until(lambda: len(reader.contents()) == 600)
        assert [f.seq for f in reader.of("message_added")] == list(range(1, 601))
        await until(lambda: fanout.open_streams == 1)
        for sock in deaf:
            sock.close()


async def test_without_the_deadline_they_would_stay(services, open_door, visitor, until):
    """The canary of the send deadline."""
    services.session("session_a")
    async with open_door(send_deadline_seconds=60, stream_queue=20) as door:
        deaf = await raw_stream(door, visitor("session_a"))
        fanout = door.wiring.fanout
        await until(lambda: fanout.open_streams == 1)
        for n in range(300):
            await services.commit("session_a", f"{n} " + "x" * 2000)
        await until(lambda: any(s.outlet.holding for s in fanout._by_id.values()))
        assert fanout.open_streams == 1
        deaf.close()
        await until(lambda: fanout.open_streams == 0)


async def test_a_slow_reader_loses_nothing(services, open_door, visitor, until):
    """It falls out of the queue of 5 again and again and is caught up from the log."""
    services.session("session_a")
    async with open_door(stream_queue=5, stream_send_buffer_bytes=4096) as door:
        sock = await raw_stream(door, visitor("session_a"))
        await until(lambda: door.wiring.fanout.open_streams == 1)
        reader, writer = await asyncio.open_connection(sock=sock, limit=2**20)
        seqs: list[int] = []

        async def read():
            while len(seqs) < 400:
                line = await reader.readline()
                if line.startswith(b"data: ") and b'"seq":' in line and b"message" in line:
                    seqs.append(int(line.split(b'"seq":')[1].split(b",")[0]))
                    if len(seqs) % 40 == 0:
                        await asyncio.sleep(0.02)

        async def write():
            for n in range(400):
                await services.commit("session_a", f"{n} " + "x" * 3000)

        async with asyncio.timeout(PATIENCE_SECONDS):
            # before `ready` a message may be part of what the stream begins after
            while b"event: ready" not in await reader.readline():
                pass
            await asyncio.gather(read(), write())
        assert seqs == list(range(1, 401))
        writer.close()


async def test_a_vanished_client_is_looked_for(services, door, visitor, until):
    """Keep-alive and user timeout find it in 25 s; its place is taken over at once meanwhile."""
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    (open_stream,) = door.wiring.fanout._by_id.values()
    sock = open_stream.outlet._connection._transport.get_extra_info("socket")
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    idle = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    probes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
    every = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
    assert idle + probes * every <= 30
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 30_000
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 32_768


async def test_without_redis_a_stream_is_not_opened(services, open_door, visitor, tmp_path, keys):
    with running_server(tmp_path / "own") as server:
        async with open_door(redis_url=server.url()) as door:
            services.session("session_a")
            server.kill()
            status, body, _ = await door.answer("GET", A, headers=visitor("session_a"))
            assert (status, body["error"]["code"]) == (503, "STATE_UNAVAILABLE")
            assert door.wiring.fanout.open_streams == 0


async def test_agents_are_answered_503_while_the_bus_is_deaf(
    open_door, test_keys, tmp_path, clock, until
):
    with running_server(tmp_path / "own") as server:
        async with open_door(redis_url=server.url()) as door:
            headers = test_keys.agent_header()
            status, _, _ = await door.answer("GET", "/api/agent/profile", headers=headers)
            assert status == 200
            server.kill()
            tail_is_deaf = door.running.chassis.revocations._failing_for
            await until(lambda: tail_is_deaf(clock() + 1.5) > 1)
            clock.advance(1.5)
            status, body, _ = await door.answer("GET", "/api/agent/profile", headers=headers)
            assert (status, body["error"]["code"]) == (503, "STATE_UNAVAILABLE")


async def test_a_log_that_cannot_be_read_sends_the_client_back(services, door, visitor, until):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    services.log_fails = True
    await services.commit("session_a", "lost", on_bus=False)
    await services.commit("session_a", "after the hole")
    await until(lambda: stream.ended)
    assert stream.frames[-1].event == "drain"
    assert stream.contents() == []
    services.log_fails = False
    again = await door.events(A, **visitor("session_a"), **{"Last-Event-ID": stream.last_id})
    await until(lambda: again.contents() == ["lost", "after the hole"])
