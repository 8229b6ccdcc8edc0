"""Every Redis key there is: owner, type, lifetime. `docs/redis.md` is generated from this file.

All keys of an installation carry one hash tag, so that one script may touch any of them on a
Cluster (flows.md, "One slot, one bus, one order").
"""

from dataclasses import dataclass

STATUSES = ("bot_active", "pending_manual", "manual_live", "after_hours_email", "closed")


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names of one installation; `tag` is the setting REDIS_TAG."""

    tag: str = "kefu"

    def _key(self, *parts: str) -> str:
        return ":".join((f"{{{self.tag}}}", *parts))

    # --- session-state -------------------------------------------------------------------
    def session(self, name: str) -> str:
        """session-state · hash · the session's state; removed by its expiry timer."""
        return self._key("session", name)

    def log(self, name: str) -> str:
        """session-state · stream, entry id `<seq>-0` · the session's log; removed with it."""
        return self._key("log", name)

    def ids(self, name: str) -> str:
        """session-state · hash · commit, client and message ids → seq and first result."""
        return self._key("ids", name)

    def trail(self, name: str) -> str:
        """session-state · list of JSON · the session's audit trail; removed with it."""
        return self._key("trail", name)

    def status(self, status: str) -> str:
        """session-state · zset name → sort time · sessions in this status."""
        return self._key("status", status)

    def load(self, agent_id: str) -> str:
        """session-state · set of names · the sessions an agent holds."""
        return self._key("load", agent_id)

    def due(self) -> str:
        """session-state · zset `<kind>:<name>` → UTC seconds · timers that the commit set."""
        return self._key("due")

    def presence(self) -> str:
        """session-state · zset name → UTC seconds · when a visitor was last present."""
        return self._key("presence")

    def agents(self) -> str:
        """session-state · hash agent id → card JSON · read model of `agent.*`."""
        return self._key("agents")

    def stats(self, day: str) -> str:
        """session-state · hash · counters of a day (`2026-11-21`); kept 35 days by EXPIRE."""
        return self._key("stats", day)

    def pickups(self) -> str:
        """session-state · zset `<at> <waited>` → at · the last 50 waits that an agent ended."""
        return self._key("pickups")

    def shift(self) -> str:
        """session-state · hash · the shift as an admin changed it; no expiry."""
        return self._key("shift")

    def lease(self, job: str) -> str:
        """session-state · string · who runs a job alone (retention, timers); PX lifetime."""
        return self._key("lease", job)

    # --- the bus -------------------------------------------------------------------------
    def bus(self) -> str:
        """all · stream · the bus; trimmed by retention only, below what all groups acknowledged."""
        return self._key("bus")

    def published(self, event_id: str) -> str:
        """all · string · entry id of an event that was published; EX 1 h, so that twice is once."""
        return self._key("published", event_id)

    def live(self) -> str:
        """all · pub/sub channel · what may be lost: typing, queue positions, `replaced`."""
        return self._key("live")

    def generation(self) -> str:
        """all · string · random, changed by a restore: event ids of before become unknown."""
        return self._key("generation")

    def dead(self, group: str) -> str:
        """consumers · stream · a group's dead letters, kept 14 days by retention."""
        return self._key("dead", group)

    # --- gateway -------------------------------------------------------------------------
    def streams(self, session: str) -> str:
        """gateway · zset stream id → lease end · a visitor's events streams; 30 s leases."""
        return self._key("streams", session)

    def chats(self, session: str) -> str:
        """gateway · zset request id → lease end · a visitor's chat requests in flight."""
        return self._key("chats", session)

    def rate(self, limit: str, who: str) -> str:
        """gateway · zset of instants · a sliding window; PX of the window."""
        return self._key("rate", limit, who)

    # --- chat-proxy ----------------------------------------------------------------------
    def coze_token(self, session: str) -> str:
        """chat-proxy · string, encrypted · a session's Coze access token; EX until it ends."""
        return self._key("coze-token", session)

    # --- auth ----------------------------------------------------------------------------
    def agent(self, agent_id: str) -> str:
        """auth · hash · an account."""
        return self._key("agent", agent_id)

    def usernames(self) -> str:
        """auth · hash lower-case user name → agent id."""
        return self._key("usernames")

    def admins(self) -> str:
        """auth · set of agent ids · active admins, so that the last one can be told."""
        return self._key("admins")

    def family(self, family: str) -> str:
        """auth · hash · a login's refresh token family; EX of the refresh token."""
        return self._key("family", family)

    def families(self, agent_id: str) -> str:
        """auth · zset family id → UTC seconds of its end · an agent's logins; one that is not
        in here is dead, whatever its hash says."""
        return self._key("families", agent_id)

    def devices(self, agent_id: str) -> str:
        """auth · zset hash of a device id → UTC seconds · devices that logged in before."""
        return self._key("devices", agent_id)

    def agent_seen(self) -> str:
        """auth · zset agent id → UTC seconds of the last heartbeat of those not offline."""
        return self._key("agent-seen")

    def login_failures(self, kind: str, who: str) -> str:
        """auth · zset of instants · failed logins of an account or an address; PX of the window."""
        return self._key("login-failures", kind, who)

    def api_keys(self) -> str:
        """auth · hash key id → JSON with the hash of the key."""
        return self._key("api-keys")

    # --- notifier ------------------------------------------------------------------------
    def letter(self, message_id: str) -> str:
        """notifier · hash · ledger of one letter; EX 30 days."""
        return self._key("letter", message_id)

    def letters_due(self) -> str:
        """notifier · zset message id → UTC seconds of the next attempt."""
        return self._key("letters-due")

    def letters_to(self, address_hash: str) -> str:
        """notifier · zset message id → UTC seconds · letters to a visitor's address in the last
        hour; PX of the window."""
        return self._key("letters-to", address_hash)
