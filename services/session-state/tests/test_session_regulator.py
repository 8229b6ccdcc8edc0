"""When a conversation needs a person (REG-1), pure."""

import pytest
from session_state.regulator import DEFAULT_KEYWORDS, Regulator, Rules, fold

REGULATOR = Regulator(Rules(DEFAULT_KEYWORDS))


@pytest.mark.parametrize(
    "text",
    [
        "转人工",
        "请帮我转人工客服，谢谢",
        "我要投诉",
        "人工",
        "人工！",
        "I want a human",
        "i WANT a  human, now",
        "Can I talk to a person?",
        "human",
        "Agent please.",
        "Ｉ ｗａｎｔ ａ ｈｕｍａｎ",
        "Ich will mit einem Menschen sprechen",
        "je veux parler à un humain",
        "JE VEUX PARLER A UN HUMAIN",
        "quiero hablar con una persona",
        "vorrei parlare con un operatore",
        "ik wil met een medewerker praten",
        "chcę rozmawiać z konsultantem",
    ],
)
def test_asking_for_a_person_is_understood_in_every_language(text: str) -> None:
    rule = REGULATOR.before(text, vip=False, fired=())
    assert rule is not None
    assert rule.reason == "keyword"


@pytest.mark.parametrize(
    "text",
    [
        "人工智能是什么",
        "Is the saddle made for human bodies?",
        "I booked it through a travel agent",
        "the wanted humans",
        "unreal personality",
        "电池续航多少",
        "",
    ],
)
def test_other_words_call_nobody(text: str) -> None:
    assert REGULATOR.before(text, vip=False, fired=()) is None


def test_vip_comes_first_then_the_keyword_and_each_once() -> None:
    text = "human"
    assert REGULATOR.before(text, vip=True, fired=()).reason == "vip"  # type: ignore[union-attr]
    rule = REGULATOR.before(text, vip=True, fired=("vip",))
    assert rule is not None
    assert rule.reason == "keyword"
    assert REGULATOR.before(text, vip=True, fired=("vip", "keyword")) is None
    assert REGULATOR.asks_for_person(text) is not None


def test_the_vip_rule_can_be_switched_off() -> None:
    regulator = Regulator(Rules(DEFAULT_KEYWORDS, vip_auto_escalate=False))
    assert regulator.before("hello", vip=True, fired=()) is None


def test_owners_words_take_the_place_of_the_built_in_ones() -> None:
    regulator = Regulator(Rules({"en": ["manager", "=boss"]}, failure_phrases=["no idea"]))
    assert regulator.before("get me your manager", vip=False, fired=()) is not None
    assert regulator.before("boss", vip=False, fired=()) is not None
    assert regulator.before("my boss bought it", vip=False, fired=()) is None
    assert regulator.before("I want a human", vip=False, fired=()) is None
    assert regulator.is_failure("Sorry, I have no idea.")
    assert not regulator.is_failure("no ideals")


def test_nothing_configured_matches_nothing() -> None:
    regulator = Regulator(Rules({}, failure_phrases=[]))
    assert regulator.before("human", vip=False, fired=()) is None
    assert not regulator.is_failure("anything")


def test_folding_is_stable() -> None:
    for text in ("Straße", "ＦＵＬＬ", "é", "I’m", "ﬁ"):
        assert fold(fold(text)) == fold(text)
