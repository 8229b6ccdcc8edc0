"""Tokens in Redis: shared by replicas, sealed, bound to their session, gone in time."""

import pytest
from chat_proxy.coze.auth import OAuthApp, Token
from chat_proxy.token_cache import RedisTokenCache
from common.redis import Keys, RedisClient


@pytest.fixture
def app(private_key: str) -> OAuthApp:
    return OAuthApp.at("https://api.coze.cn", client_id="1", key_id="k", private_key=private_key)


@pytest.fixture
def cache(redis: RedisClient, keys: Keys, app: OAuthApp, clock) -> RedisTokenCache:
    return RedisTokenCache(redis, keys, app, now=clock)


async def test_what_one_replica_put_another_gets(cache, redis, keys, app, clock) -> None:
    token = Token("czs_secret", clock() + 900)
    await cache.put("session_a", token)
    other = RedisTokenCache(redis, keys, app, now=clock)
    assert await other.get("session_a") == token
    assert await other.get("session_b") is None


async def test_it_leaves_redis_when_it_ends(cache, redis, keys, clock) -> None:
    await cache.put("session_a", Token("czs_secret", clock() + 900))
    assert 890 < await redis.ttl(keys.coze_token("session_a")) <= 900
    await cache.put("session_b", Token("czs_secret", clock() - 1))
    assert not await redis.exists(keys.coze_token("session_b"))


async def test_redis_never_sees_the_token(cache, redis, keys, clock) -> None:
    await cache.put("session_a", Token("czs_secret", clock() + 900))
    assert b"czs_secret" not in (await redis.get(keys.coze_token("session_a")) or b"")


async def test_an_entry_does_not_open_under_another_name(cache, redis, keys, clock) -> None:
    await cache.put("session_a", Token("czs_secret", clock() + 900))
    sealed = await redis.get(keys.coze_token("session_a"))
    await redis.set(keys.coze_token("session_b"), sealed)
    assert await cache.get("session_b") is None


@pytest.mark.parametrize("junk", [b"", b"x", b"x" * 80])
async def test_junk_is_a_miss(cache, redis, keys, junk) -> None:
    await redis.set(keys.coze_token("session_a"), junk)
    assert await cache.get("session_a") is None
