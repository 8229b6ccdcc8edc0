"""What letters say, and that nothing a visitor wrote becomes a header, markup or a link."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from common.contracts.common import is_email
from common.events import MailRequested
from common.events.mails import Line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notifier.errors import Undeliverable
from notifier.letters import Letter, Letters, Stationery, message_id, one_line
from notifier.settings import NotifierSettings
from notifier.transcript_words import TRANSCRIPTS
from pydantic import ValidationError

AT = datetime(2026, 11, 21, 2, 30, tzinfo=UTC).timestamp()
URL = "https://kefu.example"


def make_letters(**more: Any) -> Letters:
    values: dict[str, Any] = {
        "sender": "kefu@shop.example",
        "sender_name": "Fiido Kefu",
        "team": ("a@shop.example", "b@shop.example"),
        "domain": "shop.example",
        "language": "en",
        "public_url": URL,
        "zone": ZoneInfo("Europe/Berlin"),
        "stale_seconds": 900.0,
    }
    return Letters(Stationery(**{**values, **more}))


def request_of(**more: Any) -> MailRequested:
    values: dict[str, Any] = {
        "session_name": "session_a",
        "escalation_id": "5f" * 16,
        "cause": "after_hours",
        "at": AT,
        "reason": "keyword",
        "details": "talk to a person",
        "nickname": "Anna",
        "language": "de",
        "message": "Please call me back",
        "email": "anna@home.example",
        "lines": [
            Line(role="user", content="My battery is <b>warm</b>", timestamp=AT - 60),
            Line(role="assistant", content="Please unplug it.", timestamp=AT - 50),
        ],
    }
    return MailRequested(**{**values, **more})


def read(letter: Letter) -> EmailMessage:
    parsed = message_from_bytes(letter.raw(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_letter_says_who_when_why_and_where() -> None:
    letter = make_letters().compose(request_of(severity="high", vip=True), now=AT)
    message = read(letter)
    assert letter.recipients == ("a@shop.example", "b@shop.example")
    assert message["From"] == "Fiido Kefu <kefu@shop.example>"
    assert message["To"] == "a@shop.example, b@shop.example"
    assert message["Reply-To"] == "anna@home.example"
    assert message["Message-ID"] == f"<{'5f' * 16}.escalation.0@shop.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Importance"] == "high"
    assert message["Subject"] == (
        "[Fiido support] URGENT · A visitor asked for a person out of hours · Anna"
    )
    for body in (part(message, "plain"), part(message, "html")):
        for fact in (
            "Anna (VIP)",
            "2026-11-21 03:30 (Europe/Berlin)",
            "the visitor asked for a person",
            "Please call me back",
            "Please unplug it.",
            f"{URL}/agent/sessions/session_a",
            "unverified",
        ):
            assert fact in body
    assert "My battery is <b>warm</b>" in part(message, "plain")
    assert "My battery is &lt;b&gt;warm&lt;/b&gt;" in part(message, "html")


def test_the_team_reads_its_own_language() -> None:
    message = read(make_letters(language="zh").compose(request_of(), now=AT))
    assert message["Subject"] == "[Fiido 客服] 非工作时间有访客请求人工服务 · Anna"
    assert "在工作台中打开会话" in part(message, "plain")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "cause",
    ["after_hours", "nobody_online", "waiting_too_long", "shift_ended", "safety", "follow_up"],
)
@pytest.mark.parametrize("reason", ["keyword", "fail_loop", "sentiment", "vip", "manual", "new"])
def test_every_cause_and_reason_has_words(language: str, cause: str, reason: str) -> None:
    request = request_of(cause=cause, reason=reason, lines=[], message=None, email=None)
    message = read(make_letters(language=language).compose(request, now=AT))
    assert "Reply-To" not in message
    assert part(message, "plain").strip()
    assert part(message, "html").strip()


def test_the_first_line_of_a_stale_letter_gives_the_time() -> None:
    late = part(read(make_letters().compose(request_of(), now=AT + 7200)), "plain")
    assert late.splitlines()[0] == (
        "Late notice: this happened at 2026-11-21 03:30 (Europe/Berlin);"
        " the mail could not be sent in time."
    )
    fresh = part(read(make_letters().compose(request_of(), now=AT + 60)), "plain")
    assert fresh.splitlines()[0] == "A visitor asked for a person out of hours"


def test_a_transcript_goes_to_the_visitor_in_their_language() -> None:
    request = request_of(
        kind="transcript", cause="transcript", language="zh-CN", email="li@x.example"
    )
    letter = make_letters().compose(request, now=AT)
    message = read(letter)
    assert letter.recipients == ("li@x.example",)
    assert message["To"] == "li@x.example"
    assert message["Subject"] == "Fiido 客服 · 您的聊天记录"
    assert "Reply-To" not in message
    assert "/agent/" not in part(message, "plain") + part(message, "html")


@pytest.mark.parametrize(
    ("language", "zone", "who", "at"),
    [
        ("de", "America/New_York", "Sie · 2026-11-20 21:29", "Zeitzone America/New_York"),
        ("pl-PL", "Asia/Tokyo", "Ty · 2026-11-21 11:29", "strefie Asia/Tokyo"),
        # a zone that is none: the shop's own, and it is named
        ("en", "../../etc/passwd", "You · 2026-11-21 03:29", "All times are Europe/Berlin time."),
        ("xx", "", "You · 2026-11-21 03:29", "All times are Europe/Berlin time."),
    ],
)
def test_a_transcript_is_told_by_the_visitors_clock_in_their_words(
    language: str, zone: str, who: str, at: str
) -> None:
    request = request_of(kind="transcript", language=language, timezone=zone)
    message = read(make_letters().compose(request, now=AT))
    for kind in ("plain", "html"):
        assert who in part(message, kind)
        assert at in part(message, kind)


def test_letters_name_the_colleague_who_spoke_and_say_where_they_begin_late() -> None:
    line = Line(role="agent", content="Hello", timestamp=AT, name="Ann\nKeller")
    for kind in ("escalation", "transcript"):
        letter = make_letters().compose(request_of(kind=kind, lines=[line], is_cut=True), now=AT)
        assert "Ann Keller · 2026-11-21 03:30" in part(read(letter), "plain")
    german = request_of(kind="transcript", language="de", lines=[line], is_cut=True)
    assert "Frühere Nachrichten" in part(read(make_letters().compose(german, now=AT)), "html")


def test_transcripts_have_all_words_in_all_languages_of_the_chat_window() -> None:
    folder = Path(__file__).parents[3] / "web/widget/src/locales"
    assert {path.stem for path in folder.glob("*.json")} == set(TRANSCRIPTS)
    for words in TRANSCRIPTS.values():
        assert all(words)
        assert "{zone}" in words.zone


@pytest.mark.parametrize("email", [None, "", "x", "a@b@c", "a b@x.example", "a@x.example, b@y"])
def test_a_transcript_to_no_address_is_undeliverable(email: str | None) -> None:
    with pytest.raises(Undeliverable):
        make_letters().compose(request_of(kind="transcript", email=email), now=AT)


def test_long_conversations_are_cut_and_say_so() -> None:
    lines = [Line(role="user", content=f"line {n} " + "x" * 9000, timestamp=AT) for n in range(80)]
    text = part(read(make_letters().compose(request_of(lines=lines), now=AT)), "plain")
    assert "(earlier messages are not shown)" in text
    assert "line 29 " not in text
    assert "line 79 " in text
    assert len(text) < 250_000


def test_the_same_request_is_the_same_letter() -> None:
    one = make_letters().compose(request_of(), now=AT).message["Message-ID"]
    other = make_letters().compose(request_of(), now=AT + 99).message["Message-ID"]
    assert one == other
    ids = {
        message_id(e, k, n, domain="x.example")
        for e in ("a", "b", "a.escalation", "<evil>\r\nBcc: x")
        for k in ("escalation", "follow_up", "transcript")
        for n in (0, 1)
    }
    assert len(ids) == 24
    assert not any(c in "".join(ids) for c in "\r\n ")


def test_long_identifiers_stay_whole() -> None:
    domain = "a-rather-long-subdomain.of-a-long-company-name.example"
    letter = make_letters(domain=domain).compose(request_of(), now=AT)
    assert read(letter)["Message-ID"] == f"<{'5f' * 16}.escalation.0@{domain}>"
    assert f"<{'5f' * 16}.escalation.0@{domain}>".encode() in letter.raw()


# --- S11 ---------------------------------------------------------------------------------------
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
}
ATTACKS = [
    "x\r\nBcc: evil@evil.example",
    "x\nSubject: gotcha",
    "x\rBcc: evil@evil.example\r\n\r\n<html>",
    "=?utf-8?q?x=0D=0ABcc:_evil@evil.example?=",
    "=?utf-8?b?eA0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ==?=",
    "=?utf-8?q?x?= =?utf-8?q?=0D=0ABcc:_e@e.example?=",
    "a\u2028Bcc: e@e.example\u2029b\x85c\x0b\x0cd\x00e",
    "\u202egnp.exe\u202c \u200bhidden\ufeff",
    "\ud800\udfff lone",
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(1)>",
    "</title></style></textarea><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}{{ t }}",
    "&lt;script&gt;&#60;script&#62;",
    "' onmouseover='alert(1)",
    "a" * 5000,
    "🚲" * 300,
    "电" * 400,
    "=?" * 200,
    "x" + " " * 998 + "y",
    "end\r\n.\r\nMAIL FROM:<evil@evil.example>",
]
PIECES = ["\r\n", "\n", "=?", "?=", "utf-8?q?", "=0A", ":", "<", ">", "é", " ", "\t", "\u2028"]
PIECES += ["Bcc", "@", '"', ",", ";", "\\", "(", "[", "=", "?b?", "DQo="]
TEXTS = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(st.characters(codec=None), max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
)


class Markup(HTMLParser):
    """Which tags, links and handlers a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [n if n != "href" else f"href={v}" for n, v in attrs]
        self.seen.append(f"{tag} {sorted(names)}")


def markup(html: str) -> list[str]:
    parser = Markup()
    parser.feed(html)
    return parser.seen


def everywhere(text: str, kind: str) -> MailRequested:
    """The string in every field a visitor can reach, and in those they can't."""
    return request_of(
        session_name=text,
        escalation_id=text,
        kind=kind,
        reason=text,
        details=text,
        language=text,
        nickname=text,
        message=text,
        email="anna@home.example" if kind == "transcript" else text,
        lines=[Line(role="user", content=text, timestamp=AT, name=text)],
        timezone=text,
    )


def check_no_injection(text: str, kind: str) -> None:
    letters = make_letters()
    harmless = letters.compose(everywhere("harmless", kind), now=AT)
    letter = letters.compose(everywhere(text, kind), now=AT)
    raw = letter.raw()
    head = raw.split(b"\r\n\r\n", 1)[0]
    # every line of the head is a header of ours or the fold of one
    lines = head.split(b"\r\n")
    names = {line.split(b":")[0].decode() for line in lines if line[:1] not in b" \t"}
    allowed = HEADERS | {"Reply-To", "In-Reply-To", "References"}
    assert names <= allowed
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert all(byte < 128 for byte in head)
    message = read(letter)
    assert all("\n" not in str(v) and "\r" not in str(v) for v in message.values())
    assert message["To"] == harmless.message["To"]
    assert str(message["From"]) == str(harmless.message["From"])
    assert len(message.get_all("Subject")) == 1
    if kind != "transcript" and "Reply-To" in message:
        assert is_email(text)
        assert message["Reply-To"] == text
    page = [m for m in markup(part(message, "html")) if "href" not in m]
    plain = [m for m in markup(part(read(harmless), "html")) if "href" not in m]
    # fields that are empty are left out; nothing else may change
    assert set(page) <= set(plain)
    links = [m for m in markup(part(message, "html")) if "href" in m]
    assert all(f"href={URL}/agent/sessions/" in link for link in links)
    assert len(links) == (0 if kind == "transcript" else 1)


@pytest.mark.parametrize("kind", ["escalation", "follow_up", "transcript"])
@pytest.mark.parametrize("text", ATTACKS)
def test_known_attacks_inject_nothing(text: str, kind: str) -> None:
    check_no_injection(text, kind)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, kind=st.sampled_from(["escalation", "follow_up", "transcript"]))
def test_no_string_injects_anything(text: str, kind: str) -> None:
    check_no_injection(text, kind)


@pytest.mark.reliability
@pytest.mark.timeout(1800)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=TEXTS, kind=st.sampled_from(["escalation", "follow_up", "transcript"]))
def test_ten_thousand_strings_inject_nothing(text: str, kind: str) -> None:
    """S11 in full."""
    check_no_injection(text, kind)


def test_without_the_guard_an_encoded_word_would_become_a_line_break() -> None:
    """The canary: this is what `one_line` is for."""
    attack = "=?utf-8?q?x=0D=0ABcc:_evil@evil.example?="
    bare = EmailMessage(policy=policy.SMTP)
    bare["Subject"] = attack
    assert "\n" in str(bare["Subject"]) or "\r" in str(bare["Subject"])
    guarded = EmailMessage(policy=policy.SMTP)
    guarded["Subject"] = one_line(attack, 200)
    assert "\n" not in str(guarded["Subject"])


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"smtp_host": ""}, "smtp_host"),
        ({"smtp_username": "me"}, "SMTP_PASSWORD"),
        ({"smtp_password": "secret-of-the-provider"}, "SMTP_USERNAME"),
        ({"mail_from": "not an address"}, "MAIL_FROM"),
        ({"mail_to": ""}, "MAIL_TO"),
        ({"mail_to": "a@x.example, nonsense"}, "MAIL_TO"),
        ({"mail_retry_seconds": "5,soon"}, "MAIL_RETRY_SECONDS"),
        ({"timezone": "Mars/Olympus"}, "TIMEZONE"),
        ({"public_url": "ftp://x"}, "public_url"),
        ({"smtp_ca_file": "/nowhere/ca.pem"}, "SMTP_CA_FILE"),
        ({"smtp_tls": "maybe"}, "smtp_tls"),
    ],
)
def test_half_settings_are_refused_by_name(
    notifier_settings: Any, values: dict[str, Any], name: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        notifier_settings(**values)
    assert name in str(caught.value)
    assert "secret-of-the-provider" not in str(caught.value)


@pytest.mark.parametrize("missing", ["smtp_host", "mail_from", "mail_to"])
def test_missing_settings_are_refused_by_name(notifier_settings: Any, missing: str) -> None:
    given = notifier_settings().model_dump()
    del given[missing]
    with pytest.raises(ValidationError, match=missing):
        NotifierSettings(**given)


def test_a_providers_short_password_is_good_enough_in_production(notifier_settings: Any) -> None:
    settings = notifier_settings(
        app_env="production",
        internal_secret="Zq8vT1mXr5Kp2Lw9Yc3Nb7Hd4Gf6Js0Ae",
        smtp_username="me",
        smtp_password="abcdwxyz",
    )
    assert settings.port_of_server == settings.smtp_port
