"""Who may try a password now: limits that stop guessing without locking an owner out.

    unknown device   5 attempts per (account, address) and 30 per address in 15 minutes; an account
                     that 20 attempts failed on answers strangers once in 30 s only
    known device     (one that logged in before) 5 attempts of its own, whatever strangers do

Addresses and names enter as hashes: neither chooses the shape of a key, nor lies in a backup.
"""

import hashlib
import ipaddress
from dataclasses import dataclass

# A device id that can be guessed must not answer for itself.
_SHORTEST_DEVICE_ID = 16


@dataclass(frozen=True, slots=True)
class Limits:
    window_seconds: int
    pair: int
    address: int
    slow_from: int
    slow_seconds: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try; `account`, `address` and `device` are hashes, `agent_id` is `-` for unknown
    accounts so that they cost the same."""

    id: str
    account: str
    address: str
    device: str
    agent_id: str


def attempt_of(
    attempt_id: str, *, username: str, address: str, device_id: str | None, agent_id: str | None
) -> Attempt:
    return Attempt(
        id=attempt_id,
        account=_hash(username.lower()),
        address=_hash(_network(address)),
        device=device_hash(device_id) or "",
        agent_id=agent_id or "-",
    )


def device_hash(device_id: str | None) -> str | None:
    """What is remembered of a device; None for ids too short to be a secret."""
    if device_id is None or len(device_id) < _SHORTEST_DEVICE_ID:
        return None
    return _hash(device_id)


def _network(address: str) -> str:
    """One IPv6 line has a whole /64 to choose addresses from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
