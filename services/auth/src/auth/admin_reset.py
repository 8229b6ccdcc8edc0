"""`python -m auth.admin_reset`: a way back in for who owns the machine (`make admin-reset`)."""

import argparse
import asyncio

from common.bus.publisher import Publisher
from common.clock import system_clock
from common.ids import new_id
from common.metrics import Metrics
from common.redis.client import RedisClient
from common.redis.keys import Keys
from common.settings import load_settings

from auth.agents import Agents
from auth.first_admin import reset_admin
from auth.gauges import LoginGauges
from auth.passwords import Hasher
from auth.settings import AuthSettings
from auth.store import SOURCE, Store
from auth.wiring import make_logins


async def reset(settings: AuthSettings, username: str) -> str:
    """The new password of the admin."""
    redis, keys = RedisClient.open(settings.redis_url), Keys(settings.redis_tag)
    hasher = Hasher(rounds=settings.bcrypt_rounds, threads=1)
    store = Store(redis, keys, clock=system_clock, new_id=new_id)
    publisher = Publisher(redis, keys, source=SOURCE, clock=system_clock, new_id=new_id)
    gauges = LoginGauges(Metrics("auth"))
    logins = make_logins(settings, store, hasher, publisher, gauges=gauges, clock=system_clock)
    agents = Agents(store=store, hasher=hasher, logins=logins, clock=system_clock, new_id=new_id)
    try:
        return await reset_admin(agents, username=username, password=settings.first_password)
    finally:
        hasher.close()
        await redis.close()


def main() -> None:
    settings = load_settings(AuthSettings)
    parser = argparse.ArgumentParser(prog="python -m auth.admin_reset", description=__doc__)
    parser.add_argument("--username", default=settings.admin_username)
    username = parser.parse_args().username
    password = asyncio.run(reset(settings, username))
    print(f"admin reset: username={username} password={password}")  # noqa: T201


if __name__ == "__main__":
    main()
