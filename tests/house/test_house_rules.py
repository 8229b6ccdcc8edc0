"""The repository's own rules, so that prose is not the only thing that holds them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "common": ROOT / "libs/common/src/common",
    **{
        p.name: p
        for s in ("gateway", "chat-proxy", "session-state", "auth", "notifier")
        for p in (ROOT / "services" / s / "src").iterdir()
        if p.is_dir() and not p.name.endswith(".egg-info")
    },
}
VAGUE = {
    "util",
    "utils",
    "helper",
    "helpers",
    "misc",
    "manager",
    "handler",
    "processor",
    "data",
    "info",
}
# Who may stop every error: the chassis, the bus consumer and tail, the Coze stream decoder.
CATCH_ALL = ("common/app/", "common/bus/", "chat_proxy/coze/decode.py")


def tracked() -> list[str]:
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [f for f in out.stdout.splitlines() if (ROOT / f).is_file()]


def sources() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES.values():
        for path in sorted(package.rglob("*.py")):
            yield path.relative_to(package.parent).as_posix(), path


def trees() -> Iterator[tuple[str, ast.Module]]:
    for name, path in sources():
        yield name, ast.parse(path.read_text())


def text_files() -> Iterator[tuple[str, str]]:
    for name in tracked():
        try:
            yield name, (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):  # no text, or somebody's passing file
            continue


def test_no_committed_file_names_a_package_registry() -> None:
    hosts = re.compile(
        r"(pypi\.org|pythonhosted\.org|registry\.npmjs|registry\.yarnpkg|deb\.debian\.org"
        r"|\"resolved\":\s*\"http|--(extra-)?index-url\s+http)"
    )
    found = [
        n for n, t in text_files() if n != "tests/house/test_house_rules.py" and hosts.search(t)
    ]
    assert found == []


def test_no_committed_file_holds_a_private_key_or_a_path_of_one_machine() -> None:
    key = re.compile(r"-----BEGIN (RSA |EC |)PRIVATE KEY-----\n[A-Za-z0-9+/]{40}")
    place = re.compile(r"/(root|home/[a-z]+|work)/[A-Za-z0-9_.-]+")
    bad = [
        n
        for n, t in text_files()
        if n != "tests/house/test_house_rules.py" and (key.search(t) or place.search(t))
    ]
    assert bad == []


def test_nothing_generated_by_tools_is_tracked() -> None:
    pattern = re.compile(
        r"(^|/)(node_modules|\.venv|dist|__pycache__|\.data)/|\.(pem|key|rdb|aof|pyc)$"
    )
    assert [f for f in tracked() if pattern.search(f)] == []


def test_every_module_says_in_one_docstring_what_it_is_for() -> None:
    silent = [n for n, tree in trees() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_no_file_is_longer_than_400_lines() -> None:
    long = [(n, len(p.read_text().splitlines())) for n, p in sources()]
    assert [x for x in long if x[1] > 400] == []


def test_no_module_has_a_vague_name() -> None:
    assert [n for n, p in sources() if p.stem in VAGUE] == []


def test_nothing_is_imported_inside_a_function() -> None:
    bad = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert bad == []


def _catches_all(node: ast.ExceptHandler) -> bool:
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    names = {k.id for k in kinds if isinstance(k, ast.Name)}
    return node.type is None or bool(names & {"Exception", "BaseException"})


def test_only_chassis_consumer_and_decoder_catch_every_exception() -> None:
    bad = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        if not name.startswith(CATCH_ALL)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node)
    ]
    assert bad == []


def test_tasks_are_started_only_where_their_death_is_seen() -> None:
    bad = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        if not name.startswith(("common/app/", "common/bus/", "common/redis/", "common/testing/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("create_task", "ensure_future")
        and not (isinstance(node.func.value, ast.Name) and "group" in node.func.value.id)
        and not (isinstance(node.func.value, ast.Attribute) and "group" in node.func.value.attr)
    ]
    assert bad == []


def test_no_middleware_that_costs_a_task_a_request() -> None:
    assert [
        n for n, p in sources() if re.search(r"(import|\()\s*BaseHTTPMiddleware", p.read_text())
    ] == []


def test_the_bus_is_never_trimmed_by_length() -> None:
    lua = list((PACKAGES["common"] / "redis/lua").glob("*.lua"))
    assert lua
    files = [*lua, *(p for _, p in sources())]
    assert [p.name for p in files if re.search(r"['\"]MAXLEN['\"]|maxlen\s*=", p.read_text())] == []


def test_every_lua_script_names_its_owner_keys_and_arguments() -> None:
    for path in sorted((PACKAGES["common"] / "redis/lua").glob("*.lua")):
        head = path.read_text()[:2500]
        assert re.match(r"(session|gateway|auth|notifier|bus|chat|redis)_[a-z_]+$", path.stem), (
            path.name
        )
        assert "KEYS" in head, f"{path.name} does not name its KEYS"
        assert "ARGV" in head, f"{path.name} does not name its ARGV"


def test_keys_are_named_in_one_file_only() -> None:
    bad = [
        name
        for name, path in sources()
        if name != "common/redis/keys.py" and re.search(r"['\"]\{kefu\}", path.read_text())
    ]
    assert bad == []


def test_production_code_has_nothing_left_open() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|not implemented)\b")
    assert [n for n, p in sources() if mark.search(p.read_text())] == []


def test_main_is_a_table_of_contents_and_wiring_one_page() -> None:
    for name, package in PACKAGES.items():
        if name == "common":
            continue
        assert len((package / "main.py").read_text().splitlines()) <= 40, name
        assert len((package / "wiring.py").read_text().splitlines()) <= 130, name


@pytest.mark.parametrize("package", [p for p in PACKAGES if p != "common"])
def test_every_service_lists_its_settings_and_errors(package: str) -> None:
    for part in ("main.py", "wiring.py", "settings.py", "errors.py", "__main__.py"):
        assert (PACKAGES[package] / part).is_file(), f"{package} has no {part}"


def test_the_lock_has_a_hash_for_every_package() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock)
    assert len(blocks) > 50
    assert [b.split()[0] for b in blocks if "--hash=sha256:" not in b] == []


def test_known_bad_versions_stay_out() -> None:
    floors = {
        "aiohttp": (3, 14, 0),
        "starlette": (1, 0, 0),
        "pyjwt": (2, 12, 0),
        "cryptography": (46, 0, 0),
        "jinja2": (3, 1, 6),
        "h11": (0, 16, 0),
        "urllib3": (2, 5, 0),
        "requests": (2, 32, 4),
    }
    lock = dict(
        re.findall(r"(?m)^([a-z0-9-]+)==([0-9.]+)", (ROOT / "requirements.lock").read_text())
    )
    assert _below(lock, floors) == []
    assert _below({"aiohttp": "3.9.0"}, floors) == ["aiohttp"], "the floor itself does not hold"


def _below(lock: dict[str, str], floors: dict[str, tuple[int, ...]]) -> list[str]:
    return [
        name
        for name, floor in floors.items()
        if name in lock and tuple(int(p) for p in lock[name].rstrip(".").split(".")) < floor
    ]
