"""How long a reader of the bus waits for more company after a read that brought something.

A read of one entry costs a service 150 µs and Redis 20 µs, each further entry of it 10 µs; a turn
brings four entries to seven readers. Who is waited for (fan-out, fences, ends of turns) does not
linger: a millisecond there saved 2 % of a turn and cost fan-out 10 %.
"""

# for who needs an event within a second (revocations) or more (letters)
UNHURRIED_SECONDS = 0.05
