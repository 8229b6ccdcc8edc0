"""The mail catcher keeps every mail, shows it safely, and misbehaves on request."""

import asyncio
import ssl
from email.message import EmailMessage

import aiohttp
import aiosmtplib
import pytest

from dev.mailcatcher.faults import Armoury, UnknownFaultError
from dev.mailcatcher.testing import running_mailcatcher


def letter(subject="你好 – a question", *, html="<p>Hi <b>there</b></p>"):
    message = EmailMessage()
    message["From"] = "Fiido <kefu@example.org>"
    message["To"] = "team@example.org"
    message["Reply-To"] = "ada@example.org"
    message["Subject"] = subject
    message["Message-ID"] = "<fixed-1@example.org>"
    message.set_content("Hi there\n您好")
    if html:
        message.add_alternative(html, subtype="html")
    return message


@pytest.fixture
async def mails():
    async with running_mailcatcher() as running:
        yield running


@pytest.fixture
async def http(mails):
    async with aiohttp.ClientSession(base_url=mails.web_url) as session:
        yield session


async def send(mails, message=None, **options):
    chosen = {"start_tls": False, "timeout": 5, **options}
    await aiosmtplib.send(
        message or letter(), hostname=mails.smtp_host, port=mails.smtp_port, **chosen
    )


async def test_a_mail_is_kept_and_taken_apart(mails, http):
    await send(mails)
    listed = await (await http.get("/api/mails")).json()
    assert listed["total"] == 1
    one = await (await http.get(f"/api/mails/{listed['mails'][0]['id']}")).json()
    assert one["subject"] == "你好 – a question"
    assert one["rcpt_to"] == ["team@example.org"]
    assert one["message_id"] == "<fixed-1@example.org>"
    assert one["reply_to"] == "ada@example.org"
    assert "您好" in one["text"]
    assert "<b>there</b>" in one["html"]
    assert mails.details()[0]["subject"] == one["subject"]


async def test_attachments_are_named_and_not_taken_for_the_text(mails):
    message = letter(html="")
    message.add_attachment("secret,1\n", subtype="csv", filename="list.csv")
    await send(mails, message)
    one = mails.details()[0]
    assert one["attachments"] == [{"filename": "list.csv", "content_type": "text/csv", "size": 10}]
    assert one["html"] is None
    assert "secret" not in one["text"]


async def test_the_newest_mail_stands_first_and_mails_can_be_removed(mails, http):
    for subject in ("first", "second"):
        await send(mails, letter(subject))
    listed = (await (await http.get("/api/mails")).json())["mails"]
    assert [mail["subject"] for mail in listed] == ["second", "first"]
    await http.delete(f"/api/mails/{listed[0]['id']}")
    assert [mail["subject"] for mail in mails.details()] == ["first"]
    await http.delete("/api/mails")
    assert mails.mails == []
    assert (await http.get(f"/api/mails/{listed[0]['id']}")).status == 404


async def test_a_mail_runs_no_script_and_loads_nothing(mails, http):
    await send(mails, letter(html="<script>alert(1)</script><img src='//evil.example/x.png'>"))
    mail_id = mails.mails[0].id
    for part in ("html", "raw"):
        answer = await http.get(f"/api/mails/{mail_id}/{part}")
        rules = answer.headers["content-security-policy"]
        assert "sandbox" in rules
        assert "allow-scripts" not in rules
        assert "default-src 'none'" in rules
    assert b"Message-ID: <fixed-1@example.org>" in await answer.read()


async def test_the_page_loads_only_its_own_files(http):
    for path in ("/", "/page.css", "/page.js"):
        answer = await http.get(path)
        assert answer.status == 200
        assert "http://" not in await answer.text()
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_pages_of_other_origins_get_nothing(mails, http):
    await send(mails)
    foreign = {"Origin": "http://evil.example"}
    assert (await http.delete("/api/mails", headers=foreign)).status == 403
    assert len(mails.mails) == 1
    own = {"Origin": mails.web_url}
    assert (await http.delete("/api/mails", headers=own)).status == 200


async def test_a_broken_mail_is_shown_all_the_same(mails, http):
    await send(mails)
    head = b"Subject: =?nonsense?q?x?=\r\nFrom: <<>\r\nContent-Type: text/plain; charset=martian"
    raw = head + b"\r\n\r\n\xff\xfe hi"
    mails.catcher.mailbox.keep("a@b", ["c@d"], raw)
    answer = await http.get(f"/api/mails/{mails.mails[-1].id}")
    assert answer.status == 200
    assert "hi" in (await answer.json())["text"]


async def test_mails_survive_a_restart_in_a_folder(tmp_path):
    async with running_mailcatcher(folder=tmp_path) as before:
        await send(before)
    (tmp_path / "0-broken.json").write_text("{")
    async with running_mailcatcher(folder=tmp_path) as after:
        assert [mail["subject"] for mail in after.details()] == ["你好 – a question"]
        after.catcher.mailbox.clear()
    assert not list(tmp_path.glob("*.eml"))


@pytest.mark.parametrize("code", [451, 552])
async def test_a_code_answers_the_message_once_and_nothing_is_kept(mails, code):
    mails.arm(str(code))
    with pytest.raises(aiosmtplib.SMTPDataError) as raised:
        await send(mails)
    assert raised.value.code == code
    assert mails.mails == []
    await send(mails)
    assert len(mails.mails) == 1


async def test_a_recipient_can_be_refused(mails):
    mails.arm("rcpt_550")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(mails)


@pytest.mark.parametrize(
    ("fault", "kept"),
    [("drop_before_data", 0), ("drop_in_data", 0), ("drop_after_data", 1), ("refuse", 0)],
)
async def test_dropped_connections_keep_what_they_say(mails, fault, kept):
    mails.arm(fault)
    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await send(mails)
    assert len(mails.mails) == kept
    await send(mails)
    assert len(mails.mails) == kept + 1


@pytest.mark.parametrize(
    ("fault", "kept"), [("hang", 0), ("hang_after_data", 1), ("hang_greeting", 0)]
)
async def test_hanging_servers_run_into_the_callers_deadline(mails, fault, kept):
    mails.arm(fault)
    with pytest.raises(aiosmtplib.SMTPException):
        await send(mails, timeout=1.5)
    assert len(mails.mails) == kept


async def test_starttls_with_a_good_certificate_is_accepted_and_a_bad_one_is_not(mails):
    trusting = ssl.create_default_context(cadata=mails.ca_pem)
    mails.arm("starttls")
    await send(mails, start_tls=True, tls_context=trusting)
    assert len(mails.mails) == 1
    mails.arm("bad_certificate")
    with pytest.raises((aiosmtplib.SMTPException, ssl.SSLError)):
        await send(mails, start_tls=True, tls_context=trusting)
    with pytest.raises(aiosmtplib.SMTPException):
        await send(mails, start_tls=True, tls_context=trusting)  # not offered any more
    assert len(mails.mails) == 1


async def test_auth_is_asked_for_and_checked(mails):
    mails.arm("auth_required", times=None)
    with pytest.raises(aiosmtplib.SMTPException):
        await send(mails)
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(mails, username=mails.username, password="wrong")
    await send(mails, username=mails.username, password=mails.password)
    assert len(mails.mails) == 1


async def test_faults_are_armed_over_http(mails, http):
    answer = await http.post("/api/faults", json={"fault": "451", "times": 2})
    assert (await answer.json())["armed"] == [{"fault": "451", "times": 2}]
    assert (await http.post("/api/faults", json={"fault": "nonsense"})).status == 400
    await http.delete("/api/faults")
    await send(mails)
    assert len(mails.mails) == 1


async def test_many_mails_at_once_are_all_kept(mails):
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(send(mails, letter(f"mail {number}")))
    assert {mail["subject"] for mail in mails.details()} == {f"mail {n}" for n in range(50)}


def test_an_unknown_fault_is_refused():
    with pytest.raises(UnknownFaultError):
        Armoury().arm("rcpt_nonsense")
