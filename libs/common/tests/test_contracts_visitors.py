"""The projection for visitors: an agent's name and nothing else, the same in bytes and in dicts."""

import orjson
import pytest
from common.contracts.visitors import line_for_visitor, without_agent_ids
from hypothesis import given
from hypothesis import strategies as st

MESSAGE = {
    "seq": 7,
    "type": "manual_message",
    "message_id": "m-1",
    "role": "agent",
    "content": "Hello",
    "agent_id": "agent-1",
    "agent_name": "Ann",
}
CHANGE = {
    "seq": 8,
    "type": "status_change",
    "status": "manual_live",
    "agent_info": {"id": "agent-1", "name": "Ann"},
    "version": 3,
}


@pytest.mark.parametrize("fields", [MESSAGE, CHANGE])
def test_the_name_stays_and_the_id_goes(fields):
    shown = without_agent_ids(fields)
    assert "agent-1" not in str(shown)
    assert "Ann" in str(shown)
    assert [key for key in fields if key != "agent_id"] == list(shown), "order and rest are kept"


def test_who_left_is_said_too():
    assert without_agent_ids({"agent_info": None, "seq": 1}) == {"agent_info": None, "seq": 1}


def test_a_line_without_an_agent_is_the_same_object():
    line = orjson.dumps({"seq": 1, "content": 'a quote of "agent_id": "x", no key'})
    assert line_for_visitor(line) is line


@given(
    st.sampled_from([MESSAGE, CHANGE]),
    st.text()
    | st.sampled_from(['"agent_id":"x"', '\\"agent_info":{"id":"y"}', ',"agent_id":"z",']),
)
def test_a_lines_projection_is_its_fields_projection(fields, content):
    fields = {**fields, "content": content}
    assert orjson.loads(line_for_visitor(orjson.dumps(fields))) == without_agent_ids(fields)
