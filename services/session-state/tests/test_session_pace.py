"""The time a place in the queue costs: honest, or none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session_state.pace import ENOUGH, RECENT_SECONDS, Pickup, seconds_a_place

NOW = 1_000_000.0

_waits = st.tuples(st.floats(0, RECENT_SECONDS), st.floats(0, 3600))
_pickups = st.lists(
    _waits.map(lambda ago_and_wait: Pickup(NOW - ago_and_wait[0], ago_and_wait[1])),
    min_size=ENOUGH + 1,
    max_size=50,
)
_since = st.lists(st.floats(0, 3600).map(lambda ago: NOW - ago), max_size=20)


@given(st.integers(ENOUGH, 40), st.floats(1, 60), st.integers(1, 20))
def test_of_a_steady_queue_it_is_the_time_between_two_pickups(
    count: int, gap: float, depth: int
) -> None:
    """Whoever is picked up has seen `depth` others go before."""
    pickups = [Pickup(NOW - gap * back, gap * depth) for back in range(count + 1)]
    assert seconds_a_place(pickups, [], NOW) == pytest.approx(gap)


@given(_pickups, _since)
def test_it_is_never_more_than_all_the_time_there_was(
    pickups: list[Pickup], since: list[float]
) -> None:
    place = seconds_a_place(pickups, since, NOW)
    assert place is not None
    oldest = min(pickup.at for pickup in pickups)
    assert 0 <= place <= (NOW - oldest) / (len(pickups) - 1) + 1e-6


@given(_pickups, _since.filter(bool), st.lists(st.floats(0, 600), min_size=2, max_size=5))
def test_while_nobody_comes_it_only_grows(
    pickups: list[Pickup], since: list[float], later: list[float]
) -> None:
    # none of the pick-ups grows old meanwhile
    pickups = [Pickup(at=min(one.at + 3600, NOW), waited=one.waited) for one in pickups]
    told = [seconds_a_place(pickups, since, NOW + seconds) or 0 for seconds in sorted(later)]
    assert all(after >= before - 1e-6 for before, after in pairwise(told))


@given(st.floats(10, 60), st.floats(0, 3000))
def test_the_time_of_an_empty_queue_does_not_count(wait: float, pause: float) -> None:
    """Each came to an empty queue and waited as long; `pause` went by between them."""
    step = (wait + pause) if (wait + pause) * 7 < RECENT_SECONDS else wait
    pickups = [Pickup(NOW - step * back, wait) for back in range(7)]
    assert seconds_a_place(pickups, [], NOW) == pytest.approx(wait)


@given(st.lists(_waits, max_size=ENOUGH), st.lists(_waits, max_size=40))
def test_where_too_little_is_known_there_is_none(
    few: list[tuple[float, float]], old: list[tuple[float, float]]
) -> None:
    recent = [Pickup(NOW - ago, waited) for ago, waited in few]
    forgotten = [Pickup(NOW - RECENT_SECONDS - 1 - ago, waited) for ago, waited in old]
    assert seconds_a_place(recent + forgotten, [NOW - 100], NOW) is None
