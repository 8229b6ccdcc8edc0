"""auth keeps what `contracts/auth.py` promises the services that call it."""

import hashlib
import secrets

import orjson
import pytest
from common.clients.auth import AuthClient
from common.errors import Unauthenticated, Unavailable, ValidationFailed

KEY_ID = "0123456789abcdef"


@pytest.fixture
async def api_key(redis, keys) -> str:
    """A key as auth stores it."""
    key = f"kefu_{KEY_ID}_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    entry = {"hash": digest, "name": "The shop's server", "scopes": ["read", "ops"]}
    await redis.hset(keys.api_keys(), {KEY_ID: orjson.dumps(entry)})
    return key


async def test_any_number_of_agents_may_be_reported_as_seen(auth: AuthClient):
    for number in (0, 2, 2_500):
        await auth.agents_seen(["0" * 32] * number)


async def test_a_key_is_worth_what_it_was_given(auth: AuthClient, api_key: str):
    grant = await auth.verify_key(api_key)
    assert (grant.valid, grant.id, grant.name) == (True, KEY_ID, "The shop's server")
    assert grant.scopes == ["read", "ops"]


async def test_an_unknown_key_is_worth_nothing(auth: AuthClient, api_key: str):
    for key in ("", "nonsense", api_key[:-1] + ("a" if api_key[-1] != "a" else "b")):
        grant = await auth.verify_key(key)
        assert (grant.valid, grant.scopes, grant.id) == (False, [], None)


async def test_a_revoked_key_is_dead_within_a_second(auth, api_key, redis, keys, clock):
    assert (await auth.verify_key(api_key)).valid
    await redis.hdel(keys.api_keys(), KEY_ID)
    clock.advance(1.0)
    assert not (await auth.verify_key(api_key)).valid


async def test_a_key_no_key_can_be_is_refused(auth: AuthClient):
    with pytest.raises(ValueError, match="200"):
        await auth.verify_key("x" * 201)


CALLS = {
    "agents_seen": lambda c: c.agents_seen(["agent-1"]),
    "verify_key": lambda c: c.verify_key("kefu_nonsense"),
}


@pytest.mark.parametrize("name", CALLS)
async def test_only_services_are_let_in(auth_service, client_of, clock, name):
    for audience, secret in (("auth", "x" * 32), ("session-state", None)):
        async with client_of(auth_service.url, audience, secret=secret) as http:
            with pytest.raises(Unauthenticated):
                await CALLS[name](AuthClient(http, clock))


@pytest.mark.parametrize("name", CALLS)
async def test_a_provider_that_is_away_is_unavailable(client_of, clock, name):
    async with client_of("http://127.0.0.1:9", "auth") as http:
        with pytest.raises(Unavailable):
            await CALLS[name](AuthClient(http, clock))


async def test_what_a_provider_refuses_by_field_arrives_by_field(auth: AuthClient):
    with pytest.raises(ValidationFailed) as refused:
        await auth.http.call("POST", "/internal/keys/verify")
    assert refused.value.details["fields"]


def test_every_method_of_the_client_is_held_to_its_contract(methods_of):
    assert methods_of(AuthClient) == set(CALLS)
