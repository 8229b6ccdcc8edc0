"""The agents' stream: the whole queue, resumable by the bus's own ids."""

import orjson
import pytest

PATH = "/api/agent/events"


def summary(name: str, *, agent: str | None = None, **more) -> dict:
    assigned = {"id": agent, "name": agent.title()} if agent else None
    return {
        "session_name": name,
        "status": "manual_live",
        "version": 3,
        "assigned_agent": assigned,
        **more,
    }


async def test_begins_with_ready_and_tells_of_sessions(services, door, test_keys, until):
    services.session("session_a")
    stream = await door.events(PATH, **test_keys.agent_header())
    await until(lambda: stream.of("ready"))
    await services.publish(
        "session_a",
        "session.created",
        b'{"session_name":"session_a"}',
        summary=summary("session_a"),
    )
    await services.commit("session_a", "hi", role="user", summary=summary("session_a"))
    await until(lambda: stream.of("session_updated"))
    created, updated = stream.of("session_created")[0], stream.of("session_updated")[0]
    assert created.data == {"type": "session_created", "session": summary("session_a")}
    assert updated.data["session"]["version"] == 3
    assert updated.id == stream.last_id


async def test_an_expired_session_is_told_to_every_agent(services, door, test_keys, until):
    services.session("session_a")
    await services.commit("session_a", "before", summary=summary("session_a"))
    stream = await door.events(PATH, **test_keys.agent_header())
    await until(lambda: stream.last_id)
    before = stream.last_id
    await services.publish("session_a", "session.expired", b'{"session_name":"session_a"}')
    await until(lambda: stream.of("session_expired"))
    told = stream.of("session_expired")[0]
    assert told.data == {"type": "session_expired", "session_name": "session_a"}
    again = await door.events(PATH, **test_keys.agent_header(), **{"Last-Event-ID": before})
    await until(lambda: again.of("session_expired"))
    assert again.last_id == told.id


async def test_messages_come_to_the_agent_who_holds_the_session(services, door, test_keys, until):
    services.session("session_a")
    holder = await door.events(PATH, **test_keys.agent_header("agent-1"))
    other = await door.events(PATH, **test_keys.agent_header("agent-2"))
    await until(lambda: holder.of("ready") and other.of("ready"))
    await services.commit(
        "session_a",
        "need help",
        role="user",
        frame="manual_message",
        summary=summary("session_a", agent="agent-1"),
    )
    await until(lambda: holder.of("message_added") and other.of("session_updated"))
    found = holder.of("message_added")[0]
    assert found.data["type"] == "message_added"
    assert found.data["session_name"] == "session_a"
    assert (found.data["seq"], found.data["content"]) == (1, "need help")
    # only the last frame of an entry carries its id: a break between them repeats, never loses
    assert holder.of("session_updated")[0].id is None
    assert found.id == other.of("session_updated")[0].id
    assert other.of("message_added") == []


async def test_a_transfer_is_told_to_its_target(services, door, test_keys, until):
    services.session("session_a", status="manual_live")
    target = await door.events(PATH, **test_keys.agent_header("agent-2"))
    other = await door.events(PATH, **test_keys.agent_header("agent-3"))
    await until(lambda: target.of("ready") and other.of("ready"))
    await services.commit(
        "session_a",
        "",
        kind="session.status_changed",
        frame="status_change",
        status="manual_live",
        previous="manual_live",
        reason="transfer",
        agent_info={"id": "agent-2", "name": "Two"},
        summary=summary("session_a", agent="agent-2"),
    )
    await until(lambda: target.of("transfer") and other.of("session_updated"))
    assert target.of("transfer")[0].data["session_name"] == "session_a"
    assert other.of("transfer") == []


async def test_agents_hear_of_each_others_presence(services, door, test_keys, until):
    stream = await door.events(PATH, **test_keys.agent_header())
    await until(lambda: stream.of("ready"))
    card = {"id": "agent-2", "username": "two", "name": "Two", "role": "agent"}
    data = orjson.dumps({"agent": {**card, "status": "busy", "max_sessions": 5}, "at": 1.0})
    await services.publish("agent-2", "agent.status_changed", data)
    await until(lambda: stream.of("agent_status"))
    assert stream.of("agent_status")[0].data["agent"]["status"] == "busy"


async def test_an_agent_who_comes_back_gets_what_was_missed_once(services, door, test_keys, until):
    services.session("session_a")
    headers = test_keys.agent_header()
    first = await door.events(PATH, **headers)
    await until(lambda: first.of("ready"))
    for n in range(3):
        await services.commit("session_a", f"m{n}", summary=summary("session_a", n=n))
    await until(lambda: len(first.of("session_updated")) == 3)
    resume = first.of("session_updated")[0].id
    await first.close()
    for n in range(3, 300):
        await services.commit("session_a", f"m{n}", summary=summary("session_a", n=n))
    again = await door.events(PATH, **headers, **{"Last-Event-ID": resume})
    await services.commit("session_a", "live", summary=summary("session_a", n=300))
    await until(lambda: len(again.of("session_updated")) >= 300)
    assert [f.data["session"]["n"] for f in again.of("session_updated")] == list(range(1, 301))


async def test_ready_alone_is_enough_to_resume_from(services, door, test_keys, until):
    services.session("session_a")
    await services.commit("session_a", "before", summary=summary("session_a"))
    first = await door.events(PATH, **test_keys.agent_header())
    await until(lambda: first.last_id)
    await first.close()
    await services.commit("session_a", "missed", summary=summary("session_a"))
    again = await door.events(PATH, **test_keys.agent_header(), **{"Last-Event-ID": first.last_id})
    await until(lambda: again.of("session_updated"))
    assert len(again.of("session_updated")) == 1


@pytest.mark.parametrize("bad", ["x", "12", "gen-sid-of-a-1", "1-1-1", "-1-0"])
async def test_a_malformed_id_is_400(door, test_keys, bad):
    headers = {**test_keys.agent_header(), "Last-Event-ID": bad}
    status, body, _ = await door.answer("GET", PATH, headers=headers)
    assert (status, body["error"]["code"]) == (400, "BAD_EVENT_ID")


async def test_an_id_older_than_the_bus_is_told_to_reload(
    services, door, test_keys, redis, keys, until
):
    services.session("session_a")
    old = await services.publish(
        "session_a", "session.updated", b"{}", summary=summary("session_a")
    )
    await services.publish("session_a", "session.updated", b"{}", summary=summary("session_a"))
    await redis.xdel(keys.bus(), old)
    stream = await door.events(PATH, **test_keys.agent_header(), **{"Last-Event-ID": old})
    await until(lambda: stream.of("resync"))
    assert stream.of("session_updated") == []


async def test_too_long_an_absence_is_told_to_reload(services, open_door, test_keys, until):
    services.session("session_a")
    start = await services.publish("session_a", "session.updated", b"{}")
    for _ in range(450):
        await services.publish("session_a", "session.updated", b"{}", summary=summary("session_a"))
    async with open_door(agent_replay_entries=200) as door:
        stream = await door.events(PATH, **test_keys.agent_header(), **{"Last-Event-ID": start})
        await until(lambda: stream.ended)
        assert stream.frames[-1].event == "resync"


async def test_guests_visitors_and_strangers_get_no_stream(door, test_keys, visitor):
    for headers, status in (
        (test_keys.agent_header(role="guest"), 403),
        (visitor("session_a"), 401),
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
    ):
        found, _, _ = await door.answer("GET", PATH, headers=headers)
        assert found == status


REVOKED = {
    "logout": ("kicked", {"family": "family-of-agent-1"}),
    "deactivated": ("kicked", {}),
    "reuse": ("kicked", {"jti": "jti-of-agent-1"}),
    "role_changed": ("reauth", {}),
}


@pytest.mark.parametrize("reason", REVOKED)
async def test_a_revoked_token_ends_its_streams(services, door, test_keys, clock, until, reason):
    services.session("session_a")
    event, which = REVOKED[reason]
    headers = test_keys.agent_header("agent-1")
    queue = await door.events(PATH, **headers)
    session = await door.events("/api/sessions/session_a/events", **headers)
    other = await door.events(PATH, **test_keys.agent_header("agent-2"))
    await until(lambda: queue.of("ready") and session.of("ready") and other.of("ready"))
    clock.advance(1)
    body = {"agent_id": "agent-1", "not_before": clock(), "reason": reason, **which}
    await services.publish("agent-1", "agent.tokens_revoked", orjson.dumps(body))
    await until(lambda: queue.ended and session.ended)
    assert queue.frames[-1].event == event
    assert session.frames[-1].event == "reauth"
    assert not other.ended
    status, found, _ = await door.answer("GET", "/api/agent/profile", headers=headers)
    assert (status, found["error"]["code"]) == (401, "TOKEN_REVOKED")


async def test_another_login_of_the_same_agent_goes_on(services, door, test_keys, until):
    mine = await door.events(PATH, **test_keys.agent_header(family="other", jti="other"))
    await until(lambda: mine.of("ready"))
    body = {
        "agent_id": "agent-1",
        "family": "family-of-agent-1",
        "not_before": 1.0,
        "reason": "logout",
    }
    await services.publish("agent-1", "agent.tokens_revoked", orjson.dumps(body))
    services.session("session_a")
    await services.publish("session_a", "session.updated", b"{}", summary=summary("session_a"))
    await until(lambda: mine.of("session_updated"))
    assert not mine.ended


async def test_a_removed_account_is_kicked(services, door, test_keys, until):
    stream = await door.events(PATH, **test_keys.agent_header("agent-1"))
    await until(lambda: stream.of("ready"))
    await services.publish("agent-1", "agent.removed", b'{"agent_id":"agent-1","at":1.0}')
    await until(lambda: stream.ended)
    assert stream.frames[-1].event == "kicked"


async def test_an_agents_stream_is_never_idle(services, door, test_keys, clock, until):
    stream = await door.events(PATH, **test_keys.agent_header(lifetime_seconds=3600))
    await until(lambda: stream.of("ready"))
    clock.advance(700)
    await until(lambda: stream.comments)
    assert not stream.ended
