"""How sending can fail; neither ever reaches a client.

NotSent     not now: the server is away, busy, or broke off; tried again on schedule
Undeliverable  never: the server refused the letter for good, or nobody can be written to
"""


class NotSent(Exception):
    """Try again later. After a break during DATA the letter may have arrived all the same; it
    keeps its Message-ID, so mailboxes that care show one."""


class Undeliverable(Exception):
    """Trying again can't help."""
