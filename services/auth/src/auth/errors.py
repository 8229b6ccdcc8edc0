"""Failures only auth answers with; their words and codes stand in `common.errors`."""

from common.errors import WeakPassword, WrongPassword

__all__ = ["WeakPassword", "WrongPassword"]
