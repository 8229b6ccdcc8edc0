"""Who can serve: a read model of `agent.*` and what each agent holds."""

from dataclasses import dataclass

from common.events.agents import AgentCard
from common.redis import Keys, RedisClient, load_script
from common.redis import commands as redis_commands

AGENT_TIMER = "agent"


@dataclass(frozen=True, slots=True)
class Served:
    """An agent and how many sessions they hold now."""

    card: AgentCard
    held: int

    @property
    def has_room(self) -> bool:
        return self.held < self.card.max_sessions


class Roster:
    """Cards come from auth's events, the newest counts; loads are the commit's sets."""

    def __init__(self, redis: RedisClient, keys: Keys, *, absence_seconds: float = 60.0) -> None:
        self._redis = redis
        self._keys = keys
        self._absence = absence_seconds
        self._keep = load_script("session_agent")

    async def learn(self, card: AgentCard, *, at: float) -> None:
        """Keep the newest card; one that went offline gets a timer for what they hold."""
        absent = card.status == "offline"
        await self._apply(
            card.id, card.model_dump_json(), at, due=at + self._absence if absent else None
        )

    async def forget(self, agent_id: str, *, at: float) -> None:
        """The account is gone: what it held goes back at once."""
        await self._apply(agent_id, "", at, due=at)

    async def mind(self, actor_id: str, *, now: float) -> None:
        """Somebody takes a session on: if they are offline, and have been for so long that what
        they held went back already, this one must not be theirs for ever."""
        card = await self.card(actor_id)
        if card is not None and card.status == "offline":
            timer = {f"{AGENT_TIMER}:{actor_id}": now + self._absence}
            await self._redis.zadd(self._keys.due(), timer)

    async def _apply(self, agent_id: str, card: str, at: float, *, due: float | None) -> None:
        await self._redis.run(
            self._keep,
            [self._keys.agents(), self._keys.due()],
            [
                agent_id,
                card,
                f"{at:.3f}",
                f"{AGENT_TIMER}:{agent_id}",
                "" if due is None else f"{due:.3f}",
            ],
        )

    async def card(self, agent_id: str) -> AgentCard | None:
        """What is known of an agent."""
        raw = await self._redis.hget(self._keys.agents(), agent_id)
        return None if raw is None else AgentCard.model_validate_json(raw)

    async def cards(self) -> list[AgentCard]:
        """Every agent known, by name."""
        fields = await self._redis.hgetall(self._keys.agents())
        cards = [
            AgentCard.model_validate_json(raw)
            for field, raw in fields.items()
            if not field.endswith(b":at")
        ]
        return sorted(cards, key=lambda card: (card.name, card.id))

    async def anybody(self) -> bool:
        """Whether anyone who may serve is here, busy or not."""
        return any(c.status != "offline" and c.role != "guest" for c in await self.cards())

    async def available(self, *, but: str) -> list[Served]:
        """Online, with room, and somebody else."""
        cards = [
            card
            for card in await self.cards()
            if card.status == "online" and card.role != "guest" and card.id != but
        ]
        if not cards:
            return []
        held = await self._redis.pipeline(
            [redis_commands.scard(self._keys.load(card.id)) for card in cards]
        )
        served = [Served(card, count) for card, count in zip(cards, held, strict=True)]
        return [agent for agent in served if agent.has_room]

    async def held_by(self, agent_id: str) -> list[str]:
        """The names of the sessions an agent holds."""
        names = await self._redis.smembers(self._keys.load(agent_id))
        return sorted(name.decode() for name in names)
