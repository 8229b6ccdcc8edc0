"""When a conversation needs a person: VIP, keywords, failures, in this order (REG-1).

Pure and made from settings once. Words match whole words in languages that have spaces, phrases
match anywhere; case, width and accents do not matter. A phrase that begins with `=` must be the
whole message.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from session_state.commands import Rule

# a word written without spaces around it can only be found as part of the text
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f]")
_SPACES = re.compile(r"\s+")
_AROUND = " \t\n.,;:!?。，；：！？~"

# language → phrases; the languages of the product (mission.md WID-6), a visitor may use any
DEFAULT_KEYWORDS: dict[str, tuple[str, ...]] = {
    "zh": (
        "转人工",
        "轉人工",
        "人工客服",
        "人工服务",
        "人工服務",
        "找人工",
        "要人工",
        "真人客服",
        "找客服",
        "联系客服",
        "聯繫客服",
        "转接客服",
        "投诉",
        "投訴",
        "=人工",
        "=客服",
        "=真人",
    ),
    "en": (
        "human agent",
        "real person",
        "real human",
        "live agent",
        "live chat",
        "speak to a human",
        "talk to a human",
        "speak to a person",
        "talk to a person",
        "speak with a human",
        "talk with a human",
        "speak to someone",
        "talk to someone",
        "want a human",
        "want a person",
        "need a human",
        "need a person",
        "customer service representative",
        "speak to an agent",
        "talk to an agent",
        "complaint",
        "=human",
        "=human please",
        "=person",
        "=agent",
        "=agent please",
        "=operator",
        "=representative",
    ),
    "de": ("mit einem menschen", "echter mensch", "menschlicher mitarbeiter", "beschwerde"),
    "fr": ("parler à un humain", "parler à une personne", "un conseiller", "réclamation"),
    "es": ("hablar con una persona", "hablar con un humano", "agente humano", "queja"),
    "it": ("parlare con una persona", "operatore umano", "parlare con un operatore", "reclamo"),
    "nl": ("met een mens", "met een medewerker", "echte persoon", "klacht"),
    "pl": ("z człowiekiem", "z konsultantem", "żywy człowiek", "reklamacja"),
}

# an answer that says it has none counts as a failure
DEFAULT_FAILURE_PHRASES: tuple[str, ...] = (
    "抱歉，我无法回答",
    "抱歉，我不清楚",
    "我不太明白您的问题",
    "无法理解您的问题",
    "i'm sorry, i can't answer",
    "i am unable to answer",
    "i don't understand your question",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner may configure."""

    keywords: Mapping[str, Sequence[str]]
    failure_phrases: Sequence[str] = DEFAULT_FAILURE_PHRASES
    vip_auto_escalate: bool = True


class Regulator:
    """Judges a question before the AI is asked, and an answer after it."""

    def __init__(self, rules: Rules) -> None:
        self._vip = rules.vip_auto_escalate
        self._keywords = _Phrases(word for words in rules.keywords.values() for word in words)
        self._failures = _Phrases(rules.failure_phrases)

    def before(self, question: str, *, vip: bool, fired: Sequence[str]) -> Rule | None:
        """The first rule that calls for a person, or None. Each fires once an episode."""
        if self._vip and vip and "vip" not in fired:
            return Rule("vip", "VIP")
        word = None if "keyword" in fired else self._keywords.find(question)
        return Rule("keyword", word) if word is not None else None

    def asks_for_person(self, question: str) -> Rule | None:
        """Whether the words ask for a person, fired before or not: out of hours a further request
        gets the notice again."""
        word = self._keywords.find(question)
        return Rule("keyword", word) if word is not None else None

    def is_failure(self, answer: str) -> bool:
        """Whether the answer says that it has none."""
        return self._failures.find(answer) is not None


class _Phrases:
    """Many phrases as one expression over folded text."""

    def __init__(self, phrases: Iterable[str]) -> None:
        folded = sorted({fold(p) for p in phrases if p.strip()}, key=len, reverse=True)
        self._whole = frozenset(p[1:] for p in folded if p.startswith("="))
        anywhere = _pattern([phrase for phrase in folded if not phrase.startswith("=")])
        self._find = re.compile(anywhere).search if anywhere else None

    def find(self, text: str) -> str | None:
        """The phrase that matched, folded."""
        folded = fold(text)
        match = self._find(folded) if self._find else None
        if match:
            return match.group(0)
        bare = folded.strip(_AROUND)
        return bare if bare in self._whole else None


def _pattern(phrases: Sequence[str]) -> str:
    """What stands free is one group: looked into only where a word begins, which is what keeps a
    long answer cheap."""
    free = [re.escape(phrase) for phrase in phrases if not _UNSPACED.search(phrase)]
    inside = [re.escape(phrase) for phrase in phrases if _UNSPACED.search(phrase)]
    groups = [rf"(?<!\w)(?:{'|'.join(free)})(?!\w)"] if free else []
    return "|".join([*groups, *inside])


def fold(text: str) -> str:
    """Lower case, compatible width, no accents, single spaces, straight apostrophes."""
    text = text.replace("\u2019", "'").casefold()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    return _SPACES.sub(" ", text)
