"""Fixtures of every test in the repository, how Hypothesis draws, and which tests stay together."""

import os

import pytest
from _pytest.nodeid import NodeId
from hypothesis import HealthCheck, settings

pytest_plugins = ["common.testing.plugin"]

# A red test must mean something broken: not a busy machine, and not the luck of one run's draws.
# `make test-reliability` draws anew each time.
settings.register_profile(
    "steady",
    deadline=None,
    database=None,
    derandomize="KEFU_DRAW_ANEW" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one `xdist_group` share a running product, so they must share a process.

    pytest-xdist 3.8 writes the group into `_nodeid`, which pytest 9.2 does not read any more:
    without this every worker starts every product.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            continue
        if "@" not in item.nodeid:
            item._id = NodeId.parse(item._nodeid)  # noqa: SLF001
        if "@" not in item.nodeid:
            raise pytest.UsageError("the groups of pytest-xdist do not hold")
