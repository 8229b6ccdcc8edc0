"""The demo assistant: languages, topics, and what it remembers."""

import pytest

from dev.simulator.answers import answer, language_of, pieces


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Hello", "assistant"),
        ("How far can I ride on one charge?", "| Titan |"),
        ("How long does delivery take?", "working days"),
        ("Where is my order?", "order number"),
        ("I want a refund", "30 days"),
        ("Is there a warranty?", "2-year"),
        ("How do I charge it?", "5 to 7 hours"),
        ("I am 180 cm tall, which size?", "170–200 cm"),
        ("thanks!", "welcome"),
        ("what about quantum physics", "colleague can help"),
        ("你好", "智能客服"),
        ("电池续航多少公里", "100 公里"),
        ("几天能送货到德国", "个工作日"),
        ("我的订单在哪里", "订单号"),
        ("我要退货", "30 天"),
        ("保修多久", "2 年"),
        ("怎么充电", "5 到 7 小时"),
        ("身高175买哪个", "厘米"),
        ("谢谢你", "不客气"),
        ("量子力学", "人工客服"),
    ],
)
def test_each_topic_is_answered_in_the_language_of_the_question(question, told):
    said = answer(question, [])
    assert told in said.text
    assert language_of(said.text) == language_of(question)


def test_an_order_number_is_looked_up_in_the_language_of_the_talk():
    talk = [("user", "我的订单到哪里了"), ("assistant", "…")]
    assert "FD20261108" in answer("FD20261108", talk).text
    assert language_of(answer("FD20261108", talk).text) == "zh"
    assert "20261108" in answer("20261108", talk).text
    assert "20261108" not in answer("20261108", []).text


def test_a_question_goes_on_with_the_topic_before_unless_it_names_another():
    talk = [("user", "怎么退货"), ("assistant", "…")]
    assert "90 欧元" in answer("运费谁付？", talk).text
    talk = [("user", "I want to return it"), ("assistant", "…")]
    assert "working days" in answer("How long does delivery take?", talk).text
    assert "refund" not in answer("How long does delivery take?", talk).text


def test_follow_ups_never_repeat_the_question():
    asked = "And how far with two batteries?"
    said = answer(asked, [("user", "range?"), ("assistant", "…")])
    assert said.follow_ups
    assert asked not in said.follow_ups


@pytest.mark.parametrize("text", ["", "a", " 你好，世界 hi\n\n| a |\n", "x  y\u2028z 🚲🚲"])
def test_pieces_joined_are_the_text_again(text):
    assert "".join(pieces(text)) == text
