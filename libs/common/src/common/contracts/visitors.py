"""What a visitor may know of an agent is the name: the one projection of messages and frames.

session-state applies it to what visitors fetch, the gateway to what their streams carry.
"""

from typing import Any

import orjson

# In an entry's bytes these can only be keys: inside a string every quote is escaped.
_NAMING_KEYS = (b'"agent_id":', b'"agent_info":')


def without_agent_ids(fields: dict[str, Any]) -> dict[str, Any]:
    """A message, or a frame's fields, as a visitor sees it."""
    shown = {key: value for key, value in fields.items() if key != "agent_id"}
    agent = shown.get("agent_info")
    return {**shown, "agent_info": {"name": agent["name"]}} if agent else shown


def line_for_visitor(line: bytes) -> bytes:
    """A log entry's line of JSON as a visitor sees it; the same bytes where no agent is in it."""
    if not any(key in line for key in _NAMING_KEYS):
        return line
    return orjson.dumps(without_agent_ids(orjson.loads(line)))
