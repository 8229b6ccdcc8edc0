"""The first admin, made once whatever the number of replicas, and the way back in for owners."""

import logging
import sys

from common.contracts.auth import AgentUpdate, NewAgent
from common.errors import UsernameTaken

from auth.agents import Actor, Agents
from auth.passwords import random_password
from auth.store import Skipped, Store

log = logging.getLogger(__name__)

_SYSTEM = Actor(name="system", address="")


async def ensure_first_admin(
    agents: Agents, store: Store, *, username: str, password: str | None
) -> None:
    """Where there is no admin, make one; a random password is printed once, one that was given
    is not."""
    if await store.has_admin():
        return
    chosen = password or random_password()
    wish = NewAgent(username=username, password=chosen, name=username, role="admin")
    try:
        await agents.create(wish, _SYSTEM, first_admin=True)
    except Skipped:
        return
    except UsernameTaken:
        log.error("no admin, and ADMIN_USERNAME is somebody else's: run `make admin-reset`")
        return
    if password is None:
        # the runner reads this line
        print(f"first admin: username={username} password={chosen}", file=sys.stderr, flush=True)  # noqa: T201


async def reset_admin(agents: Agents, *, username: str, password: str | None) -> str:
    """Make this account an admin with a new password and without logins; returns the password."""
    chosen = password or random_password()
    try:
        wish = NewAgent(username=username, password=chosen, name=username, role="admin")
        await agents.create(wish, _SYSTEM)
    except UsernameTaken:
        await agents.update(username, AgentUpdate(role="admin"), _SYSTEM)
        await agents.reset_password(username, chosen, _SYSTEM)
    return chosen
