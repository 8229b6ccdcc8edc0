"""session-state keeps what `contracts/sessions.py` promises the services that call it."""

import pytest
from common.clients.session_state import SessionStateClient
from common.contracts.sessions import (
    BindConversation,
    ConversationCheck,
    ConversationSet,
    OpenTurn,
    RenewLease,
)
from common.errors import (
    Busy,
    ManualInProgress,
    NotFound,
    SessionBlocked,
    SessionForbidden,
    TurnInProgress,
    TurnLost,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from session_state.commands import Actor, Block, Escalate


async def escalated(session_state, name: str) -> None:
    await done(session_state, name, Escalate(details="user_request"))


async def done(session_state, name: str, command) -> None:
    async def prepare(_found):
        return command

    await session_state.wiring.sessions.apply(name, prepare)


# --- turns -----------------------------------------------------------------------------------


async def test_a_turn_is_opened_with_a_ticket(sessions):
    ticket = await sessions.open_turn(OpenTurn(session_name="session_a", message="Hello"))
    assert (ticket.verdict, ticket.session_name, ticket.status) == (
        "answer",
        "session_a",
        "bot_active",
    )
    assert ticket.sid
    assert ticket.turn_id
    assert ticket.message_id
    assert ticket.message == "Hello"
    assert ticket.conversation_id is None


async def test_a_rule_turns_the_ticket_into_a_notice(sessions):
    ticket = await sessions.open_turn(OpenTurn(message="I want to talk to a human agent"))
    assert (ticket.verdict, ticket.status) == ("notice", "pending_manual")
    assert ticket.notice


async def test_a_second_turn_beside_the_first_is_refused(sessions):
    first = await sessions.open_turn(OpenTurn(session_name="session_a", message="Hello"))
    with pytest.raises(TurnInProgress) as refused:
        await sessions.open_turn(
            OpenTurn(session_name="session_a", sid=first.sid, message="And now?")
        )
    assert refused.value.details == {"turn_id": first.turn_id}


async def test_a_name_alone_opens_nothing_that_exists(sessions):
    await sessions.open_turn(OpenTurn(session_name="session_a", message="Hello"))
    for sid in (None, "somebody-else's"):
        with pytest.raises(SessionForbidden):
            await sessions.open_turn(OpenTurn(session_name="session_a", sid=sid, message="Me!"))


async def test_no_turn_is_opened_while_a_person_is_called(sessions, session_state):
    ticket = await sessions.open_turn(OpenTurn(session_name="session_a", message="Hello"))
    await escalated(session_state, "session_a")
    with pytest.raises(ManualInProgress) as refused:
        await sessions.open_turn(
            OpenTurn(session_name="session_a", sid=ticket.sid, message="Are you there?")
        )
    assert refused.value.details == {"status": "pending_manual"}


async def test_no_turn_is_opened_for_who_is_blocked(sessions, session_state):
    ticket = await sessions.open_turn(OpenTurn(session_name="session_a", message="Hello"))
    actor = Actor("ann", "Ann", "agent", 5)
    await done(session_state, "session_a", Block(actor, "insults"))
    with pytest.raises(SessionBlocked) as refused:
        await sessions.open_turn(OpenTurn(session_name="session_a", sid=ticket.sid, message="Ha"))
    assert refused.value.details["until"] > 0


async def test_no_session_is_begun_while_redis_is_full(sessions, session_state):
    session_state.wiring.asks._pressure.is_high = True
    with pytest.raises(Busy) as refused:
        await sessions.open_turn(OpenTurn(message="Hello"))
    assert refused.value.details["retry_after"] > 0


async def test_a_text_too_long_for_the_owner_is_refused(sessions):
    with pytest.raises(ValidationFailed) as refused:
        await sessions.open_turn(OpenTurn(message="x" * 5001))
    assert refused.value.details["fields"][0]["field"] == "message"


async def test_a_lease_is_renewed_until_the_turn_is_lost(sessions):
    ticket = await sessions.open_turn(OpenTurn(session_name="session_a", message="Hello"))
    await sessions.renew_lease(RenewLease(session_name="session_a", turn_id=ticket.turn_id))
    with pytest.raises(TurnLost):
        await sessions.renew_lease(RenewLease(session_name="session_a", turn_id="another"))


async def test_the_first_conversation_bound_is_the_one_that_counts(sessions):
    ticket = await sessions.open_turn(OpenTurn(session_name="session_a", message="Hello"))

    def bind(conversation: str, epoch: int = ticket.epoch) -> BindConversation:
        return BindConversation(
            session_name="session_a",
            turn_id=ticket.turn_id,
            epoch=epoch,
            conversation_id=conversation,
        )

    assert (await sessions.bind_conversation(bind("7374"))).conversation_id == "7374"
    assert (await sessions.bind_conversation(bind("9999"))).conversation_id == "7374"
    with pytest.raises(TurnLost):
        await sessions.bind_conversation(bind("9999", epoch=ticket.epoch + 1))


# --- conversations ---------------------------------------------------------------------------


async def test_a_conversation_is_checked_and_set(sessions):
    allowed = await sessions.check_conversation(ConversationCheck(session_name="session_a"))
    assert (allowed.session_name, allowed.exists) == ("session_a", False)
    made = await sessions.set_conversation(
        ConversationSet(session_name="session_a", conversation_id="7374")
    )
    assert (made.session_name, made.conversation_id, made.vip) == ("session_a", "7374", False)
    assert made.sid
    again = await sessions.check_conversation(
        ConversationCheck(session_name="session_a", sid=made.sid)
    )
    assert again.exists
    cleared = await sessions.set_conversation(
        ConversationSet(session_name="session_a", sid=made.sid, conversation_id="8", clear=True)
    )
    assert cleared.conversation_id == "8"


async def test_a_name_is_drawn_where_none_is_given(sessions):
    allowed = await sessions.check_conversation(ConversationCheck())
    assert allowed.session_name
    assert not allowed.exists


async def test_strangers_and_waiting_sessions_get_no_new_conversation(sessions, session_state):
    made = await sessions.set_conversation(
        ConversationSet(session_name="session_a", conversation_id="7374")
    )
    calls = (
        lambda sid: sessions.check_conversation(
            ConversationCheck(session_name="session_a", sid=sid)
        ),
        lambda sid: sessions.set_conversation(
            ConversationSet(session_name="session_a", sid=sid, conversation_id="8")
        ),
    )
    for call in calls:
        with pytest.raises(SessionForbidden):
            await call("somebody-else's")
    await escalated(session_state, "session_a")
    for call in calls:
        with pytest.raises(ManualInProgress):
            await call(made.sid)


# --- the log, presence, hours ----------------------------------------------------------------


async def test_the_log_comes_in_pages_of_its_reader(sessions):
    ticket = await sessions.open_turn(OpenTurn(message="I want to talk to a human agent"))
    whole = await sessions.log(ticket.session_name, audience="a")
    assert whole.complete
    assert (whole.sid, whole.status) == (ticket.sid, "pending_manual")
    assert [entry.seq for entry in whole.entries] == sorted(e.seq for e in whole.entries)
    assert all(entry.data.startswith(f'{{"seq":{entry.seq},"type":') for entry in whole.entries)
    first = await sessions.log(ticket.session_name, limit=1, audience="a")
    assert (len(first.entries), first.complete, first.newest_seq) == (1, False, whole.newest_seq)
    rest = await sessions.log(ticket.session_name, after=first.entries[0].seq, audience="a")
    assert first.entries + rest.entries == whole.entries
    visitors = await sessions.log(ticket.session_name)
    assert {entry.audience for entry in visitors.entries} == {"va"}


async def test_an_unknown_session_has_no_log(sessions):
    with pytest.raises(NotFound):
        await sessions.log("nobody")


async def test_any_number_of_visitors_may_be_reported(sessions):
    await sessions.seen([f"{number:0128}" for number in range(1_000)])  # the longest there are


async def test_everybody_may_know_the_hours(sessions):
    shift = await sessions.shift_status()
    assert shift["is_in_shift"] is True
    assert set(shift) == {
        "shift_start",
        "shift_end",
        "timezone",
        "weekends_disabled",
        "holidays",
        "is_in_shift",
        "next_open_at",
    }


# --- who may call ----------------------------------------------------------------------------

CALLS = {
    "open_turn": lambda c: c.open_turn(OpenTurn(message="Hello")),
    "renew_lease": lambda c: c.renew_lease(RenewLease(session_name="a", turn_id="t")),
    "bind_conversation": lambda c: c.bind_conversation(
        BindConversation(session_name="a", turn_id="t", epoch=0, conversation_id="7")
    ),
    "check_conversation": lambda c: c.check_conversation(ConversationCheck()),
    "set_conversation": lambda c: c.set_conversation(
        ConversationSet(session_name="a", conversation_id="7")
    ),
    "log": lambda c: c.log("a"),
    "seen": lambda c: c.seen(["a"]),
}


@pytest.mark.parametrize("name", CALLS)
async def test_only_services_are_let_in(session_state, client_of, name):
    async with client_of(session_state.url, "session-state", secret="x" * 32) as http:
        with pytest.raises(Unauthenticated):
            await CALLS[name](SessionStateClient(http))
    async with client_of(session_state.url, "auth") as http:
        with pytest.raises(Unauthenticated):
            await CALLS[name](SessionStateClient(http))


@pytest.mark.parametrize("name", [*CALLS, "shift_status"])
async def test_a_provider_that_is_away_is_unavailable(client_of, name):
    calls = {**CALLS, "shift_status": lambda c: c.shift_status()}
    async with client_of("http://127.0.0.1:9", "session-state") as http:
        with pytest.raises(Unavailable):
            await calls[name](SessionStateClient(http))


def test_every_method_of_the_client_is_held_to_its_contract(methods_of):
    assert methods_of(SessionStateClient) == {*CALLS, "shift_status"}
