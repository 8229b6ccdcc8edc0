"""How long each step of talking to Coze may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds. `gap` counts from event to event, so comments and dripped bytes do not stretch it;
    `call` bounds a whole call that is no stream."""

    connect: float = 5
    write: float = 10
    pool: float = 10
    read: float = 30
    first_delta: float = 30
    gap: float = 30
    call: float = 30
