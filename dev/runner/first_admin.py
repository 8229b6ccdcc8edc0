"""Takes the first admin's password out of auth's log: it is shown once and kept nowhere."""

import re
from pathlib import Path

LINE = re.compile(rb"first admin: username=(\S+) password=(\S+)")


def take(log_path: Path, *, start: int = 0) -> tuple[str, str] | None:
    """The (username, password) that auth wrote behind `start`, or None; masks it in the file.

    The mask is as long as the password and written in place, so that auth's own appending goes on
    undisturbed.
    """
    if not log_path.exists():
        return None
    with log_path.open("r+b") as log:
        log.seek(start)
        match = LINE.search(log.read())
        if match is None:
            return None
        log.seek(start + match.start(2))
        log.write(b"*" * len(match[2]))
    return match[1].decode(), match[2].decode()
