"""What Redis itself may answer that a caller has to know about, and what a lost connection means.

    Refused       Redis answered with an error that belongs to the command (NOGROUP, BUSYGROUP, a
                  script's own `redis.error_reply`): `code` is its first word
    UnsafeServer  the server would lose data in silence; the service must not start
    Lost          no answer came: `sent` tells whether the command may have been applied

Everything else becomes `StateUnavailable` or `Busy` of `common.errors` in the client.
"""


class Refused(Exception):
    """An error reply; `code` is its first word, in capitals by convention."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code, _, self.reason = text.partition(" ")


class UnsafeServer(Exception):
    """The server's settings would lose data; the text names the setting and the remedy."""


class Lost(Exception):
    """The connection ended before the answer; with `sent` the command may have been applied."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent
