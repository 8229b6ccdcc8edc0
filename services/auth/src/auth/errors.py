"""Failures only auth knows."""

from common.errors import Action, ServiceError


class WeakPassword(
    ServiceError,
    status=422,
    code="WEAK_PASSWORD",
    action=Action.FIX,
    zh="密码不符合要求：至少 10 个字符，不能包含用户名，也不能是常见密码。",
    en="Please use at least 10 characters, without the user name, and nothing common.",
): ...


class WrongPassword(
    ServiceError,
    status=403,
    code="WRONG_PASSWORD",
    action=Action.FIX,
    zh="原密码不正确。",
    en="The present password is wrong.",
): ...
