"""Starts a simulator inside a test, on a free port, with a key of its own."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.simulator.coze import Coze, build
from dev.simulator.faults import Armed, parse
from dev.simulator.keys import KeyPair, make_key_pair
from dev.simulator.server import serving
from dev.simulator.settings import SimulatorSettings

# Made once a process: a 2048-bit pair costs up to half a second, and tests start many simulators.
_PAIRS: list[KeyPair] = []


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator: what a client needs to call it, and its insides to look at."""

    base_url: str
    port: int
    app_id: str
    workflow_id: str
    key_id: str
    private_key_pem: str
    public_key_pem: str
    coze: Coze

    def arm(
        self,
        fault: str,
        *,
        session_name: str | None = None,
        times: int | None = 1,
        at: str = "chat",
    ) -> None:
        """The same as `POST /sim/faults`; `fault` may be NAME=ARG."""
        name, _, arg = fault.partition("=")
        called = parse(name, arg or None)
        self.coze.armoury.armed.append(
            Armed(called=called, at=at, session=session_name, times=times)
        )

    def count(self, call: str, session_name: str | None = None) -> int:
        """How often it was called: token, conversation, chat, cancel, history, …"""
        calls = self.coze.calls
        own = calls.total if session_name is None else calls.sessions.get(session_name, {})
        return own.get(call, 0)

    def env(self) -> dict[str, str]:
        """The COZE_* settings that point a service here."""
        return {
            "COZE_API_BASE": self.base_url,
            "COZE_APP_ID": self.app_id,
            "COZE_PUBLIC_KEY_ID": self.key_id,
            "COZE_PRIVATE_KEY": self.private_key_pem,
            "COZE_WORKFLOW_ID": self.workflow_id,
            "COZE_KIND": "simulator",
        }


def test_key_pair() -> KeyPair:
    """The key pair of this test process."""
    if not _PAIRS:
        _PAIRS.append(make_key_pair())
    return _PAIRS[0]


test_key_pair.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test otherwise


@asynccontextmanager
async def running_simulator(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulator with no pace unless told: `async with running_simulator(pace_ms=5) as sim`."""
    pair = test_key_pair()
    with tempfile.TemporaryDirectory() as folder:
        public_key_file = Path(folder) / "public.pem"
        public_key_file.write_text(pair.public_pem)
        chosen = {
            "host": "127.0.0.1",
            "port": 0,
            "pace_ms": 0,
            "key_id": pair.kid,
            "public_key_file": public_key_file,
            **settings,
        }
        coze = build(SimulatorSettings(**chosen))
        async with serving(coze) as port:
            yield Simulator(
                base_url=f"http://127.0.0.1:{port}",
                port=port,
                app_id=coze.settings.app_id,
                workflow_id=coze.settings.workflow_id,
                key_id=pair.kid,
                private_key_pem=pair.private_pem,
                public_key_pem=pair.public_pem,
                coze=coze,
            )
