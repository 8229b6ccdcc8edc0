"""How long a reader of the bus waits for more company after a read that brought something.

A read of one entry costs a service 150 µs and Redis 20 µs, each further entry of it 10 µs; a turn
brings four entries to seven readers.
"""

# for who needs an event within a second (revocations) or more (letters)
UNHURRIED_SECONDS = 0.05
# for who is waited for: fan-out, fences, ends of turns
BRISK_SECONDS = 0.001
