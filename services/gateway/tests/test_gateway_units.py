"""The pieces by themselves: the wheel, the outlet, queue frames, the uvicorn adapter."""

import inspect

import orjson
import pytest
from common.app.connection import connection_of
from common.bus.entry import Entry
from common.events.agents import TokensRevoked
from common.security.revocation import Revocations
from gateway.agent_queue import Holders, entry_id_of, frames_of, position_of
from gateway.errors import TokenRevoked
from gateway.fanout import Fanout
from gateway.streams import Pace, Stream
from gateway.wheel import Wheel
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def test_the_server_still_has_what_the_adapter_uses():
    """A new uvicorn that changes these must be met here and not in production."""
    cycle = inspect.getsource(RequestResponseCycle)
    for attribute in ("self.transport", "self.flow", "self.message_event", "self.disconnected"):
        assert attribute in cycle
    assert 'b"%x\\r\\n" % len(body)' in cycle
    assert "write_paused" in inspect.getsource(FlowControl)


def test_another_server_is_refused_at_once():
    async def receive():
        return {}

    with pytest.raises(RuntimeError):
        connection_of(receive)


def test_a_beat_runs_when_it_is_due_and_says_when_next(clock):
    wheel, beats = Wheel(clock), []

    def beat(now):
        beats.append(now)
        return now + 30 if len(beats) < 3 else None

    wheel.at(clock() + 30, beat)
    wheel.turn()
    assert beats == []
    for _ in range(5):
        clock.advance(31)
        wheel.turn()
    assert len(beats) == 3
    assert len(wheel) == 0


def test_a_token_that_dies_while_its_stream_is_being_opened_opens_none(clock, test_keys):
    """The guard found it good, and nobody listened for this stream when the revocation passed."""
    claims, revocations = test_keys.verifier.agent(test_keys.agent_token()), Revocations(clock)
    pace = Pace(heartbeat_seconds=15, idle_close_seconds=600)
    fanout = Fanout(clock, is_revoked=revocations.is_revoked, pace=pace, places=1, reserved=0)
    stream = Stream("s", None, claims, claims.exp, clock(), session="session_a")
    logout = {"family": claims.family, "not_before": clock(), "reason": "logout"}
    revocations.apply(TokensRevoked(agent_id=claims.sub, **logout))
    for watching in (fanout.watching, fanout.watching_queue):
        with pytest.raises(TokenRevoked), watching(stream):
            pytest.fail("it was opened")
    assert fanout.agents() == set()
    assert fanout.queue.streams == []


def test_bus_ids_sort_as_positions():
    ids = ["1-0", "1-1", "1-10", "2-0", "1790000000000-3", "1790000000001-0"]
    positions = [position_of(i) for i in ids]
    assert positions == sorted(positions)
    assert [entry_id_of(p) for p in positions] == ids


def entry(kind, data, *, summary=None, frame=None):
    fields = {b"type": kind, b"subject": b"session_a", b"data": orjson.dumps(data)}
    if summary is not None:
        fields[b"summary"] = orjson.dumps(summary)
    if frame is not None:
        fields[b"frame"] = frame
    return Entry("5-1", fields)


def test_a_message_before_the_last_of_its_commit_finds_its_agent_by_what_passed_before():
    holders = Holders()
    held = {"assigned_agent": {"id": "agent-1"}}
    frames_of(entry(b"session.updated", {}, summary=held), holders)
    message = {"seq": 4, "type": "manual_message", "content": "x"}
    frames = frames_of(entry(b"message.added", message, frame=b"manual_message"), holders)
    assert (
        b'{"type":"message_added","session_name":"session_a","seq":4,"content":"x"}'
        in frames.to("agent-1")
    )
    assert frames.to("agent-2") == b""
    frames_of(entry(b"session.updated", {}, summary={"assigned_agent": None}), holders)
    assert frames_of(entry(b"message.added", message, frame=b"manual_message"), holders) is None


def test_what_no_agent_needs_makes_no_frame():
    assert frames_of(entry(b"turn.answered", {"content": "x"}), Holders()) is None


def test_text_that_looks_like_a_transfer_is_none():
    data = {"seq": 1, "type": "status_change", "reason": '"manual_live" "manual_live"'}
    found = frames_of(
        entry(b"session.status_changed", data, frame=b"status_change", summary={}), Holders()
    )
    assert b"event: transfer" not in found.to("agent-1")
