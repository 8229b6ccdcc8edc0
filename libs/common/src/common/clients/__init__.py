"""Typed clients of the services' contracts."""
