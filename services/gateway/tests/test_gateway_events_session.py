"""A session's events stream: in order, once, resumable, and only what its reader may see."""

import asyncio

import pytest

A = "/api/sessions/session_a/events"


async def test_begins_with_ready_and_goes_on_live(services, door, visitor, until):
    services.session("session_a")
    await services.commit("session_a", "before")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    ready = stream.of("ready")[0]
    assert ready.data == {"type": "ready", "status": "bot_active", "seq": 1}
    await services.commit("session_a", "hello")
    await until(lambda: stream.contents() == ["hello"])
    frame = stream.of("message_added")[0]
    assert frame.data["type"] == "message_added"
    assert frame.id == "gen0123456789-sid-of-a-2"
    assert stream.response.headers["X-Accel-Buffering"] == "no"
    assert stream.response.headers["Cache-Control"] == "no-store, no-transform"


async def test_the_data_line_is_the_commits_byte_for_byte(services, door, visitor):
    services.session("session_a")
    async with door.call("GET", A, headers=visitor("session_a")) as response:
        await response.content.readuntil(b"\n\n")
        await services.commit("session_a", "日本 <b>&amp;</b>\\u0000 “x”")
        block = await response.content.readuntil(b"\n\n")
    assert block.split(b"data: ")[1][:-2].decode() == services.sessions["session_a"].log[0]["data"]


async def test_visitors_learn_an_agents_name_and_agents_the_id_live_and_replayed(
    services, door, visitor, test_keys, until
):
    services.session("session_a")
    since_the_start = {"Last-Event-ID": "gen0123456789-sid-of-a-0"}
    who = {"visitor": visitor("session_a"), "agent": test_keys.agent_header("agent-7")}
    streams = {("live", kind): await door.events(A, **headers) for kind, headers in who.items()}
    for stream in streams.values():
        await until(lambda stream=stream: stream.of("ready"))
    ann = {"id": "agent-1", "name": "Ann"}
    taken = {"kind": "session.status_changed", "frame": "status_change", "status": "manual_live"}
    await services.commit("session_a", "", agent_info=ann, **taken)
    said = {"frame": "manual_message", "role": "agent"}
    await services.commit("session_a", "Hi", agent_id="agent-1", agent_name="Ann", **said)
    for kind, headers in who.items():
        streams["replayed", kind] = await door.events(A, **headers, **since_the_start)
    for (way, kind), stream in streams.items():
        await until(lambda stream=stream: stream.of("manual_message"))
        change, message = stream.of("status_change")[0].data, stream.of("manual_message")[0].data
        knows = {} if kind == "visitor" else {"agent_id": "agent-1"}
        assert change["agent_info"] == ({"name": "Ann"} if kind == "visitor" else ann), way
        assert message["agent_name"] == "Ann"
        assert {k: v for k, v in message.items() if k == "agent_id"} == knows, way


async def test_a_client_that_comes_back_gets_what_it_missed_once(services, door, visitor, until):
    services.session("session_a")
    for n in range(5):
        await services.commit("session_a", f"m{n}")
    headers = {**visitor("session_a"), "Last-Event-ID": "gen0123456789-sid-of-a-2"}
    stream = await door.events(A, **headers)
    await services.commit("session_a", "live")
    await until(lambda: stream.contents() == ["m2", "m3", "m4", "live"])
    assert [f.seq for f in stream.of("message_added")] == [3, 4, 5, 6]
    assert stream.of("resync") == []


async def test_the_id_may_come_in_the_query(services, door, visitor, until):
    services.session("session_a")
    await services.commit("session_a", "m0")
    path = f"{A}?last_event_id=gen0123456789-sid-of-a-0"
    stream = await door.events(path, **visitor("session_a"))
    await until(lambda: stream.contents() == ["m0"])


async def test_nothing_falls_between_the_log_and_the_bus(services, door, visitor, until):
    """Entries that are committed while the log is being read come once, in order."""
    services.session("session_a")
    await services.commit("session_a", "m0")
    services.log_gate = asyncio.Event()
    headers = {**visitor("session_a"), "Last-Event-ID": "gen0123456789-sid-of-a-0"}
    opening = asyncio.create_task(door.events(A, **headers))
    await until(lambda: services.asked("/internal/sessions/session_a/log"))
    for n in range(1, 40):
        await services.commit("session_a", f"m{n}")
    services.log_gate.set()
    stream = await opening
    await services.commit("session_a", "m40")
    await until(lambda: len(stream.contents()) >= 41)
    assert stream.contents() == [f"m{n}" for n in range(41)]


async def test_a_hole_on_the_bus_is_filled_from_the_log(services, door, visitor, until):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    await services.commit("session_a", "m1")
    await services.commit("session_a", "lost on the way", on_bus=False)
    await services.commit("session_a", "m3")
    await until(lambda: stream.contents() == ["m1", "lost on the way", "m3"])


async def test_more_than_a_page_is_replayed(services, door, visitor, until):
    services.session("session_a")
    for n in range(450):
        await services.commit("session_a", f"m{n}", on_bus=n > 300)
    headers = {**visitor("session_a"), "Last-Event-ID": "gen0123456789-sid-of-a-0"}
    stream = await door.events(A, **headers)
    await until(lambda: len(stream.contents()) >= 450)
    assert [f.seq for f in stream.of("message_added")] == list(range(1, 451))


async def test_a_visitor_never_sees_what_is_for_agents(services, door, visitor, test_keys, until):
    services.session("session_a")
    await services.commit("session_a", "note before", audience="a")
    resume = {"Last-Event-ID": "gen0123456789-sid-of-a-0"}
    mine = await door.events(A, **visitor("session_a"), **resume)
    agents = await door.events(A, **test_keys.agent_header(), **resume)
    await services.commit("session_a", "note", audience="a", role="agent")
    await services.commit("session_a", "for both")
    await until(lambda: "for both" in mine.contents() and "for both" in agents.contents())
    assert mine.contents() == ["for both"]
    assert agents.contents() == ["note before", "note", "for both"]


async def test_a_visitors_replay_begins_where_the_history_was_cleared(
    services, door, visitor, until
):
    session = services.session("session_a")
    await services.commit("session_a", "old")
    await services.commit("session_a", "new")
    session.visible_from = 1
    headers = {**visitor("session_a"), "Last-Event-ID": "gen0123456789-sid-of-a-0"}
    stream = await door.events(A, **headers)
    await until(stream.contents)
    assert stream.contents() == ["new"]


@pytest.mark.parametrize(
    "bad", ["7", "x", "gen-sid-1", "1-1", "gen-sid-of-a-", "g-sid-of-a-9999999999999999"]
)
async def test_a_malformed_id_is_400(services, door, visitor, bad):
    services.session("session_a")
    headers = {**visitor("session_a"), "Last-Event-ID": bad}
    status, body, _ = await door.answer("GET", A, headers=headers)
    assert (status, body["error"]["code"]) == (400, "BAD_EVENT_ID")


@pytest.mark.parametrize(
    "unknown",
    ["othergen-sid-of-a-1", "gen0123456789-othersid-1", "gen0123456789-sid-of-a-77"],
)
async def test_an_unknown_id_is_told_to_reload(services, door, visitor, until, unknown):
    services.session("session_a")
    await services.commit("session_a", "m1")
    stream = await door.events(A, **visitor("session_a"), **{"Last-Event-ID": unknown})
    await until(lambda: stream.of("resync"))
    assert [f.event for f in stream.frames[:2]] == ["ready", "resync"]
    assert stream.last_id == "gen0123456789-sid-of-a-1"
    await services.commit("session_a", "m2")
    await until(lambda: stream.contents() == ["m2"])


async def test_another_visitors_session_stays_closed(services, door, visitor, test_keys):
    services.session("session_a")
    services.session("session_b")
    cases = [
        (visitor("session_b"), 403, "SESSION_FORBIDDEN"),
        (visitor("session_a", sid="another-sid"), 403, "SESSION_FORBIDDEN"),
        ({}, 403, "SESSION_FORBIDDEN"),
        ({"X-Visitor-Token": "nonsense"}, 403, "SESSION_FORBIDDEN"),
        (test_keys.agent_header(role="guest"), 403, "FORBIDDEN"),
    ]
    for headers, status, code in cases:
        found, body, _ = await door.answer("GET", A, headers=headers)
        assert (found, body["error"]["code"]) == (status, code)


async def test_an_unknown_session_is_403_to_visitors_and_404_to_agents(door, visitor, test_keys):
    status, body, _ = await door.answer("GET", A, headers=visitor("session_a"))
    assert (status, body["error"]["code"]) == (403, "SESSION_FORBIDDEN")
    status, body, _ = await door.answer("GET", A, headers=test_keys.agent_header())
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


async def test_typing_is_shown_to_the_other_side_only(services, door, visitor, test_keys, until):
    services.session("session_a")
    mine = await door.events(A, **visitor("session_a"))
    agents = await door.events(A, **test_keys.agent_header())
    await until(lambda: mine.of("ready") and agents.of("ready"))
    live = door.running.app.state.wiring.leases._tell
    await live("typing", "session_a", {"role": "agent", "agent_name": "Li"})
    await live("typing", "session_a", {"role": "user"})
    await live("queue_position", "session_a", {"position": 2, "waiting": 3})
    await until(lambda: mine.of("typing") and agents.of("typing") and mine.of("queue_position"))
    assert [f.data for f in mine.of("typing")] == [
        {"role": "agent", "agent_name": "Li", "type": "typing"}
    ]
    assert [f.data["role"] for f in agents.of("typing")] == ["user"]
    assert agents.of("queue_position") == []
    assert all(f.id is None for f in mine.of("typing"))


async def test_heartbeats_come_by_the_wheel(services, door, visitor, clock, until):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    clock.advance(31)
    await until(lambda: stream.comments == 1)
    clock.advance(31)
    await until(lambda: stream.comments == 2)


async def test_an_idle_stream_is_closed_unless_the_visitor_waits(
    services, door, visitor, clock, until
):
    services.session("session_a")
    services.session("session_b", status="pending_manual")
    idle = await door.events(A, **visitor("session_a"))
    waiting = await door.events("/api/sessions/session_b/events", **visitor("session_b"))
    await until(lambda: idle.of("ready") and waiting.of("ready"))
    clock.advance(301)
    await until(lambda: idle.ended)
    assert [f.event for f in idle.frames] == ["ready", "idle_close"]
    await until(lambda: waiting.comments > 0)
    assert not waiting.ended


async def test_an_act_of_the_visitor_keeps_the_stream_open(services, door, visitor, clock, until):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    clock.advance(200)
    await door.answer("POST", "/api/sessions/session_a/read", headers=visitor("session_a"))
    clock.advance(200)
    await until(lambda: stream.comments > 0)
    assert not stream.ended
    clock.advance(120)
    await until(lambda: stream.ended)


async def test_a_dying_token_says_reauth(services, door, visitor, clock, until):
    services.session("session_a")
    headers = visitor("session_a", lifetime_seconds=100)
    stream = await door.events(A, **headers)
    await until(lambda: stream.of("ready"))
    clock.advance(101)
    await until(lambda: stream.ended)
    assert stream.frames[-1].event == "reauth"


async def test_a_session_made_anew_under_the_same_name_reloads(services, door, visitor, until):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    services.session("session_a", sid="a-new-sid-of-a-test")
    await services.commit("session_a", "of somebody else")
    await until(lambda: stream.ended)
    assert stream.frames[-1].event == "resync"
    assert stream.contents() == []


async def test_an_expired_session_reloads(services, door, visitor, until):
    services.session("session_a")
    stream = await door.events(A, **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    await services.publish("session_a", "session.expired", b'{"session_name":"session_a"}')
    await until(lambda: stream.ended)
    assert stream.frames[-1].event == "resync"


async def test_the_alias_v1_is_the_same_stream(services, door, visitor, until):
    services.session("session_a")
    stream = await door.events("/api/v1/sessions/session_a/events", **visitor("session_a"))
    await until(lambda: stream.of("ready"))
    assert stream.response.headers["API-Version"] == "1"
