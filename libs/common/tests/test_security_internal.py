"""Only services call `/internal/*`, each only for a minute and only whom it meant."""

import random

import pytest
from common.errors import Unauthenticated
from common.security.internal import InternalSigner, InternalVerifier

SECRET = "a-secret-of-this-test-only-000001"


@pytest.fixture
def signer(clock):
    return InternalSigner(SECRET, "gateway", clock)


@pytest.fixture
def verifier(clock):
    return InternalVerifier(SECRET, "session-state", clock)


def refused(verifier: InternalVerifier, header: str | None) -> bool:
    try:
        verifier.check(header)
    except Unauthenticated:
        return True
    return False


def test_the_issuer_is_told(signer, verifier):
    assert verifier.check(signer.header("session-state")) == "gateway"


def test_a_token_is_for_one_audience(signer, verifier):
    assert refused(verifier, signer.header("auth"))


def test_a_token_lives_a_minute_and_is_renewed_in_half(signer, verifier, clock):
    first = signer.header("session-state")
    clock.advance(29)
    assert signer.header("session-state") == first
    clock.advance(2)
    second = signer.header("session-state")
    assert second != first
    verifier.check(first)
    clock.advance(30)
    assert refused(verifier, first)
    verifier.check(second)


def test_a_clock_set_back_keeps_no_token_that_others_refuse(signer, verifier, clock):
    signer.header("session-state")
    clock.advance(-3600)
    verifier.check(signer.header("session-state"))


def test_forgeries_are_refused(signer, verifier, clock):
    good = signer.header("session-state")
    _, issuer, audience, expiry, mac = good.split(".")
    other = InternalSigner("another-secret-of-this-test-00001", "gateway", clock)
    far = InternalSigner(SECRET, "gateway", lambda: clock() + 3600)
    forged = [
        None,
        "",
        "v1",
        good + "\n",
        good + ".x",
        good.upper(),
        other.header("session-state"),
        far.header("session-state"),
        f"v1.auth.{audience}.{expiry}.{mac}",
        f"v1.{issuer}.{audience}.{int(expiry) + 1}.{mac}",
        f"v1.{issuer}.{audience}.{expiry}.{'0' * 64}",
        f"v1.{issuer}.{audience}.{expiry}.",
        f"v2.{issuer}.{audience}.{expiry}.{mac}",
        f"v1.{issuer}.{audience}.٣.{mac}",
    ]
    assert [header for header in forged if not refused(verifier, header)] == []
    source = random.Random(4)
    for _ in range(1000):
        flipped = bytearray(good.encode())
        flipped[source.randrange(len(flipped))] ^= 1 << source.randrange(8)
        assert refused(verifier, flipped.decode("latin-1"))
