"""A service does not start on a server that would lose its data in silence."""

import pytest
from common.redis import RedisClient, UnsafeServer
from common.testing.server import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("facts")) as own:
        yield own


@pytest.fixture
async def client(server):
    own = RedisClient.open(server.url())
    yield own
    await own.close()


async def test_a_safe_server_is_described(client):
    facts = await client.check_server(allow_eviction=False, require_persistence=True)
    assert (facts.maxmemory_policy, facts.append_only, facts.appendfsync) == (
        "noeviction",
        True,
        "always",
    )
    assert (facts.role, facts.replicas) == ("master", 0)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_an_evicting_server_is_refused_unless_allowed(client, server, policy):
    server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    try:
        with pytest.raises(UnsafeServer, match=f"maxmemory-policy is {policy}"):
            await client.check_server(allow_eviction=False, require_persistence=False)
        facts = await client.check_server(allow_eviction=True, require_persistence=False)
        assert facts.maxmemory_policy == policy
    finally:
        server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_weaker_fsync_is_refused_where_persistence_is_required(client, server):
    server.ask("CONFIG", "SET", "appendfsync", "everysec")
    try:
        with pytest.raises(UnsafeServer, match="appendfsync is everysec"):
            await client.check_server(allow_eviction=False, require_persistence=True)
        await client.check_server(allow_eviction=False, require_persistence=False)
    finally:
        server.ask("CONFIG", "SET", "appendfsync", "always")


async def test_no_append_only_file_is_refused_where_persistence_is_required(client, server, until):
    server.ask("CONFIG", "SET", "appendonly", "no")
    try:
        with pytest.raises(UnsafeServer, match="appendonly is no"):
            await client.check_server(allow_eviction=False, require_persistence=True)
    finally:
        server.ask("CONFIG", "SET", "appendonly", "yes")
        # a server that writes its first append-only file does not stop
        await until(lambda: "rewrite_in_progress:0" in server.ask("INFO", "persistence"))


async def test_a_server_that_hides_its_configuration_is_judged_by_what_info_says(client, server):
    server.ask("ACL", "SETUSER", "modest", "on", ">pw", "~*", "&*", "+@all", "-config")
    modest = RedisClient.open(f"redis://modest:pw@127.0.0.1:{server.port}")
    facts = await modest.check_server(allow_eviction=False, require_persistence=True)
    assert (facts.append_only, facts.appendfsync) == (True, "")
    await modest.close()
