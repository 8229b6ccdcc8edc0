"""Lua scripts by name: their text lives in `common/redis/lua/<owner>_<verb>.lua`."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

ALLOW_OOM = "#!lua flags=allow-oom\n"


@dataclass(frozen=True, slots=True)
class Script:
    """One script as the server knows it; run with `RedisClient.run`."""

    name: str
    text: str
    sha: str


def script_of(name: str, text: str) -> Script:
    """A script of this text; the server names it by its SHA-1, which is no secret."""
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def load_script(name: str, *, allow_oom: bool = False) -> Script:
    """The script of this file; `allow_oom` makes the variant that runs when memory is full."""
    text = files("common.redis").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return script_of(name, ALLOW_OOM + text if allow_oom else text)


def script_names() -> list[str]:
    """The names of all scripts there are, sorted."""
    folder = files("common.redis").joinpath("lua")
    return sorted(f.name[:-4] for f in folder.iterdir() if f.name.endswith(".lua"))
