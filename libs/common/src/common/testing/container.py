"""Redis in a container, for TEST_REDIS=container."""

import contextlib
from collections.abc import Iterator

from testcontainers.community.redis import RedisContainer

IMAGE = "redis:7.2"
_PORT = 6379


@contextlib.contextmanager
def redis_container() -> Iterator[str]:
    """The URL of its database 0."""
    with RedisContainer(IMAGE) as container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(_PORT)
        yield f"redis://{host}:{port}/0"
