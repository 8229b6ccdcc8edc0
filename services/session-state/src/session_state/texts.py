"""What the system says in a conversation, in the languages of the product."""

from typing import NamedTuple


class Words(NamedTuple):
    """One notice in every language."""

    zh: str
    en: str


# The key goes out as `notice`, so that clients may word it themselves.
NOTICES: dict[str, Words] = {
    "waiting": Words(
        "已为您转接人工客服，请稍候，我们会尽快回复您。",
        "We are connecting you to a colleague. Please hold on, someone will be with you shortly.",
    ),
    "waiting_nobody": Words(
        "已为您转接人工客服。目前客服都不在线，我们已邮件通知同事，会尽快回复您。",
        "We have asked for a colleague. Nobody is online right now, so we have alerted the team "
        "by e-mail and will reply as soon as possible.",
    ),
    "after_hours": Words(
        "现在是非工作时间，我们已收到您的请求并邮件通知客服，上班后会尽快联系您。"
        "您可以留下邮箱，也可以继续向智能助手提问。",
        "Our team is off duty right now. We have passed your request on by e-mail and will get "
        "back to you when we open. You can leave an e-mail address, and our assistant is still "
        "here for you.",
    ),
    "waited_too_long": Words(
        "抱歉让您久等了，目前客服繁忙，我们已邮件通知同事，会尽快联系您。"
        "在此期间您可以继续向智能助手提问。",
        "Sorry for the wait: all colleagues are busy. We have alerted the team by e-mail and will "
        "get back to you. Meanwhile our assistant is here for you.",
    ),
    "shift_ended": Words(
        "客服已下班，我们已邮件通知同事，上班后会尽快联系您。在此期间您可以继续向智能助手提问。",
        "Our team has just gone off duty. We have passed your request on by e-mail and will get "
        "back to you when we open. Meanwhile our assistant is here for you.",
    ),
    "reopened": Words(
        "客服已上班，正在为您转接，请稍候。",
        "Our team is back. We are connecting you to a colleague, please hold on.",
    ),
    "takeover": Words("客服 {agent} 已接入，为您服务。", "{agent} has joined the conversation."),
    "transfer": Words(
        "您的会话已转接给客服 {agent}。",
        "You have been transferred to {agent}.",
    ),
    "requeue": Words(
        "您的会话已回到等待队列，将由下一位客服尽快接入。",
        "You are back in the queue. The next colleague will be with you shortly.",
    ),
    "released": Words(
        "人工服务已结束，智能助手将继续为您服务。",
        "The conversation with our colleague has ended. Our assistant is here for you again.",
    ),
    "settled": Words(
        "您的请求已处理，智能助手将继续为您服务。",
        "Your request has been taken care of. Our assistant is here for you again.",
    ),
    "cancelled": Words(
        "已取消等待，智能助手将继续为您服务。",
        "You have left the queue. Our assistant is here for you again.",
    ),
    "closed": Words(
        "本次会话已结束，感谢您的咨询。如需帮助，请随时发送消息。",
        "This conversation has been closed. Thank you! Send a message any time to start again.",
    ),
    "abandoned": Words(
        "由于您已离开，等待已结束。如需帮助，请随时发送消息。",
        "You seem to have left, so we have ended the wait. Send a message any time to start again.",
    ),
    "lost": Words(
        "抱歉，回答中断了，请再问一次。",
        "Sorry, the answer was interrupted. Please ask again.",
    ),
}


def notice(key: str, language: str, *, agent: str = "") -> str:
    """The notice in the session's language: zh for any Chinese tag, else en."""
    words = NOTICES[key]
    text = words.zh if language.lower().startswith("zh") else words.en
    return text.replace("{agent}", agent)
