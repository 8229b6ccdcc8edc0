"""Fixtures of every test in the repository."""

pytest_plugins = ["common.testing.plugin"]
