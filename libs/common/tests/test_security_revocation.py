"""What auth revoked is dead in every service, and nothing else is."""

import pytest
from common.events.agents import TokensRevoked
from common.security.revocation import KEEP_SECONDS, Revocations


@pytest.fixture
def revocations(clock):
    return Revocations(clock)


@pytest.fixture
def claims(test_keys):
    def made(agent_id: str = "ada", **more):
        return test_keys.verifier.agent(test_keys.agent_token(agent_id, **more))

    return made


def revoked(clock, **more) -> TokensRevoked:
    return TokensRevoked(**{"agent_id": "ada", "not_before": clock(), "reason": "test", **more})


def test_one_token_by_its_id(revocations, claims, clock):
    revocations.apply(revoked(clock, jti="one"))
    assert revocations.is_revoked(claims(jti="one"))
    assert not revocations.is_revoked(claims(jti="two"))
    assert not revocations.is_revoked(claims("bob", jti="one"))


def test_a_login_and_all_that_descends_from_it(revocations, claims, clock):
    revocations.apply(revoked(clock, family="stolen"))
    clock.advance(1)
    assert revocations.is_revoked(claims(family="stolen"))
    assert not revocations.is_revoked(claims(family="other"))


def test_all_that_an_agent_had_before(revocations, claims, clock):
    old = claims()
    clock.advance(0.5)
    revocations.apply(revoked(clock))
    assert revocations.is_revoked(old)
    # a new login within the same second is good
    clock.advance(0.001)
    assert not revocations.is_revoked(claims())
    assert not revocations.is_revoked(claims("bob"))


def test_a_late_repetition_does_not_bring_a_token_back(revocations, claims, clock):
    early = revoked(clock)
    clock.advance(5)
    token = claims()
    clock.advance(5)
    revocations.apply(revoked(clock))
    revocations.apply(early)
    assert revocations.is_revoked(token)


def test_twice_is_once_and_old_ones_are_forgotten(revocations, clock):
    for _ in range(2):
        revocations.apply(revoked(clock, jti="one"))
    assert len(revocations) == 1
    clock.advance(KEEP_SECONDS + 1)
    revocations.apply(revoked(clock, jti="two"))
    assert len(revocations) == 1


def test_there_is_no_trust_before_the_bus_is_heard_nor_after_a_second_of_silence(revocations):
    assert not revocations.trusted()
    failing = 0.0
    revocations.watch(lambda _now: failing)
    assert revocations.trusted()
    failing = 1.01
    assert not revocations.trusted()
