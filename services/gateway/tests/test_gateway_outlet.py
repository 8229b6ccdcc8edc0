"""The outlet by itself: order, holes, slow readers, ends."""

import asyncio

import pytest
from gateway.outlet import ClientGone, Outlet, Unreplayable


class Wire:
    """A connection whose reader the test plays."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.paused = False
        self.gone = False
        self.woken = 0
        self.aborted = False
        self.stuck = False
        self.on_drain = lambda: None

    def write(self, chunk: bytes) -> None:
        self.written.append(chunk)

    async def drained(self) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        self.on_drain()
        await asyncio.sleep(0)
        self.paused = False

    def wake(self) -> None:
        self.woken += 1

    def abort(self) -> None:
        self.aborted = self.gone = True


@pytest.fixture
def wire():
    return Wire()


def outlet_on(wire, *, contiguous=True, queue=5, deadline=5.0):
    return Outlet(wire, contiguous=contiguous, queue=queue, send_deadline_seconds=deadline)


def name(position: int) -> bytes:
    return b"%d" % position


def log_up_to(newest: int):
    async def replay(after: int):
        for position in range(after + 1, newest + 1):
            yield position, name(position)

    return replay


async def live(wire, **more):
    outlet = outlet_on(wire, **more)
    await outlet.recover(log_up_to(0))
    assert not outlet.holding
    return outlet


async def test_live_frames_go_out_at_once_and_repeats_do_not(wire):
    outlet = await live(wire)
    for position in (1, 2, 2, 1, 3):
        outlet.offer(position, name(position))
    assert wire.written == [b"1", b"2", b"3"]


async def test_a_hidden_frame_counts_but_is_not_written(wire):
    outlet = await live(wire)
    outlet.offer(1, b"")
    outlet.offer(2, b"2")
    assert wire.written == [b"2"]
    assert not outlet.holding


async def test_a_hole_is_filled_before_anything_newer_goes_out(wire):
    outlet = await live(wire)
    outlet.offer(1, b"1")
    outlet.offer(4, b"4")
    assert wire.written == [b"1"]
    assert wire.woken
    await outlet.recover(log_up_to(4))
    assert wire.written == [b"1", b"2", b"3", b"4"]
    assert not outlet.holding


async def test_a_hole_the_log_cannot_fill_makes_the_client_reload(wire):
    outlet = await live(wire)

    async def broken(after: int):
        outlet.offer(9, b"9")
        return
        yield

    outlet.offer(9, b"9")
    with pytest.raises(Unreplayable):
        await outlet.recover(broken)
    assert wire.written == []


async def test_bus_positions_may_skip(wire):
    outlet = await live(wire, contiguous=False)
    outlet.offer(10, b"10")
    outlet.offer(700, b"700")
    assert wire.written == [b"10", b"700"]


async def test_a_paused_reader_gets_a_bounded_queue_and_then_the_log(wire):
    outlet = await live(wire, queue=3)
    wire.paused = True
    for position in range(1, 11):
        outlet.offer(position, name(position))
    assert wire.written == []
    assert len(outlet._held or ()) <= 3
    assert outlet.behind
    wire.paused = False
    await outlet.recover(log_up_to(10))
    assert wire.written == [name(p) for p in range(1, 11)]


async def test_a_slow_reader_of_a_busy_session_is_never_told_to_reload(wire):
    """Each time it can take something, more than its queue has come meanwhile."""
    outlet = await live(wire, queue=2)
    newest = 0

    def more():
        nonlocal newest
        if newest < 300:
            for _ in range(3):
                newest += 1
                outlet.offer(newest, name(newest))

    async def replay(after: int):
        for position in range(after + 1, newest + 1):
            wire.paused = newest < 300
            yield position, name(position)

    wire.on_drain = more
    wire.paused = True
    outlet.offer(1, b"1")
    newest = 1
    async with asyncio.timeout(5):
        await outlet.recover(replay)
    assert wire.written == [name(p) for p in range(1, newest + 1)]


async def test_who_takes_nothing_is_cut_off(wire):
    outlet = await live(wire, deadline=0.05)
    wire.paused = wire.stuck = True
    outlet.offer(1, b"1")
    with pytest.raises(ClientGone):
        await outlet.recover(log_up_to(1))
    assert wire.aborted


async def test_passing_frames_are_dropped_for_who_is_slow(wire):
    outlet = await live(wire)
    outlet.offer_passing(b"typing")
    wire.paused = True
    outlet.offer_passing(b"lost")
    assert wire.written == [b"typing"]


async def test_the_first_end_counts_and_nothing_follows_it(wire):
    outlet = await live(wire)
    outlet.end(b"first")
    outlet.end(b"second")
    outlet.offer(1, b"1")
    assert outlet.ended == b"first"
    assert wire.written == []
