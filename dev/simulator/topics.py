"""What the demo shop's assistant knows: one entry a topic, in Chinese and English.

Figures are those of a made-up demo range; they only have to read like a shop's.
"""
# ruff: noqa: E501 - texts read better unbroken

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """The same said in both languages."""

    zh: str
    en: str

    def to(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class More:
    """What to say when the visitor asks on within a topic."""

    pattern: str
    answer: Text


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject: how it is recognised, what is said first, what is said when asked on."""

    name: str
    pattern: str
    answer: Text
    follow_ups: tuple[Text, ...] = ()
    more: tuple[More, ...] = ()


RANGE = Topic(
    name="range",
    pattern=r"\brange\b|how far|\bmileage\b|kilomet|续航|能跑|跑多远|里程|骑多远",
    answer=Text(
        zh="满电续航取决于助力档位和路况，常见车型大致如下：\n\n"
        "| 车型 | 电池 | 续航（低档助力） |\n| --- | --- | --- |\n"
        "| D11 | 11.6 Ah | 约 100 公里 |\n| C11 Pro | 10.4 Ah | 约 80 公里 |\n"
        "| Titan | 19.2 Ah | 约 160 公里 |\n\n"
        "上坡多、逆风或气温低于 5 ℃ 时，请按 **七折** 估算。",
        en="Range depends on the assist level and the road. On one full charge:\n\n"
        "| Model | Battery | Range (low assist) |\n| --- | --- | --- |\n"
        "| D11 | 11.6 Ah | about 100 km |\n| C11 Pro | 10.4 Ah | about 80 km |\n"
        "| Titan | 19.2 Ah | about 160 km |\n\n"
        "With hills, headwind or below 5 °C, count on roughly **70 %** of that.",
    ),
    follow_ups=(
        Text(zh="装两块电池能跑多远？", en="And how far with two batteries?"),
        Text(zh="充满电需要多久？", en="How long does a full charge take?"),
        Text(zh="冬天续航会变短吗？", en="Does the range drop in winter?"),
    ),
    more=(
        More(
            pattern=r"two batter|second batter|dual|both batter|spare batter|两块|双电池|两个电池|备用电池",
            answer=Text(
                zh="装上 **两块电池** 后续航几乎翻倍：Titan 从约 160 公里增加到约 **300 公里**，"
                "D11 带一块备用电池约 200 公里。第二块电池重约 2.8 公斤，可单独购买。",
                en="With **two batteries** you go almost twice as far: the Titan from about 160 km to "
                "about **300 km**, the D11 with a spare battery about 200 km. The second battery "
                "weighs 2.8 kg and is sold separately.",
            ),
        ),
        More(
            pattern=r"winter|cold|snow|冬天|低温|天冷|下雪",
            answer=Text(
                zh="冬天会缩短：0 ℃ 左右大约剩 **70%**。建议把电池放在室内，出门前再装上。",
                en="Yes: around 0 °C expect about **70 %** of the range. Keep the battery indoors and "
                "fit it just before you ride.",
            ),
        ),
        More(
            pattern=r"\bhill|uphill|mountain|\bload\b|heavy|上坡|爬坡|山路|载重",
            answer=Text(
                zh="连续爬坡时续航大约减半：D11 约 50 公里，Titan 约 80 公里。",
                en="On long climbs count on about half: some 50 km with the D11, 80 km with the Titan.",
            ),
        ),
    ),
)

CHARGING = Topic(
    name="charging",
    pattern=r"charg|充电|充满|充不进",
    answer=Text(
        zh="用随车充电器充满大约需要 **5 到 7 小时**（D11 约 5 小时，Titan 约 7 小时）。\n\n"
        "1. 请在 0 – 40 ℃ 的干燥室内充电\n2. 只用原装充电器\n3. 长期不骑时保持 50% – 70% 电量",
        en="A full charge takes **5 to 7 hours** with the supplied charger (D11 about 5, Titan "
        "about 7).\n\n1. Charge indoors, dry, between 0 and 40 °C\n2. Use the original charger only\n"
        "3. Store the bike at 50–70 % when you don't ride for long",
    ),
    follow_ups=(
        Text(zh="满电能跑多远？", en="What is the range on a full charge?"),
        Text(zh="电池可以拆下来充吗？", en="Can I take the battery out to charge it?"),
    ),
    more=(
        More(
            pattern=r"remov|take .*out|detach|拆|取下",
            answer=Text(
                zh="可以，电池带锁，拧开钥匙即可取下，在屋里单独充电。",
                en="Yes. The battery is locked with a key: turn it, lift the battery out, charge it "
                "indoors.",
            ),
        ),
        More(
            pattern=r"fast|quick|快充",
            answer=Text(
                zh="4 A 快充可把 Titan 的时间缩短到约 **5 小时**，在配件页面单独购买。",
                en="The 4 A fast charger cuts the Titan to about **5 hours**; you find it under "
                "accessories.",
            ),
        ),
    ),
)

DELIVERY = Topic(
    name="delivery",
    pattern=r"deliver|shipping|\bship\b|shipped|arrive|物流|配送|发货|多久到|几天到|运费|快递|送货",
    answer=Text(
        zh="欧盟与英国仓库有现货时，付款后 **1–2 个工作日发货**，到货时间：\n\n"
        "- 德国、荷兰、波兰：3–5 个工作日\n- 法国、西班牙、意大利：4–7 个工作日\n- 英国：3–5 个工作日\n\n"
        "整车 **包邮**，发货后您会收到带单号的邮件。",
        en="From our EU and UK warehouses we ship **1–2 working days** after payment:\n\n"
        "- Germany, Netherlands, Poland: 3–5 working days\n- France, Spain, Italy: 4–7 working days\n"
        "- United Kingdom: 3–5 working days\n\nBikes ship **free of charge**, and you get an e-mail "
        "with the tracking number.",
    ),
    follow_ups=(
        Text(zh="我的订单到哪里了？", en="Where is my order?"),
        Text(zh="需要另付关税吗？", en="Do I pay customs duty?"),
        Text(zh="到货后需要自己组装吗？", en="Do I have to assemble it?"),
    ),
    more=(
        More(
            pattern=r"custom|duty|dutie|\btax|vat|关税|税",
            answer=Text(
                zh="欧盟和英国订单的价格已含税，**不需要另付关税**。瑞士和挪威由当地海关收取。",
                en="Prices for the EU and the UK include VAT and duty: **nothing to pay on delivery**. "
                "Switzerland and Norway collect their own.",
            ),
        ),
        More(
            pattern=r"assembl|tools|组装|安装",
            answer=Text(
                zh="到货时已组装 **90%**，装上车把、脚踏和座椅即可，约 20 分钟，工具随车附送。",
                en="It arrives **90 % assembled**: fit handlebar, pedals and saddle, some 20 minutes, "
                "tools included.",
            ),
        ),
    ),
)

ORDER = Topic(
    name="order",
    pattern=r"\borders?\b|tracking|订单|单号|查一下|下单",
    answer=Text(
        zh="我来帮您查。请把 **订单号** 发给我（确认邮件里以 `FD` 开头的编号，例如 `FD20261108`）。",
        en="Happy to look it up. Please send me your **order number** (it starts with `FD`, for "
        "example `FD20261108`, and is in your confirmation e-mail).",
    ),
    follow_ups=(
        Text(zh="发货后几天能到？", en="How long does delivery take?"),
        Text(zh="可以修改收货地址吗？", en="Can I change the delivery address?"),
        Text(zh="怎么取消订单？", en="How do I cancel my order?"),
    ),
    more=(
        More(
            pattern=r"address|地址",
            answer=Text(
                zh="发货前可以修改：请把订单号和新地址发给我，同事会在一个工作日内确认。",
                en="Until it ships, yes: send me the order number and the new address, and a colleague "
                "confirms within one working day.",
            ),
        ),
        More(
            pattern=r"cancel|取消",
            answer=Text(
                zh="发货前可免费取消，款项 3–5 个工作日原路退回；发货后请按退货处理。",
                en="Before it ships you can cancel free of charge, the money is back in 3–5 working "
                "days; after that it is a return.",
            ),
        ),
    ),
)

RETURNS = Topic(
    name="returns",
    pattern=r"\breturn|refund|money back|send .*back|exchange|退货|退款|换货|退换|退回|运费谁付",
    answer=Text(
        zh="收货后 **30 天内** 可以退货：\n\n1. 告诉我订单号和原因\n2. 我们把退货单发到您的邮箱\n"
        "3. 车况完好、骑行不超过 10 公里，收到后 **5 个工作日** 内退款",
        en="You can return it within **30 days** of delivery:\n\n1. Tell me the order number and the "
        "reason\n2. We e-mail you a return label\n3. Undamaged and ridden under 10 km, you get your "
        "money back **5 working days** after it reached us",
    ),
    follow_ups=(
        Text(zh="退货运费谁付？", en="Who pays for the return?"),
        Text(zh="退款多久到账？", en="How long does the refund take?"),
        Text(zh="保修期有多长？", en="How long is the warranty?"),
    ),
    more=(
        More(
            pattern=r"who pays|\bcost|\bfee|\bpay\b|运费|谁付|费用",
            answer=Text(
                zh="质量问题由我们承担运费；个人原因退整车收取 **90 欧元** 运费，从退款中扣除。",
                en="If the bike is faulty, we pay. Otherwise returning a bike costs **€90**, taken off "
                "the refund.",
            ),
        ),
        More(
            pattern=r"how long|when|多久|几天",
            answer=Text(
                zh="仓库验收后 **5 个工作日** 内原路退回，信用卡可能再晚 2–3 天显示。",
                en="Within **5 working days** after the warehouse checked it; card statements may show "
                "it 2–3 days later.",
            ),
        ),
    ),
)

WARRANTY = Topic(
    name="warranty",
    pattern=r"warrant|guarantee|repair|broken|defect|保修|质保|维修|坏了|故障",
    answer=Text(
        zh="整车 **2 年保修**，电池 2 年或 500 次循环。轮胎、刹车片等易损件不在保修范围内。\n\n"
        "请描述问题并附上照片或视频，我们通常会先寄出配件和更换视频。",
        en="The bike has a **2-year warranty**, the battery 2 years or 500 cycles. Wear parts such as "
        "tyres and brake pads are not covered.\n\nDescribe the problem and attach a photo or video: "
        "usually we send the part with a video that shows how to fit it.",
    ),
    follow_ups=(
        Text(zh="保修需要哪些凭证？", en="What proof do I need?"),
        Text(zh="怎么退货？", en="How do I return it?"),
    ),
    more=(
        More(
            pattern=r"proof|receipt|need|invoice|凭证|发票|需要",
            answer=Text(
                zh="只要订单号和车架号（座管下方的贴纸）即可。",
                en="Just the order number and the frame number (the sticker below the seat tube).",
            ),
        ),
    ),
)

SIZES = Topic(
    name="sizes",
    pattern=r"\bsize|\btall\b|height|\bcm\b|inseam|尺寸|身高|多高|坐高|适合.*高",
    answer=Text(
        zh="按身高选择：\n\n- **150–175 厘米**：L3、D3 Pro\n- **155–190 厘米**：D11、C11\n"
        "- **170–200 厘米**：Titan、C11 Pro\n\n座高可调，最大承重 120 公斤（Titan 200 公斤）。",
        en="By body height:\n\n- **150–175 cm**: L3, D3 Pro\n- **155–190 cm**: D11, C11\n"
        "- **170–200 cm**: Titan, C11 Pro\n\nThe saddle adjusts; maximum load 120 kg (Titan 200 kg).",
    ),
    follow_ups=(
        Text(zh="这些车能折叠吗？", en="Do they fold?"),
        Text(zh="续航有多远？", en="What is the range?"),
    ),
    more=(
        More(
            pattern=r"\bfold|折叠",
            answer=Text(
                zh="D11、L3 和 D3 Pro 可以折叠，D11 折叠后 84 × 40 × 62 厘米，重 17.5 公斤。",
                en="D11, L3 and D3 Pro fold. Folded, the D11 is 84 × 40 × 62 cm and weighs 17.5 kg.",
            ),
        ),
    ),
)

THANKS = Topic(
    name="thanks",
    pattern=r"\bthanks?\b|thank you|\bthx\b|谢谢|感谢|多谢",
    answer=Text(
        zh="不客气！祝您骑行愉快 🚲 还有问题随时找我。",
        en="You're welcome! Enjoy the ride 🚲 and just ask if anything else comes up.",
    ),
)

GREETING = Topic(
    name="greeting",
    pattern=r"^\W*(?:(?:hi|hello|hey|good (?:morning|afternoon|evening))\b|你好|您好|嗨|早上好|下午好|晚上好|在吗)",
    answer=Text(
        zh="您好！我是 Fiido 的智能客服 👋 可以帮您查询 **订单**、**配送**、**续航**、**退换货** 和 **保修**。请问有什么可以帮您？",
        en="Hello! I'm Fiido's assistant 👋 I can help with **orders**, **delivery**, **battery range**, "
        "**returns** and **warranty**. What can I do for you?",
    ),
    follow_ups=(
        Text(zh="电池续航有多远？", en="What is the battery range?"),
        Text(zh="我的订单到哪里了？", en="Where is my order?"),
        Text(zh="怎么退货？", en="How do I return a bike?"),
    ),
)

UNSURE = Topic(
    name="unsure",
    pattern=r"(?!)",
    answer=Text(
        zh="这个问题我不太确定，不想给您错误的信息。您可以换个说法再问一次，或者请 **人工客服** 同事来帮您。",
        en="I'm not sure about that and don't want to tell you something wrong. You could put it "
        "another way, or **a colleague can help** you.",
    ),
    follow_ups=(
        Text(zh="请转人工客服", en="I'd like to talk to a person"),
        Text(zh="电池续航有多远？", en="What is the battery range?"),
    ),
)

# Order of recognition: what is more exact comes first.
TOPICS: tuple[Topic, ...] = (
    RETURNS,
    WARRANTY,
    RANGE,
    CHARGING,
    DELIVERY,
    ORDER,
    SIZES,
    THANKS,
    GREETING,
)
