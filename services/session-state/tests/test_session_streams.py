"""What streams read: log pages, the generation; and the typed client against the real app."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from common.clients.http import ServiceClient
from common.clients.session_state import SessionStateClient
from common.contracts.sessions import (
    BindConversation,
    ConversationCheck,
    ConversationSet,
    OpenTurn,
    RenewLease,
    SessionState,
    SessionSummary,
)
from common.errors import NotFound, SessionForbidden, TurnLost
from common.redis import Keys
from common.redis.streams import xadd


@pytest.fixture
async def client(service: Any) -> AsyncIterator[SessionStateClient]:
    signer = service.keys.internal("chat-proxy")
    async with ServiceClient(service.url, audience="session-state", signer=signer) as http:
        yield SessionStateClient(http)


async def test_every_method_of_the_client_is_answered_as_the_contract_says(
    service: Any, client: SessionStateClient
) -> None:
    allowed = await client.check_conversation(ConversationCheck())
    assert allowed.exists is False
    made = await client.set_conversation(
        ConversationSet(session_name=allowed.session_name, conversation_id="1", language="de")
    )
    assert (made.conversation_id, made.language) == ("1", "de")
    ticket = await client.open_turn(
        OpenTurn(session_name=made.session_name, sid=made.sid, message="hi")
    )
    assert (ticket.verdict, ticket.conversation_id, ticket.language) == ("answer", "1", "de")
    await client.renew_lease(RenewLease(session_name=made.session_name, turn_id=ticket.turn_id))
    bind = BindConversation(
        session_name=made.session_name,
        turn_id=ticket.turn_id,
        epoch=ticket.epoch,
        conversation_id="2",
    )
    assert (await client.bind_conversation(bind)).conversation_id == "1"
    refused = bind.model_copy(update={"instead_of": "1"})
    assert (await client.bind_conversation(refused)).conversation_id == "2"
    with pytest.raises(TurnLost):
        await client.bind_conversation(bind.model_copy(update={"epoch": 99}))
    with pytest.raises(SessionForbidden):
        await client.check_conversation(
            ConversationCheck(session_name=made.session_name, sid="wrong")
        )
    page = await client.log(made.session_name)
    assert [entry.type for entry in page.entries] == ["message_added"]
    assert (page.newest_seq, page.complete, page.status) == (1, True, "bot_active")
    with pytest.raises(NotFound):
        await client.log("nobody")
    await client.seen([f"v{number}" for number in range(4500)])
    assert (await client.shift_status())["is_in_shift"] is True


async def test_pages_lead_through_the_whole_log_without_gap_or_double(
    service: Any, client: SessionStateClient
) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    for number in range(30):
        await visitor.say(f"m{number}")
    for audience in ("va", "a"):
        after, seqs = 0, []
        while True:
            page = await client.log("v1", after=after, limit=7, audience=audience)
            seqs += [entry.seq for entry in page.entries]
            if page.complete:
                break
            after = page.entries[-1].seq
        assert seqs == list(range(1, page.newest_seq + 1))


async def test_a_log_entry_is_the_line_that_went_over_the_bus(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    path = "/internal/sessions/v1/log?audience=a"
    _, page = await service.get(path, service.as_service("gateway"))
    on_bus = {
        int(entry.fields[b"seq"]): entry.data.decode()
        for entry in await service.bus()
        if entry.subject == "v1" and b"seq" in entry.fields
    }
    assert {entry["seq"]: entry["data"] for entry in page["entries"]} == on_bus


async def test_visitors_never_get_what_only_agents_may_see(service: Any) -> None:
    await service.visitor("v1")
    note = {"type": "note", "at": "1.000", "audience": "a", "data": '{"seq":3,"type":"note"}'}
    await service.redis.pipeline([xadd(Keys().log("v1"), note, entry_id="3-0")])
    pages = {audience: await log_page(service, audience) for audience in ("va", "a")}
    assert "note" in [entry["type"] for entry in pages["a"]["entries"]]
    assert "note" not in [entry["type"] for entry in pages["va"]["entries"]]
    assert pages["va"]["newest_seq"] == pages["a"]["newest_seq"] == 3


async def test_a_visitors_other_tabs_learn_that_the_rating_was_given(service: Any) -> None:
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    await service.post("/api/sessions/v1/release", None, service.as_agent("ann"))
    await visitor.post("/api/sessions/v1/rating", {"score": 1, "comment": "slow"})
    seen = (await log_page(service, "va"))["entries"]
    assert [entry["type"] for entry in seen][-2:] == ["rating_request", "rating"]


async def log_page(service: Any, audience: str) -> Any:
    path = f"/internal/sessions/v1/log?audience={audience}"
    _, page = await service.get(path, service.as_service("gateway"))
    return page


async def test_the_generation_is_made_once(start: Any, redis: Any, keys: Keys) -> None:
    async with start():
        first = await redis.get(keys.generation())
    async with start():
        assert await redis.get(keys.generation()) == first


async def test_views_are_what_the_contracts_say(service: Any) -> None:
    """The views are built by hand for speed; this holds them to the models."""
    visitor = await service.visitor("v1")
    await visitor.served_by("ann")
    _, shown = await service.get("/api/sessions/v1", service.as_agent())
    state = SessionState.model_validate(shown["data"]["session"])
    assert set(shown["data"]["session"]) == set(SessionState.model_fields)
    assert state.assigned_agent is not None
    _, listed = await service.get("/api/sessions", service.as_agent())
    summary = listed["data"]["sessions"][0]
    assert set(summary) == set(SessionSummary.model_fields)
    assert SessionSummary.model_validate(summary).status == "manual_live"
    last = [entry for entry in await service.bus() if b"summary" in entry.fields][-1]
    assert set(orjson.loads(last.fields[b"summary"])) == set(SessionSummary.model_fields)
