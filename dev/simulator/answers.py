"""What the demo assistant answers: topic and language recognised, turns before remembered."""

import re
from dataclasses import dataclass

from dev.simulator.topics import ORDER, TOPICS, UNSURE, Text, Topic

CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
LETTERS = re.compile(r"[A-Za-zÀ-ÿ]")
ORDER_NUMBER = re.compile(r"\b(?:FD[\s-]?)?\d{5,12}\b", re.IGNORECASE)
NAME_TOLD = re.compile(
    r"(?:my name is|i am called|我叫|我的名字是)\s*([A-Za-zÀ-ÿ\u3400-\u9fff]{1,20})", re.IGNORECASE
)
NAME_ASKED = re.compile(r"what(?:'s| is) my name|who am i|我叫什么|我是谁", re.IGNORECASE)
# A piece is what a model's token looks like: a word with its blank, or two Chinese characters.
PIECE = re.compile(r"[\u3400-\u9fff]{1,2}|[^\s\u3400-\u9fff]+\s*|\s+")

ORDER_FOUND = Text(
    zh="查到了，订单 **{number}** 已于昨天从波兰仓库发出，"
    "预计 **3 个工作日** 内送达。物流单号已发到您的邮箱。",
    en="Found it: order **{number}** left our Polish warehouse yesterday and should arrive within "
    "**3 working days**. The tracking number is in your e-mail.",
)
NAME_GREETED = Text(
    zh="很高兴认识您，{name}！请问有什么可以帮您？",
    en="Nice to meet you, {name}! What can I do for you?",
)
NAME_KNOWN = Text(zh="您刚才说您叫 {name}。", en="You told me your name is {name}.")
NAME_UNKNOWN = Text(zh="您还没有告诉我您的名字。", en="You haven't told me your name yet.")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer with its suggested questions."""

    text: str
    follow_ups: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    """The deltas it is sent in; empty: cut as a model would."""

    @property
    def deltas(self) -> tuple[str, ...]:
        return self.cut or tuple(pieces(self.text))


def language_of(text: str) -> str:
    """`zh` as soon as Chinese outweighs a tenth of the letters, else `en`."""
    chinese = len(CJK.findall(text))
    return "zh" if chinese and chinese * 10 >= len(LETTERS.findall(text)) else "en"


def answer(text: str, turns: list[tuple[str, str]]) -> Answer:
    """The answer to `text` after `turns`, the (role, text) of this conversation so far."""
    asked = [said for role, said in turns if role == "user"]
    # An order number alone has no language: it is answered in that of the question before.
    language = language_of(asked[-1] if asked and ORDER_NUMBER.fullmatch(text.strip()) else text)
    own = _about_name(text, asked, language) or _about_order(text, asked, language)
    if own is not None:
        return own
    previous = _last_topic(asked)
    if previous is not None and (further := _further(text, previous, language)):
        return further
    topic = topic_of(text) or UNSURE
    return _from(topic, topic.answer, language, text)


def topic_of(text: str) -> Topic | None:
    """The topic a question is about by its own words."""
    return next((topic for topic in TOPICS if re.search(topic.pattern, text, re.IGNORECASE)), None)


def pieces(text: str) -> list[str]:
    """The text cut as a model would send it; joined it is the text again."""
    return PIECE.findall(text)


def _about_name(text: str, asked: list[str], language: str) -> Answer | None:
    if NAME_ASKED.search(text):
        told = next((m[1] for said in reversed(asked) if (m := NAME_TOLD.search(said))), None)
        reply = NAME_KNOWN if told else NAME_UNKNOWN
        return Answer(reply.to(language).format(name=told))
    if named := NAME_TOLD.search(text):
        return Answer(NAME_GREETED.to(language).format(name=named[1]))
    return None


def _about_order(text: str, asked: list[str], language: str) -> Answer | None:
    number = ORDER_NUMBER.search(text)
    if number is None:
        return None
    previous = _last_topic(asked)
    if not (topic_of(text) is ORDER or previous is ORDER or number[0][:2].upper() == "FD"):
        return None
    found = ORDER_FOUND.to(language).format(number=number[0].strip())
    return Answer(found, tuple(more.to(language) for more in ORDER.follow_ups[:2]))


def _last_topic(asked: list[str]) -> Topic | None:
    """The topic under discussion: the newest question that names one."""
    return next((t for said in reversed(asked) if (t := topic_of(said)) and t.more), None)


def _further(text: str, topic: Topic, language: str) -> Answer | None:
    """The answer within the topic under discussion, where the question goes on with it."""
    if topic_of(text) not in (None, topic):
        return None
    for more in topic.more:
        if re.search(more.pattern, text, re.IGNORECASE):
            return _from(topic, more.answer, language, text)
    return None


def _from(topic: Topic, said: Text, language: str, asked: str) -> Answer:
    questions = (question.to(language) for question in topic.follow_ups)
    return Answer(said.to(language), tuple(question for question in questions if question != asked))
