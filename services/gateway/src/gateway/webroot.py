"""The built web: which file a path means, in which encoding, and how long it may be kept.

    dist/embed/index.html       /embed, /embed/
    dist/agent/index.html       /agent/ and every page below it
    dist/sdk/fiido-kefu.js      /sdk/fiido-kefu.js, /sdk.js, /embed.js (with a shop: `loaders`)
    dist/storefront/index.html  /
    dist/assets/*               hashed names: kept for ever

Each file may have `.br` and `.gz` siblings. Files are read once and kept until they change.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_LOADER = "sdk/fiido-kefu.js"
_PAGES = {
    "/": "storefront/index.html",
    "/embed": "embed/index.html",
    "/embed/": "embed/index.html",
    "/agent": "agent/index.html",
    "/agent/": "agent/index.html",
    "/sdk.js": _LOADER,
    "/embed.js": _LOADER,
}
# the smallest first
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
_FOR_EVER = "public, max-age=31536000, immutable"
_LOADER_KEPT = "public, max-age=300, stale-while-revalidate=3600"
_ASKED_AGAIN = "no-cache"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One file as it will be sent."""

    name: str
    body: bytes
    kind: str
    encoding: str | None
    etag: str
    cache_control: str

    @property
    def is_page(self) -> bool:
        return self.kind.startswith("text/html")

    @property
    def is_loader(self) -> bool:
        return self.name == _LOADER


class WebRoot:
    """A directory of built files."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()
        # path → (its mtime and size, the file)
        self._kept: dict[Path, tuple[tuple[int, int], Found]] = {}

    @property
    def is_built(self) -> bool:
        return self._root.is_dir()

    def find(self, path: str, accept_encoding: str) -> Found | None:
        """The file a request path means, or None."""
        name = self._name(path)
        if name is None:
            return None
        for encoding in wished_encodings(accept_encoding):
            found = self._read(name, _ENCODINGS[encoding], encoding)
            if found is not None:
                return found
        return self._read(name, "", None)

    def _name(self, path: str) -> str | None:
        if path in _PAGES:
            return _PAGES[path]
        parts = PurePosixPath(path.lstrip("/")).parts
        # a segment that leads out, a hidden file, a backslash or a null byte names nothing
        if not parts or any(p.startswith(".") or "\\" in p or "\0" in p for p in parts):
            return None
        name = "/".join(parts)
        if (self._root / name).is_file():
            return name
        # the workbench finds its own pages
        is_page = parts[0] == "agent" and "." not in parts[-1]
        return _PAGES["/agent/"] if is_page else None

    def _read(self, name: str, suffix: str, encoding: str | None) -> Found | None:
        path = (self._root / (name + suffix)).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            return None
        stat = path.stat()
        mark = (stat.st_mtime_ns, stat.st_size)
        known = self._kept.get(path)
        if known is not None and known[0] == mark:
            return known[1]
        body = path.read_bytes()
        found = Found(name, body, _kind(name), encoding, etag_of(body), _cache_control(name))
        self._kept[path] = (mark, found)
        return found


def wished_encodings(accept_encoding: str) -> list[str]:
    """Those of ours that an `Accept-Encoding` allows, the smallest first."""
    wished = {part.partition(";")[0].strip() for part in accept_encoding.lower().split(",")}
    return [encoding for encoding in _ENCODINGS if encoding in wished]


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def _kind(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _cache_control(name: str) -> str:
    if name.startswith("assets/") or "/assets/" in name:
        return _FOR_EVER
    return _LOADER_KEPT if name == _LOADER else _ASKED_AGAIN
