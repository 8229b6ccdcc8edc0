"""The loader as a shop's page gets it: with the shop's look in it, packed once, kept shortly."""

import gzip
import json

import brotli
import pytest

NAMES = ("/sdk/fiido-kefu.js", "/sdk.js", "/embed.js")
BERLIN = {
    "id": "berlin",
    "origins": ["https://b.example"],
    "languages": ["de", "zh"],
    "look": {"color": "#ff8800", "position": "left", "offset_y": 90, "z_index": 70},
    "texts": {
        "de": {"launcher": "Fragen?", "welcome": "Hallo"},
        "zh": {"launcher": "</script><!--\u2028客服"},
        "__proto__": {"launcher": "no language"},
    },
}
PLAIN = {"id": "plain"}
SHOPS = json.dumps([BERLIN, PLAIN])
SENT = {"Accept-Encoding": "identity"}


@pytest.fixture
async def shops_door(open_door, dist):
    async with open_door(web_dir=dist, shops=SHOPS) as door:
        yield door


async def loader(door, path, encoding="identity"):
    status, body, headers = await door.answer("GET", path, headers={"Accept-Encoding": encoding})
    assert status == 200, body
    return body, headers


def look_in(body: bytes) -> dict:
    hint, head, rest = body.split(b"\n", 2)
    # heeded on the first line only
    assert hint == b"//# allFunctionsCalledOnLoad"
    assert rest == b"loader()\n}"
    assert head.startswith(b"{const FIIDO_KEFU_SHOP=")
    return json.loads(head.removeprefix(b"{const FIIDO_KEFU_SHOP=").removesuffix(b";"))


@pytest.mark.parametrize("name", NAMES)
async def test_the_shops_look_stands_in_the_loader_under_each_of_its_names(shops_door, name):
    body, headers = await loader(shops_door, f"{name}?shop=berlin")
    assert look_in(body) == {
        "shop": "berlin",
        "color": "#ff8800",
        "position": "left",
        "offset": {"y": 90},
        "zIndex": 70,
        "languages": ["de", "zh"],
        "labels": {"de": "Fragen?", "zh": "</script><!--\u2028客服"},
    }
    assert headers["Content-Type"].startswith("text/javascript")
    assert "max-age=300" in headers["Cache-Control"]
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"


async def test_no_word_of_a_shop_can_leave_its_string(shops_door):
    body, _ = await loader(shops_door, "/sdk.js?shop=berlin")
    assert body.isascii()
    assert b"<" not in body


async def test_what_the_loader_does_by_itself_is_not_sent(shops_door):
    assert look_in((await loader(shops_door, "/sdk.js?shop=plain"))[0]) == {"shop": "plain"}


async def test_without_a_shop_it_is_the_built_file(shops_door):
    for path in ("/sdk.js", "/sdk.js?shop=", "/sdk.js?v=3"):
        assert (await loader(shops_door, path))[0] == b"loader()"


async def test_an_unknown_shops_loader_is_not_there(shops_door):
    status, body, headers = await shops_door.answer("GET", "/sdk.js?shop=nobody")
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
    assert "max-age" not in headers.get("Cache-Control", "")
    # other files know no shops
    assert (await shops_door.answer("GET", "/assets/app-a1b2c3.js?shop=nobody"))[0] == 200


@pytest.mark.parametrize(
    ("accept", "encoding", "unpack"),
    [
        ("gzip, deflate, br", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("identity", None, bytes),
    ],
)
async def test_it_is_packed_and_each_form_has_its_mark(shops_door, accept, encoding, unpack):
    path = "/sdk/fiido-kefu.js?shop=berlin"
    body, headers = await loader(shops_door, path, accept)
    assert headers.get("Content-Encoding") == encoding
    assert headers["Vary"] == "Accept-Encoding"
    assert look_in(unpack(body))["shop"] == "berlin"
    again = {"If-None-Match": headers["ETag"], "Accept-Encoding": accept}
    assert (await shops_door.answer("GET", path, headers=again))[0] == 304
    other = await loader(shops_door, "/sdk/fiido-kefu.js?shop=plain", accept)
    assert other[1]["ETag"] != headers["ETag"]


async def test_two_gateways_give_the_same_bytes_and_mark(open_door, dist):
    found = []
    for _ in range(2):
        async with open_door(web_dir=dist, shops=SHOPS) as door:
            body, headers = await loader(door, "/sdk.js?shop=berlin", "gzip")
            found.append((body, headers["ETag"]))
    assert found[0] == found[1]


async def test_it_is_made_once_and_anew_when_the_loader_was_built_anew(shops_door, dist):
    web = shops_door.wiring.web
    first = web.find("/sdk.js", "br", shop_id="berlin")
    assert web.find("/embed.js", "br", shop_id="berlin") is first
    (dist / "sdk/fiido-kefu.js").write_text("newer_loader()")
    body, _ = await loader(shops_door, "/sdk.js?shop=berlin")
    assert b"newer_loader()" in body


async def test_shops_that_nobody_configured_leave_nothing_behind(shops_door):
    for number in range(5):
        await shops_door.answer("GET", f"/sdk.js?shop=s{number}", headers=SENT)
    assert shops_door.wiring.web._kept == {}
