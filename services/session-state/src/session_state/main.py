"""session-state: what is true about every session."""

from functools import partial

from common.app import bare, build_app
from common.clock import Clock, system_clock
from common.contracts.sessions import Paths
from common.settings import load_settings
from fastapi import FastAPI

from session_state.routes import agents, internal, manual, sessions, shift, visitors
from session_state.routes.turns import open_turn
from session_state.settings import Settings
from session_state.wiring import wire


def create_app(settings: Settings | None = None, clock: Clock = system_clock) -> FastAPI:
    """The app; settings come from the environment unless a test gives its own."""
    settings = settings or load_settings(Settings)
    return build_app(
        name="session-state",
        settings=settings,
        wire=partial(wire, settings),
        routers=[
            manual.router,
            sessions.router,
            visitors.router,
            agents.router,
            shift.router,
            internal.router,
        ],
        clock=clock,
        hot=[bare("POST", Paths.OPEN_TURN, open_turn)],
    )
