"""REDIS_URL in all its forms, and never a password in what is shown."""

import pytest
from common.redis.address import parse_address


def test_a_standalone_url_has_host_port_database_and_login():
    address = parse_address("redis://user:s%40crt@redis.local:6380/3")
    assert (address.kind, address.nodes, address.database) == (
        "single",
        (("redis.local", 6380),),
        3,
    )
    assert address.credentials == ("user", "s@crt")
    assert address.tls is None


def test_a_password_alone_needs_no_user():
    assert parse_address("redis://:secret@h").credentials == ("secret",)
    assert parse_address("redis://h").credentials == ()


def test_ports_have_defaults_and_ipv6_has_brackets():
    assert parse_address("redis://h").nodes == (("h", 6379),)
    assert parse_address("redis://[::1]:7000/0").nodes == (("::1", 7000),)


def test_tls_verifies_certificates():
    address = parse_address("rediss://h")
    assert address.tls is not None
    assert address.tls.check_hostname is True


def test_a_sentinel_url_lists_sentinels_and_names_the_service():
    address = parse_address("redis+sentinel://:pw@a:1,b,c:3/kefu/2?sentinel_password=sp")
    assert address.nodes == (("a", 1), ("b", 26379), ("c", 3))
    assert (address.service, address.database) == ("kefu", 2)
    assert (address.credentials, address.sentinel_credentials) == (("pw",), ("sp",))


def test_a_cluster_url_lists_seeds():
    address = parse_address("redis+cluster://a:1,b:2")
    assert (address.kind, address.nodes) == ("cluster", (("a", 1), ("b", 2)))


def test_replicas_to_wait_for_are_an_option():
    assert parse_address("redis://h?wait_replicas=1").wait_replicas == 1
    with pytest.raises(ValueError, match="wait_replicas"):
        parse_address("redis+cluster://h?wait_replicas=1")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://h", "scheme"),
        ("redis:///0", "no host"),
        ("redis://h/zero", "number of the database"),
        ("redis://h:port", "port is not a number"),
        ("redis+sentinel://h", "names its service"),
        ("redis://h?wait_replicas=all", "wait_replicas is not a number"),
    ],
)
def test_a_wrong_url_is_refused_by_what_is_wrong(url, why):
    with pytest.raises(ValueError, match=why):
        parse_address(url)


def test_nothing_shown_has_the_password():
    address = parse_address("redis+sentinel://u:hidden@h/kefu?sentinel_password=hidden")
    assert "hidden" not in repr(address)
    assert "hidden" not in str(address)
