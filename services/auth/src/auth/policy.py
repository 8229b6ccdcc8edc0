"""What auth allows: which passwords are good enough, and what a role may do."""

import re
import unicodedata

from common.security.policy import RULES

from auth.common_passwords import COMMON_PASSWORDS
from auth.errors import WeakPassword

SHORTEST_PASSWORD = 10
_FEWEST_DISTINCT = 5
# a shorter user name turns up in good passwords by chance
_SHORTEST_TELLING_NAME = 4
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LEET = str.maketrans("@4310$5!", "aaeiossi")


def check_password(password: str, *, username: str) -> None:
    """Raises WeakPassword naming the rule: too_short, too_simple, contains_username, too_common."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    name = username.casefold()
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(rule="too_short", minimum=SHORTEST_PASSWORD)
    if len(set(folded)) < _FEWEST_DISTINCT:
        raise WeakPassword(rule="too_simple")
    if folded == name or (len(name) >= _SHORTEST_TELLING_NAME and name in folded):
        raise WeakPassword(rule="contains_username")
    if folded in COMMON_PASSWORDS or _core(folded) in COMMON_PASSWORDS:
        raise WeakPassword(rule="too_common")


def _core(folded: str) -> str:
    """`password` of `P@ssw0rd-2024!`: the word that people decorate to satisfy rules."""
    bare = _EDGES.sub("", folded)
    return bare if bare in COMMON_PASSWORDS else _EDGES.sub("", bare.translate(_LEET))


def permissions(role: str) -> list[str]:
    """`METHOD /path` of every endpoint the role may call, straight from the one policy table."""
    return sorted(f"{rule.method} {rule.path}" for rule in RULES if rule.allows_role(role))
