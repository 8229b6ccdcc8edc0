"""One runner a data directory: two Redis servers over one append-only file would ruin it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class AlreadyRunningError(Exception):
    """Another runner holds this data directory."""


@contextmanager
def holding(data_dir: Path, about: dict[str, Any]) -> Iterator[None]:
    """Holds the directory; `about` is what the helper commands read while it is held.

    Raises AlreadyRunningError. The lock is the kernel's and ends with the process.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(data_dir / "run.json", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError(f"{data_dir} is in use: the product runs already") from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(about).encode())
        yield
    finally:
        os.close(descriptor)


def running(data_dir: Path) -> dict[str, Any] | None:
    """What the runner of this directory said about itself; None when none runs."""
    path = data_dir / "run.json"
    if not path.exists():
        return None
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            about: dict[str, Any] = json.loads(file.read() or b"{}")
            return about
    return None
