"""Logging in, staying logged in, logging out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from common.bus.publisher import Publisher
from common.clock import Clock
from common.contracts.auth import Login
from common.errors import InvalidCredentials, LoginLocked, NotFound, TokenRevoked, Unauthenticated
from common.events import Event
from common.ids import NewId
from common.security.tokens import AgentClaims, TokenSigner

from auth.account import Account
from auth.announcements import NOBODY, audit, family_revoked, presence
from auth.gauges import LoginGauges
from auth.passwords import Hasher
from auth.store import Change, NewFamily, Store
from auth.throttle import Attempt, Limits, attempt_of, device_hash
from auth.tokens import RefreshToken, RefreshTokens


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds."""

    access: int
    refresh: int
    grace: float


@dataclass(frozen=True, slots=True)
class Session:
    """What a login is given: the pair, and who it is."""

    token: str
    refresh_token: str
    expires_in: int
    account: Account


class Logins:
    """The life of a login ("family"): opened by a password, renewed by refresh tokens, ended by
    logout, by a stolen refresh token, or with its account."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        store: Store,
        hasher: Hasher,
        signer: TokenSigner,
        refresh_tokens: RefreshTokens,
        publisher: Publisher,
        limits: Limits,
        lifetimes: Lifetimes,
        logins_per_agent: int,
        gauges: LoginGauges,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._signer = signer
        self._refresh_tokens = refresh_tokens
        self._publisher = publisher
        self._limits = limits
        self._lifetimes = lifetimes
        self._logins_per_agent = logins_per_agent
        self._gauges = gauges
        self._clock = clock
        self._new_id = new_id

    async def login(self, wish: Login, *, address: str) -> Session:
        """Raises InvalidCredentials, after the same time for unknown names and wrong passwords,
        and LoginLocked before any password is tried."""
        account = await self._store.find(wish.username)
        attempt = attempt_of(
            self._new_id(),
            username=wish.username,
            address=address,
            device_id=wish.device_id,
            agent_id=account.id if account else None,
        )
        await self._admit(attempt, account, address=address)
        stored = account.password if account and account.active else None
        if not await self._hasher.matches(wish.password, stored) or account is None:
            self._gauges.login("refused")
            await self._refused("login", account, address=address)
            raise InvalidCredentials
        await self._store.forgive(attempt)
        session = await self._open(account, address=address, device=device_hash(wish.device_id))
        self._gauges.login("ok")
        return session

    async def verify(self, account: Account, password: str, *, address: str) -> bool:
        """The password of somebody who is logged in already, as limited as a login."""
        attempt = attempt_of(
            self._new_id(),
            username=account.username,
            address=address,
            device_id=None,
            agent_id=account.id,
        )
        await self._admit(attempt, account, address=address)
        genuine = await self._hasher.matches(password, account.password)
        if genuine:
            await self._store.forgive(attempt)
        return genuine

    async def refresh(self, text: str, *, address: str) -> Session:
        """Raises Unauthenticated for what is no refresh token of ours, TokenRevoked for one that
        is spent (and then its whole family is dead) or whose login ended."""
        token = self._refresh_tokens.read(text)
        if token is None:
            self._gauges.refresh("forged")
            raise Unauthenticated
        done = await self._store.refresh(
            token,
            self._refresh_tokens,
            grace_seconds=self._lifetimes.grace,
            lifetime_seconds=self._lifetimes.refresh,
            theft=self._theft(token, address),
        )
        self._gauges.refresh(done.status.lower())
        if done.account is None:
            raise TokenRevoked
        return self._session(done.account, token.successor(), issued_at=done.tick)

    async def logout(self, claims: AgentClaims, *, address: str) -> None:
        """Ends this login on all services. The agent is offline, unless another of their logins
        is in use: its next heartbeat brings them back."""
        others = await self._store.live_families(claims.sub, self._clock())
        is_elsewhere = any(family != claims.family for family in others)

        def decide(account: Account) -> Change:
            resume = account.status if is_elsewhere and account.status != "offline" else None
            after = replace(account, status="offline", resume=resume or account.resume)
            return Change(
                before=account,
                after=after,
                gone=True,
                end_family=claims.family,
                events=(
                    family_revoked(account.id, claims.family, "logout"),
                    *presence(account, after, at=self._clock()),
                    self._audit("logout", account, address),
                ),
            )

        await self._store.change(claims.sub, decide)

    async def _open(self, account: Account, *, address: str, device: str | None) -> Session:
        family = self._new_id()
        first = RefreshToken(account.id, family, 1)
        proven = account.password

        def decide(current: Account) -> Change:
            # the password may have changed while this one was being checked
            if current.password != proven:
                raise InvalidCredentials
            now = self._clock()
            status = "online" if current.serves else current.status
            after = replace(current, status=status, resume=None, last_login=now)
            return Change(
                before=current,
                after=after,
                seen=now if current.serves else None,
                device=device,
                family=NewFamily(
                    id=family,
                    hash=self._refresh_tokens.hash(first),
                    lifetime_seconds=self._lifetimes.refresh,
                    limit=self._logins_per_agent,
                ),
                events=(
                    *presence(current, after, at=now),
                    self._audit("login", current, address),
                ),
            )

        try:
            after, tick = await self._store.change(account.id, decide)
        except NotFound:
            raise InvalidCredentials from None
        return self._session(after, first, issued_at=tick)

    def _session(self, account: Account, token: RefreshToken, *, issued_at: float) -> Session:
        access = self._signer.sign_agent(
            agent_id=account.id,
            username=account.username,
            name=account.name,
            role=account.role,
            max_sessions=account.max_sessions,
            jti=self._new_id(),
            family=token.family,
            lifetime_seconds=self._lifetimes.access,
            issued_at=issued_at,
        )
        text = self._refresh_tokens.write(token)
        return Session(access, text, self._lifetimes.access, account)

    def _audit(self, action: str, account: Account, address: str) -> Event:
        name = account.username
        return audit(action, actor=name, target=name, address=address, at=self._clock())

    async def _admit(self, attempt: Attempt, account: Account | None, *, address: str) -> None:
        wait = await self._store.reserve(attempt, self._limits)
        if wait > 0:
            self._gauges.login("locked")
            await self._refused("login_locked", account, address=address)
            raise LoginLocked(retry_after=round(wait, 1))

    async def _refused(self, action: str, account: Account | None, *, address: str) -> None:
        # what strangers type as a user name may be somebody's password: it is not kept
        name = account.username if account else NOBODY
        event = audit(
            action, actor=name, target=name, address=address, at=self._clock(), outcome="refused"
        )
        await self._publisher.publish(event, subject=account.id if account else NOBODY)

    def _theft(self, token: RefreshToken, address: str) -> Sequence[Event]:
        return (
            family_revoked(token.agent_id, token.family, "reuse"),
            audit(
                "refresh_token_reused",
                actor=token.agent_id,
                target=token.agent_id,
                address=address,
                at=self._clock(),
                outcome="refused",
                details={"family": token.family},
            ),
        )
