"""One letter is one letter: whatever the mail server does, and however often it is asked for."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from common.events import MailRequested
from common.events.mails import Line
from notifier.ledger import Ledger


def request_of(letter: int = 0, **more: Any) -> MailRequested:
    values: dict[str, Any] = {
        "session_name": "session_a",
        "escalation_id": f"{letter:032x}",
        "cause": "after_hours",
        "at": 1_790_000_000.0,
        "reason": "keyword",
        "nickname": "Anna",
        "language": "de",
    }
    return MailRequested(**{**values, **more})


async def test_an_escalation_becomes_one_mail_and_its_result_is_told(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any
) -> None:
    async with start_notifier():
        request = await ask(request_of(message="Bitte um Rückruf", email="anna@home.example"))
        await until(lambda: mails.mails)
        sent = [orjson.loads(e) for e in await until(lambda: told("mail.sent"))]
        assert sent == [
            {
                "session_name": "session_a",
                "escalation_id": request.escalation_id,
                "kind": "escalation",
                "message_id": f"<{request.escalation_id}.escalation.0@shop.example>",
                "email_to": ["team@shop.example"],
                "sent_at": 1_790_000_000.0,
            }
        ]
        (mail,) = mails.details()
        assert mail["message_id"] == sent[0]["message_id"]
        assert "Bitte um Rückruf" in mail["text"]
        assert "Bitte um Rückruf" in mail["html"]


async def test_everything_delivered_twice_to_two_replicas_is_one_mail_each(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any
) -> None:
    async with start_notifier(), start_notifier():
        for number in range(20):
            await ask(request_of(number), times=3)
        await until(lambda: _count(told, "mail.sent", 20))
        await _settled(mails)
        ids = [mail["message_id"] for mail in mails.details()]
        assert len(ids) == len(set(ids)) == 20


async def test_follow_ups_and_transcripts_are_letters_of_their_own(
    start_notifier: Any, ask: Any, mails: Any, until: Any
) -> None:
    async with start_notifier():
        await ask(request_of())
        await ask(request_of(kind="follow_up", cause="follow_up", number=1, message="More"))
        await ask(
            request_of(
                kind="transcript",
                cause="transcript",
                email="anna@home.example",
                lines=[Line(role="user", content="Hallo", timestamp=1.0)],
            )
        )
        await until(lambda: len(mails.mails) == 3)
        by_id = {mail["message_id"].split(".")[1]: mail for mail in mails.details()}
        first = f"<{0:032x}.escalation.0@shop.example>"
        headers = {k.lower(): v for k, v in by_id["follow_up"]["headers"]}
        assert headers["in-reply-to"] == first
        assert by_id["transcript"]["rcpt_to"] == ["anna@home.example"]
        assert "Hallo" in by_id["transcript"]["text"]


@pytest.mark.parametrize(
    "fault", ["451", "rcpt_450", "refuse", "drop_before_data", "drop_in_data", "hang"]
)
async def test_what_fails_for_now_is_sent_later_once(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, clock: Any, fault: str
) -> None:
    mails.arm(fault, times=2)
    hasty = {"smtp_timeout_seconds": 1, "smtp_deadline_seconds": 2} if fault == "hang" else {}
    async with start_notifier(**hasty) as running:
        await ask(request_of())
        for attempt in (1, 2):
            await until(lambda n=attempt: _metric(running, "retried", n))
            assert mails.mails == []
            clock.advance(12)
        await until(lambda: _count(told, "mail.sent", 1))
        assert len(mails.mails) == 1
        assert await told("mail.failed") == []


async def test_a_retry_waits_for_its_time(
    start_notifier: Any, ask: Any, mails: Any, until: Any, clock: Any, redis: Any, keys: Any
) -> None:
    mails.arm("451")
    async with start_notifier() as running:
        await ask(request_of())
        await until(lambda: _metric(running, "retried", 1))
        ((_, due),) = await redis.zrange_scored(keys.letters_due(), 0, -1)
        assert clock.now + 9 <= due <= clock.now + 11


async def test_a_restart_goes_on_where_it_stopped(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, clock: Any
) -> None:
    mails.arm("451")
    async with start_notifier() as running:
        await ask(request_of())
        await until(lambda: _metric(running, "retried", 1))
    clock.advance(12)
    async with start_notifier():
        await until(lambda: _count(told, "mail.sent", 1))
        assert len(mails.mails) == 1


@pytest.mark.parametrize("fault", ["550", "554", "rcpt_550"])
async def test_what_is_refused_for_good_fails_at_once(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, fault: str
) -> None:
    mails.arm(fault, times=None)
    async with start_notifier() as running:
        request = await ask(request_of())
        (failed,) = [orjson.loads(e) for e in await until(lambda: told("mail.failed"))]
        assert failed["escalation_id"] == request.escalation_id
        assert fault.removeprefix("rcpt_") in failed["error"]
        await until(lambda: _metric(running, "failed", 1))
        assert "kefu_mail_dead_letters_total" in running.chassis.metrics.render().decode()


async def test_after_the_last_attempt_the_letter_is_dead_and_says_so(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, clock: Any
) -> None:
    mails.arm("451", times=None)
    async with start_notifier(mail_retry_seconds="10,10") as running:
        await ask(request_of())
        for attempt in (1, 2):
            await until(lambda n=attempt: _metric(running, "retried", n))
            clock.advance(12)
        await until(lambda: told("mail.failed"))
        await until(lambda: _metric(running, "failed", 1))


async def test_a_transcript_to_no_address_fails_at_once(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any
) -> None:
    async with start_notifier():
        await ask(request_of(kind="transcript", cause="transcript", email="a b@x"))
        await until(lambda: told("mail.failed"))
        assert mails.mails == []


async def test_nobody_is_bombed_with_transcripts(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, clock: Any
) -> None:
    wish = {"kind": "transcript", "cause": "transcript"}
    async with start_notifier():
        for number in range(5):
            await ask(request_of(number, **wish, email="Victim@home.example"))
        await ask(request_of(9, **wish, email="other@home.example"))
        await until(lambda: _count(told, "mail.failed", 2))
        await until(lambda: _count(told, "mail.sent", 4))
        clock.advance(3601)
        await ask(request_of(10, **wish, email="victim@home.example"))
        await until(lambda: _count(told, "mail.sent", 5))
        assert len(mails.mails) == 5


async def test_without_the_limit_all_five_would_arrive(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any
) -> None:
    """The canary of the test above."""
    async with start_notifier(mail_transcripts_an_hour=100):
        for number in range(5):
            await ask(
                request_of(number, kind="transcript", cause="transcript", email="v@home.example")
            )
        await until(lambda: _count(told, "mail.sent", 5))


async def test_one_hanging_letter_holds_nobody_up(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any
) -> None:
    mails.arm("hang")
    async with start_notifier(smtp_timeout_seconds=30, smtp_deadline_seconds=30, drain_seconds=0):
        for number in range(6):
            await ask(request_of(number))
        await until(lambda: _count(told, "mail.sent", 5))


async def test_a_letter_that_was_taken_before_the_line_broke_goes_out_again_under_its_name(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, clock: Any
) -> None:
    """The named window: nobody can know; mailboxes show one, for its Message-ID is the same."""
    mails.arm("drop_after_data")
    async with start_notifier() as running:
        await ask(request_of())
        await until(lambda: _metric(running, "retried", 1))
        clock.advance(12)
        await until(lambda: _count(told, "mail.sent", 1))
        ids = [mail["message_id"] for mail in mails.details()]
        assert len(ids) == 2
        assert len(set(ids)) == 1


async def test_a_sender_that_died_leaves_its_letter_to_others_when_its_lease_ends(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, clock: Any, redis: Any
) -> None:
    async with start_notifier() as running:
        ledger = running.wiring.ledger
        message_id = f"<{7:032x}.escalation.0@shop.example>"
        now = clock.now
        assert await ledger.accept(message_id, request_of(7), now=now + 1)
        clock.advance(1)
        claimed = await ledger.claim(message_id, "of-the-dead", now=clock.now, lease_seconds=31)
        if claimed is None:  # the living one was faster
            await until(lambda: _count(told, "mail.sent", 1))
            return
        assert mails.mails == []
        clock.advance(32)
        await until(lambda: _count(told, "mail.sent", 1))
        assert claimed.attempt == 1
        assert not await ledger.retry(claimed, "late", now=clock.now, next_at=clock.now)
        assert not await ledger.sent(claimed, ["x"], now=clock.now)
        assert len(await told("mail.sent")) == 1


async def test_many_wishes_at_once_claim_each_letter_once(redis: Any, keys: Any) -> None:
    ledger = Ledger(redis, keys)
    await ledger.accept("<a@b>", request_of(), now=1.0)
    claims = await asyncio.gather(
        *(ledger.claim("<a@b>", f"claim-{n}", now=2.0, lease_seconds=60) for n in range(50))
    )
    assert len([claim for claim in claims if claim]) == 1


@pytest.mark.parametrize("tls", ["starttls", "none"])
async def test_login_and_encryption(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, tmp_path: Any, tls: str
) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text(mails.ca_pem)
    mails.arm("auth_required", times=None)
    mails.arm("starttls", times=None)
    async with start_notifier(
        smtp_tls=tls,
        smtp_ca_file=authority,
        smtp_username=mails.username,
        smtp_password=mails.password,
    ):
        await ask(request_of())
        await until(lambda: _count(told, "mail.sent", 1))


async def test_a_wrong_certificate_gets_no_letter_and_no_password(
    start_notifier: Any, ask: Any, mails: Any, until: Any
) -> None:
    mails.arm("bad_certificate", times=None)
    async with start_notifier(
        smtp_tls="starttls", smtp_username="kefu", smtp_password="kefu-password"
    ) as running:
        await ask(request_of())
        await until(lambda: _metric(running, "retried", 1))
        assert mails.mails == []


async def test_a_wrong_login_is_the_operators_to_mend_so_the_letter_waits(
    start_notifier: Any, ask: Any, mails: Any, told: Any, until: Any, tmp_path: Any
) -> None:
    mails.arm("auth_required", times=None)
    async with start_notifier(smtp_username="kefu", smtp_password="wrong") as running:
        await ask(request_of())
        await until(lambda: _metric(running, "retried", 1))
        assert await told("mail.failed") == []


async def test_a_mail_server_that_is_away_is_degraded_not_unready(
    start_notifier: Any, ask: Any, mails: Any, until: Any
) -> None:
    mails.arm("refuse", times=None)
    async with start_notifier() as running, httpx.AsyncClient(base_url=running.url) as http:
        await ask(request_of())
        await until(lambda: _metric(running, "retried", 1))
        answer = await http.get("/health/ready")
        assert answer.status_code == 200
        assert answer.json()["smtp"] == "failing"


async def _count(told: Any, kind: str, wanted: int) -> bool:
    return len(await told(kind)) >= wanted


async def _settled(mails: Any) -> None:
    """What was under way has arrived: a second look that sees no more."""
    before = -1
    while before != len(mails.mails):
        before = len(mails.mails)
        await asyncio.sleep(0.1)


def _metric(running: Any, outcome: str, wanted: int) -> bool:
    text = running.chassis.metrics.render().decode()
    found = [
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("kefu_mails_total") and f'outcome="{outcome}"' in line
    ]
    return sum(found) >= wanted
