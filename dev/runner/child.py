"""One process of the stack: started, watched, ended; its output goes to its log file."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from dev.runner.plan import ROOT, Part

PR_SET_PDEATHSIG = 1
LOG_LIMIT = 20 * 1024 * 1024
TAIL_BYTES = 4000


@dataclass(slots=True)
class Child:
    """A part as a process; Popen and not asyncio's, because it outlives loops."""

    part: Part
    log_path: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started_at: float = field(default=0.0, init=False)
    log_start: int = field(default=0, init=False)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError(f"{self.part.label} was never started")
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def start(self) -> None:
        """Starts it anew; its log goes on."""
        if self.running:
            raise RuntimeError(f"{self.part.label} runs already")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_LIMIT:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        with self.log_path.open("ab") as log:
            os.fchmod(log.fileno(), 0o600)
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                self.part.command,
                cwd=ROOT,
                env={**self.part.env, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal reaches only the runner, which then ends all in order.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )
        self.started_at = time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, if it runs."""
        if self.running:
            os.kill(self.pid, number)

    def tail(self) -> str:
        """The end of what it wrote since its last start."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self.log_start, size - TAIL_BYTES))
            return log.read().decode(errors="replace").strip()


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """A runner killed without a chance to clean up leaves nobody behind."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
