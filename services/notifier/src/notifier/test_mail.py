"""`python -m notifier.test_mail` (`make test-mail`): one letter to MAIL_TO, now or not at all."""

import asyncio
import sys

from common.clock import system_clock
from common.events import MailRequested
from common.events.mails import Line
from common.ids import new_id
from common.settings import load_settings

from notifier.errors import NotSent, Undeliverable
from notifier.settings import NotifierSettings
from notifier.wiring import make_letters, make_mailer


async def send(settings: NotifierSettings) -> list[str]:
    """Who the mail server took it for."""
    now = system_clock()
    request = MailRequested(
        session_name="test-mail",
        escalation_id=new_id(),
        cause="after_hours",
        at=now,
        reason="manual",
        nickname="make test-mail",
        language=settings.mail_language,
        lines=[Line(role="user", content="测试邮件 · This is a test.", timestamp=now)],
    )
    letter = make_letters(settings).compose(request, now=now)
    return await make_mailer(settings).send(letter)


def main() -> None:
    settings = load_settings(NotifierSettings)
    place = f"{settings.smtp_host}:{settings.port_of_server}"
    try:
        taken = asyncio.run(send(settings))
    except (NotSent, Undeliverable) as error:
        print(f"not sent by {place}: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    print(f"sent by {place} to {', '.join(taken)}")  # noqa: T201


if __name__ == "__main__":
    main()
