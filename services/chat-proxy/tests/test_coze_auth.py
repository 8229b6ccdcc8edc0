"""Each session has its own token: signed right, cached, shared, renewed early, one call a time."""

import asyncio

import jwt
import pytest
from chat_proxy.coze.auth import OAuthApp, Token, TokenKeeper, expiry
from chat_proxy.coze.faults import CozeError, Fault, FaultKind


class Shared:
    """A shared cache in memory."""

    def __init__(self) -> None:
        self.held: dict[str, Token] = {}

    async def get(self, session_name: str) -> Token | None:
        return self.held.get(session_name)

    async def put(self, session_name: str, token: Token) -> None:
        self.held[session_name] = token


class Coze:
    """Grants numbered tokens and counts who asked; `gate` holds the answer back."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.asked: list[str] = []
        self.lasting = 900.0
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()
        self.broken = False

    async def exchange(self, session_name: str) -> Token:
        self.asked.append(session_name)
        self.entered.set()
        number = len(self.asked)
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise CozeError(Fault(FaultKind.SERVER))
        return Token(f"{session_name}-{number}", self.now + self.lasting)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def coze() -> Coze:
    return Coze()


@pytest.fixture
def shared() -> Shared:
    return Shared()


@pytest.fixture
def keeper(coze: Coze, shared: Shared) -> TokenKeeper:
    return TokenKeeper(coze.exchange, shared, now=coze.clock, capacity=3)


async def test_a_token_is_asked_for_once_and_then_remembered(
    keeper: TokenKeeper, coze: Coze
) -> None:
    assert await keeper.token("a") == await keeper.token("a") == "a-1"
    assert coze.asked == ["a"]


async def test_every_session_has_its_own(keeper: TokenKeeper) -> None:
    assert await keeper.token("a") != await keeper.token("b")


async def test_a_hundred_askers_make_one_call(keeper: TokenKeeper, coze: Coze) -> None:
    coze.gate = asyncio.Event()
    askers = [asyncio.ensure_future(keeper.token("a")) for _ in range(100)]
    await coze.entered.wait()
    coze.gate.set()
    assert set(await asyncio.gather(*askers)) == {"a-1"}
    assert coze.asked == ["a"]


async def test_a_cancelled_asker_does_not_fail_the_others(keeper: TokenKeeper, coze: Coze) -> None:
    coze.gate = asyncio.Event()
    first = asyncio.ensure_future(keeper.token("a"))
    second = asyncio.ensure_future(keeper.token("a"))
    await coze.entered.wait()
    first.cancel()
    coze.gate.set()
    assert await second == "a-2"


async def test_it_is_renewed_thirty_seconds_early(keeper: TokenKeeper, coze: Coze) -> None:
    await keeper.token("a")
    coze.now += 869
    assert await keeper.token("a") == "a-1"
    coze.now += 1
    assert await keeper.token("a") == "a-2"


async def test_another_replica_finds_it_in_the_shared_cache(coze: Coze, shared: Shared) -> None:
    one = TokenKeeper(coze.exchange, shared, now=coze.clock)
    two = TokenKeeper(coze.exchange, shared, now=coze.clock)
    assert await one.token("a") == await two.token("a")
    assert coze.asked == ["a"]


async def test_a_refused_token_is_replaced_for_all(
    keeper: TokenKeeper, coze: Coze, shared: Shared
) -> None:
    stale = await keeper.token("a")
    renewed = await asyncio.gather(*(keeper.renewed("a", stale) for _ in range(10)))
    assert set(renewed) == {"a-2"}
    assert shared.held["a"].value == "a-2"
    assert coze.asked == ["a", "a"]


async def test_the_memory_is_bounded(keeper: TokenKeeper, coze: Coze, shared: Shared) -> None:
    for name in "abcd":
        await keeper.token(name)
    shared.held.clear()
    await keeper.token("d")
    assert coze.asked == list("abcd")
    await keeper.token("a")
    assert coze.asked == [*"abcd", "a"]


async def test_a_failure_is_not_remembered(keeper: TokenKeeper, coze: Coze) -> None:
    coze.broken = True
    with pytest.raises(CozeError):
        await keeper.token("a")
    assert keeper.obtained_at is None
    coze.broken = False
    assert await keeper.token("a") == "a-2"
    assert keeper.obtained_at == coze.now


def test_the_jwt_carries_the_session_and_the_bare_host(private_key: str) -> None:
    app = OAuthApp.at(
        "https://api.coze.cn", client_id="app-1", key_id="kid-1", private_key=private_key
    )
    signed = app.sign("session_a", now=1_700_000_000, jti="j" * 40)
    assert jwt.get_unverified_header(signed) == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}
    assert jwt.decode(signed, options={"verify_signature": False}) == {
        "iss": "app-1",
        "aud": "api.coze.cn",
        "iat": 1_700_000_000,
        "exp": 1_700_000_600,
        "jti": "j" * 40,
        "session_name": "session_a",
    }


@pytest.mark.parametrize(("sent", "meant"), [(1_721_135_859, 1_721_135_859), (900, 1900)])
def test_expires_in_is_an_instant_or_a_duration(sent: float, meant: float) -> None:
    assert expiry(sent, now=1000) == meant
