"""`python -m dev.mailcatcher`: catches mail on MAILCATCHER_SMTP_PORT, shows it on _WEB_PORT."""

import asyncio
import signal
import sys

from pydantic import ValidationError

from dev.mailcatcher.catcher import catching
from dev.mailcatcher.settings import MailcatcherSettings


async def serve_until_stopped(settings: MailcatcherSettings) -> None:
    """Catches until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with catching(settings) as catcher:
        page = f"http://{settings.host}:{catcher.web_port}"
        print(f"mail catcher: SMTP on {settings.host}:{catcher.smtp_port}, page {page}", flush=True)
        await stopped.wait()


def main() -> int:
    """A wrong setting or a taken port is named and ends it at once."""
    try:
        settings = MailcatcherSettings()
    except ValidationError as error:
        for problem in error.errors():
            name = "MAILCATCHER_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{name}: {problem['msg']}", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve_until_stopped(settings))
    except OSError as error:
        print(f"MAILCATCHER_SMTP_PORT or _WEB_PORT: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
