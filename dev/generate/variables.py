"""docs/settings.md: every variable of every service, its default and meaning, from its class.

A field's meaning is the string that follows it in the class; a field without one is an error, so
that no setting is added in silence.
"""

import ast
import inspect
import itertools
from collections.abc import Iterator
from typing import Any

from auth.settings import AuthSettings
from chat_proxy.settings import Settings as ChatProxySettings
from common.settings import ServiceSettings
from gateway.settings import GatewaySettings
from notifier.settings import NotifierSettings
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from session_state.settings import Settings as SessionStateSettings

from dev.generate.references import NOTE

SERVICES: dict[str, type[ServiceSettings]] = {
    "every service": ServiceSettings,
    "gateway": GatewaySettings,
    "chat-proxy": ChatProxySettings,
    "session-state": SessionStateSettings,
    "auth": AuthSettings,
    "notifier": NotifierSettings,
}
INTRO = """# Settings

Everything is read from the environment, once, at the start. A wrong value ends the process with
status 2 and a line that names the variable, never its value. *Secret* ones are masked in every log,
and `APP_ENV=production` refuses those that are short or look like a default. Durations end in
`_SECONDS`. `make run` makes all keys by itself in `.data/keys`.

"""


class Undescribed(Exception):
    """A setting without a meaning: write a string below the field."""


def settings_md() -> str:
    return NOTE + INTRO + "".join(section(name, cls) for name, cls in SERVICES.items())


def section(name: str, cls: type[ServiceSettings]) -> str:
    """A service's table. Raises Undescribed."""
    told = meanings(cls)
    out = [f"## {name}\n\n| variable | default | meaning |\n| --- | --- | --- |\n"]
    for field_name in cls.__annotations__:
        field = cls.model_fields.get(field_name)
        if field is None:
            continue
        if field_name not in told:
            raise Undescribed(f"{cls.__module__}.{cls.__name__}.{field_name}")
        variable = ", ".join(f"`{v}`" for v in variables(field_name, field))
        secret = "*Secret.* " if _is_secret(field) else ""
        meaning = " ".join(told[field_name].split()).replace("|", "\\|")
        out.append(f"| {variable} | {_default(field)} | {secret}{meaning} |\n")
    return "".join(out) + "\n"


def variables(name: str, field: FieldInfo) -> Iterator[str]:
    """The names it is read by, the first one wins."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [name]
    for choice in choices:
        yield str(choice).upper()


def meanings(cls: type[ServiceSettings]) -> dict[str, str]:
    """Field → the string that follows it."""
    tree = ast.parse(inspect.getsource(cls))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for before, after in itertools.pairwise(body):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            found[before.target.id] = after.value.value
    return found


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default_factory is not None:
        return "by machine"
    value: Any = field.default
    if value is None or value in ("", {}, []) or isinstance(value, SecretStr):
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return "built in"
    return "`" + str(value).replace("|", "\\|") + "`"
