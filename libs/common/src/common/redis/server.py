"""What the server we are connected to would do with our data, and whether a service may start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from common.redis.errors import UnsafeServer

OLDEST = (7, 0)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`appendfsync` is empty where the server does not tell (CONFIG forbidden)."""

    version: str
    role: str
    maxmemory: int
    used_memory: int
    maxmemory_policy: str
    append_only: bool
    appendfsync: str
    replicas: int

    @classmethod
    def read(cls, info: Mapping[str, str], config: Mapping[bytes, bytes]) -> Self:
        return cls(
            version=info.get("redis_version", "0"),
            role=info.get("role", "master"),
            maxmemory=int(info.get("maxmemory", "0")),
            used_memory=int(info.get("used_memory", "0")),
            maxmemory_policy=info.get("maxmemory_policy", "noeviction"),
            append_only=info.get("aof_enabled") == "1",
            appendfsync=config.get(b"appendfsync", b"").decode(),
            replicas=int(info.get("connected_slaves", "0")),
        )


def judge(facts: ServerFacts, *, allow_eviction: bool, require_persistence: bool) -> None:
    """Raises `UnsafeServer` with the setting and the remedy.

    Eviction removed every agent account, every revocation and the pending mails without an error;
    `everysec` lost up to 11,482 acknowledged writes at power loss.
    """
    numbers = tuple(int(n) for n in facts.version.split(".")[:2] if n.isdigit())
    if numbers < OLDEST:
        raise UnsafeServer(f"Redis {facts.version} is too old: 7.0 or newer is needed")
    if facts.maxmemory_policy != "noeviction" and not allow_eviction:
        raise UnsafeServer(
            f"maxmemory-policy is {facts.maxmemory_policy}: Redis would drop sessions and accounts"
            " in silence. Set maxmemory-policy noeviction (or ALLOW_EVICTING_REDIS=true)"
        )
    if not require_persistence:
        return
    if not facts.append_only:
        raise UnsafeServer("appendonly is no: a restart loses everything. Set appendonly yes")
    if facts.appendfsync not in ("always", ""):
        raise UnsafeServer(
            f"appendfsync is {facts.appendfsync}: a power cut loses acknowledged writes."
            " Set appendfsync always"
        )
