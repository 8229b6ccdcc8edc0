"""R21: every script runs on three masters, on keys that come from outside and share one slot."""

import asyncio
import re

import pytest
from common.redis import Keys, RedisClient, Refused, load_script
from common.redis.scripts import ALLOW_OOM, script_names, script_of
from common.testing.server import cluster_url, three_masters

K = Keys()
EVENT = ["id", "e1", "type", "x", "data", "{}"]
ACCOUNT = (
    '{"agent":"a1","commit":"c1","version":0,"now":1.0,"fields":["active","1"],'
    '"events":[["id","e1","type","agent.changed","data","{}"]],"take_name":"amy","admin":true,'
    '"seen":1,"device":"d","family":{"id":"f1","ends":9,"ttl":9,"hash":"h","limit":5}}'
)
COMMIT = ["c:1", 0, 1, 0, 1, 0, 1, "s", "sid", "sid8", "manual_live", 1, 1, "{}", "", "5", "", "1"]
COMMIT += ["{}", "", "{}", 1, 1, 2, 1, 2, 1, 1]
COMMIT += ["1-0", "c1-1", "message.added", 1, "message_added", "va", '{"seq":1}', 1]
COMMIT += ["c1-2", "session.created", 1, "{}", "m:m1", "1", "{}", 9, "expire:s", "lease:s", "n", 1]
SESSION = [K.session("s"), K.log("s"), K.ids("s"), K.trail("s"), K.bus()]

# script → a call of it that goes through to the end
CALLS = {
    "auth_commit": (
        [
            *(K.agent("a1"), K.usernames(), K.admins(), K.families("a1"), K.family("f1")),
            *(K.agent_seen(), K.families("d"), K.bus()),
        ],
        [ACCOUNT],
    ),
    "auth_refresh": (
        [K.agent("a1"), K.families("a1"), K.family("f1"), K.bus()],
        [1, "f1", "h", 1, "h2", 10, 60, "[]"],
    ),
    "auth_seen": ([K.agent_seen()], [1, "a1", "a2"]),
    "auth_throttle": (
        [
            *(K.login_failures(kind, "a") for kind in ("pair", "address", "account")),
            *(K.families("d"), K.login_failures("device", "a")),
        ],
        [1, "try", "", 60, 5, 10, 3, 1],
    ),
    "bus_publish": ([K.bus(), K.published("e1")], [60, *EVENT]),
    "bus_trim": ([K.bus()], ["1-0"]),
    "gateway_admit": (
        [K.rate("chat", "s"), K.rate("ip", "i"), K.chats("s")],
        ["c", 2, 5, 1000, 9, 1000, 3, 1000],
    ),
    "gateway_lease": ([K.streams("s")], ["st", 3, 1000]),
    "gateway_renew": ([K.streams("s"), K.streams("t")], [1000, 3, "a", "b"]),
    "notifier_accept": ([K.letter("m"), K.letters_due()], ["m", 1, "{}", 60]),
    "notifier_claim": ([K.letter("m"), K.letters_due()], ["m", 5, "claim", 9]),
    "notifier_settle": (
        [K.letter("m"), K.letters_due(), K.bus()],
        ["m", 6, "claim", "sent", 0, "", *EVENT],
    ),
    "session_agent": ([K.agents(), K.due()], ["a1", "{}", 1, "absent:a1", 9]),
    "session_commit": (
        [
            *SESSION,
            *(K.status(status) for status in ("bot_active", "manual_live", "all")),
            *(K.due(), K.presence(), K.stats("2026-11-21"), K.load(""), K.load("a1")),
        ],
        COMMIT,
    ),
    "session_expire": (
        [*SESSION, K.status("manual_live"), K.status("all"), K.due(), K.presence()],
        ["s", 1, 9, "e9", "sid", "{}", "expire:s"],
    ),
    "session_lease": ([K.session("s"), K.due()], ["t1", "lease:s", 9]),
    "session_rearm": ([K.due()], ["expire:s", 9, 10]),
    "session_seen": ([K.presence()], [1, "s"]),
}


@pytest.fixture(scope="module")
def masters(tmp_path_factory):
    with three_masters(tmp_path_factory.mktemp("scripts")) as servers:
        yield servers


@pytest.fixture
async def cluster(masters):
    client = RedisClient.open(cluster_url(masters))
    yield client
    await client.close()


@pytest.mark.parametrize("allow_oom", [False, True])
async def test_every_script_with_a_sample_runs_through(masters, cluster, allow_oom):
    for server in masters:
        server.ask("FLUSHALL")
    # in this order, so that what one writes the next one finds
    answers = {
        name: await cluster.run(load_script(name, allow_oom=allow_oom), *CALLS[name])
        for name in sorted(CALLS)
    }
    assert answers["auth_commit"][0] == b"OK"
    assert answers["auth_refresh"][0] == b"ROTATED"
    assert answers["notifier_settle"] == 1
    assert answers["session_commit"] == [b"ok"]
    assert answers["session_expire"] == 1


async def test_scripts_without_a_sample_have_nothing_against_the_slot(cluster):
    keys = [f"{{kefu}}:any:{number}" for number in range(16)]
    answers = await asyncio.gather(
        *(
            cluster.run(load_script(name, allow_oom=True), keys, ["1"] * 40)
            for name in script_names()
            if name not in CALLS
        ),
        return_exceptions=True,
    )
    assert [answer for answer in answers if "slot" in str(answer).lower()] == []


async def test_canary_keys_without_the_tag_are_refused(cluster):
    keys, args = CALLS["bus_publish"]
    with pytest.raises(Refused) as refused:
        await cluster.run(load_script("bus_publish"), [keys[0], "published"], args)
    assert refused.value.code == "CROSSSLOT"


@pytest.mark.parametrize("name", script_names())
def test_no_script_makes_up_a_key(name):
    assert _made_up(load_script(name).text) == []


def test_canary_a_key_made_in_a_script_is_seen():
    assert _made_up("redis.call('GET', 'kefu:' .. ARGV[1])") == ["'kefu:' .. ARGV[1]"]
    assert _made_up("redis.call('XINFO', 'GROUPS', '{kefu}:bus')") == ["'{kefu}:bus'"]


def _made_up(text: str) -> list[str]:
    """First keys in `redis.call` that are text of the script's own."""
    code = re.sub(r"--[^\n]*", "", text)
    calls = re.findall(
        r"redis\.p?call\(\s*'(\w+)'\s*(?:,\s*((?:[^(),]|\([^()]*\))+))?"
        r"(?:,\s*((?:[^(),]|\([^()]*\))+))?",
        code,
    )
    keys = [
        second if command in ("XINFO", "XGROUP", "OBJECT") else first
        for command, first, second in calls
        if command not in ("TIME", "INFO")
    ]
    return [key.strip() for key in keys if "'" in key or '"' in key or ".." in key]


def test_the_two_variants_of_a_script_differ_in_their_first_line_only():
    plain, urgent = load_script("bus_publish"), load_script("bus_publish", allow_oom=True)
    assert urgent.text == ALLOW_OOM + plain.text
    assert urgent.sha != plain.sha
    assert script_of("x", plain.text).sha == plain.sha
