"""Accounts: made, changed and ended by admins; profile, password and presence by their owners."""

from dataclasses import dataclass, replace
from typing import Any

from common.clock import Clock
from common.contracts.auth import AgentUpdate, ChangePassword, NewAgent, ProfileUpdate
from common.errors import NotFound
from common.events import Event
from common.events.agents import Presence
from common.ids import NewId
from common.security.tokens import AgentClaims

from auth.account import Account
from auth.announcements import (
    all_revoked,
    audit,
    card_changed,
    family_revoked,
    presence,
    removed,
)
from auth.errors import WrongPassword
from auth.logins import Logins
from auth.passwords import Hasher, random_password
from auth.policy import check_password
from auth.store import FAMILY, Change, Store


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it, for the audit."""

    name: str
    address: str


class Agents:
    """Raises NotFound for accounts that are not active, LastAdmin, UsernameTaken, WeakPassword."""

    def __init__(
        self, *, store: Store, hasher: Hasher, logins: Logins, clock: Clock, new_id: NewId
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._logins = logins
        self._clock = clock
        self._new_id = new_id

    # --- one's own account ---------------------------------------------------------------
    async def profile(self, claims: AgentClaims) -> Account:
        account = await self._store.get(claims.sub)
        if account is None or not account.active:
            raise NotFound
        return account

    async def update_profile(self, claims: AgentClaims, wish: ProfileUpdate) -> Account:
        def decide(account: Account) -> Change | None:
            after = replace(account, **_given(wish))
            if after == account:
                return None
            events: tuple[Event, ...] = ()
            if after.name != account.name:
                events = (card_changed(after, at=self._clock()),)
            return Change(before=account, after=after, events=events)

        return (await self._store.change(claims.sub, decide))[0]

    async def change_password(self, claims: AgentClaims, wish: ChangePassword, by: Actor) -> None:
        """All other logins of the agent end; this one goes on."""
        account = await self.profile(claims)
        if not await self._logins.verify(account, wish.old_password, address=by.address):
            raise WrongPassword
        check_password(wish.new_password, username=account.username)
        proven, fresh = account.password, await self._hasher.hash(wish.new_password)

        def decide(current: Account) -> Change:
            if current.password != proven:
                raise WrongPassword
            return Change(
                before=current,
                after=replace(current, password=fresh),
                end_others=family_revoked(current.id, FAMILY, "password_changed"),
                keep_family=claims.family,
                events=(self._audit("password_changed", by, current.username),),
            )

        await self._store.change(claims.sub, decide)

    async def set_status(self, claims: AgentClaims, status: Presence) -> Account:
        """What the agent chose stays until they choose again, log out or fall silent."""

        def decide(account: Account) -> Change:
            after = replace(account, status=status, resume=None)
            is_present = status != "offline"
            return Change(
                before=account,
                after=after,
                seen=self._clock() if is_present else None,
                gone=not is_present,
                events=tuple(presence(account, after, at=self._clock())),
            )

        return (await self._store.change(claims.sub, decide))[0]

    # --- by admins -----------------------------------------------------------------------
    async def page(self, *, limit: int, offset: int) -> tuple[list[Account], int]:
        return await self._store.page(limit=limit, offset=offset)

    async def create(self, wish: NewAgent, by: Actor, *, first_admin: bool = False) -> Account:
        """With `first_admin`, raises Skipped where there is an admin already."""
        check_password(wish.password, username=wish.username)
        account = Account(
            id=self._new_id(),
            username=wish.username,
            name=wish.name,
            role=wish.role,
            password=await self._hasher.hash(wish.password),
            created_at=round(self._clock(), 3),
            max_sessions=wish.max_sessions,
        )
        events = (
            card_changed(account, at=self._clock()),
            self._audit("agent_created", by, account.username, role=account.role),
        )
        await self._store.commit(
            Change(before=None, after=account, events=events, first_admin=first_admin)
        )
        return account

    async def update(self, username: str, wish: AgentUpdate, by: Actor) -> Account:
        """A changed role ends the access tokens that carry the old one; logins go on."""

        def decide(account: Account) -> Change | None:
            after = replace(account, **_given(wish))
            if after == account:
                return None
            if not after.serves:
                after = replace(after, status="offline", resume=None)
            changed = _given(wish)
            events = [
                *presence(account, after, at=self._clock()),
                card_changed(after, at=self._clock()),
                self._audit("agent_updated", by, account.username, **changed),
            ]
            if after.role != account.role:
                events.append(all_revoked(account.id, "role_changed"))
            return Change(before=account, after=after, events=tuple(events), gone=not after.serves)

        return (await self._store.change(await self._id(username), decide))[0]

    async def deactivate(self, username: str, by: Actor) -> None:
        """The account stays for the record; its name is free again, all its tokens are dead."""

        def decide(account: Account) -> Change:
            return Change(
                before=account,
                after=replace(account, active=False, status="offline", resume=None),
                gone=True,
                end_all=True,
                events=(
                    all_revoked(account.id, "deactivated"),
                    removed(account, at=self._clock()),
                    self._audit("agent_deactivated", by, account.username),
                ),
            )

        await self._store.change(await self._id(username), decide)

    async def reset_password(self, username: str, wish: str | None, by: Actor) -> str | None:
        """Ends all logins. Without a wish a random password is set, and returned this once."""
        password = wish if wish is not None else random_password()
        agent_id = await self._id(username)
        check_password(password, username=username)
        fresh = await self._hasher.hash(password)

        def decide(account: Account) -> Change:
            return Change(
                before=account,
                after=replace(account, password=fresh),
                end_all=True,
                events=(
                    all_revoked(account.id, "password_reset"),
                    self._audit("password_reset", by, account.username),
                ),
            )

        await self._store.change(agent_id, decide)
        return None if wish is not None else password

    async def _id(self, username: str) -> str:
        account = await self._store.find(username)
        if account is None:
            raise NotFound
        return account.id

    def _audit(self, action: str, by: Actor, target: str, **details: Any) -> Event:
        texts = {key: str(value) for key, value in details.items()}
        return audit(
            action,
            actor=by.name,
            target=target,
            address=by.address,
            at=self._clock(),
            details=texts,
        )


def _given(wish: ProfileUpdate | AgentUpdate) -> dict[str, Any]:
    """The fields that were sent with a value."""
    return wish.model_dump(exclude_none=True)
