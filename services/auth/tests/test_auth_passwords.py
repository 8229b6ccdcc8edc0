"""How passwords are kept."""

import asyncio
from typing import Any

import pytest
from auth.passwords import Hasher, random_password
from auth.policy import check_password
from common.errors import Busy
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def hasher() -> Any:
    made = Hasher(rounds=4, threads=2)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("password", "other"),
    [
        ("密" * 30 + "甲", "密" * 30 + "乙"),  # 90 bytes before they differ
        ("a" * 100 + "b", "a" * 100 + "c"),
        ("zero\x00byte-one", "zero\x00byte-two"),
    ],
)
async def test_every_character_counts(hasher: Hasher, password: str, other: str) -> None:
    stored = await hasher.hash(password)
    assert await hasher.matches(password, stored)
    assert not await hasher.matches(other, stored)


async def test_the_same_letters_typed_on_another_keyboard_match(hasher: Hasher) -> None:
    assert await hasher.matches("Zu\u0308rich-by-bike", await hasher.hash("Z\u00fcrich-by-bike"))


async def test_nobody_has_a_password_that_matches(hasher: Hasher) -> None:
    assert not await hasher.matches("", None)


async def test_the_same_password_is_kept_differently_each_time(hasher: Hasher) -> None:
    assert await hasher.hash("same-words-here") != await hasher.hash("same-words-here")


async def test_more_than_the_queue_holds_are_told_to_come_back() -> None:
    hasher = Hasher(rounds=4, threads=1)
    results = await asyncio.gather(
        *(hasher.matches("x", None) for _ in range(40)), return_exceptions=True
    )
    hasher.close()
    assert sum(isinstance(result, Busy) for result in results) == 8
    assert sum(result is False for result in results) == 32


def test_random_passwords_satisfy_our_own_rules() -> None:
    for _ in range(200):
        check_password(random_password(), username="admin")


@given(st.text(min_size=24, max_size=60).filter(lambda text: len(set(text.casefold())) > 12))
def test_long_and_varied_is_good_enough(password: str) -> None:
    check_password(password, username="user.name-of-nobody")
