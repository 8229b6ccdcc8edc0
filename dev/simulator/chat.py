"""`POST /v1/workflows/chat`: checks the request, plays the faults it meets, streams the answer."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

from dev.simulator.answers import answer
from dev.simulator.coze import Coze
from dev.simulator.doors import play_doors, refuse_json
from dev.simulator.faults import (
    FAULTS,
    Called,
    UnknownFaultError,
    called_in,
    without_calls,
)
from dev.simulator.ledger import Chat, Conversation
from dev.simulator.rewrites import Play
from dev.simulator.stream import (
    CHAT_CANCELED,
    CHAT_FAILED,
    CHAT_REQUIRES_ACTION,
    COMPLETED,
    DELTA,
    Cut,
    Frame,
    Framing,
    Half,
    Item,
    Raw,
    Repeat,
    Voice,
    Wait,
    dump,
)
from dev.wire import CallerGoneError, Exchange

MAX_MESSAGES = 50
IMPLICIT_OWNER = "*"


class RefusedChatError(Exception):
    """The request is refused with a Coze code before any stream."""

    def __init__(self, code: int, msg: str = "") -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat request that passed the checks."""

    text: str
    called: list[Called]
    conversation: Conversation

    def meets(self, name: str) -> bool:
        return any(fault.name == name for fault in self.called)


async def workflow_chat(coze: Coze, exchange: Exchange, *, session: str) -> None:
    """The whole call. What became of it is kept in the calls' log as `outcome`."""
    try:
        body = exchange.request.json()
        text = _question(coze, body)
        called = [*called_in(text), *coze.armoury.take("chat", session)]
    except (ValueError, UnknownFaultError) as error:
        await refuse_json(exchange, 4000, msg=f"Request parameter error: {error}")
        return
    except RefusedChatError as refused:
        await refuse_json(exchange, refused.code, msg=refused.msg)
        return
    note = coze.calls.note("chat", session, body=body, outcome="refused")
    if await play_doors(coze, exchange, called=called, session=session):
        note["outcome"] = "fault"
        return
    try:
        conversation = _conversation(coze, body, session=session, called=called)
    except RefusedChatError as refused:
        note["outcome"] = refused.code
        await refuse_json(exchange, refused.code, msg=refused.msg)
        return
    asked = Asked(text=without_calls(text), called=called, conversation=conversation)
    note["conversation_id"] = conversation.id
    await _converse(coze, exchange, asked=asked, note=note)


def _question(coze: Coze, body: dict[str, Any]) -> str:
    """The text of the last message, which must be the user's."""
    if not body.get("workflow_id"):
        raise RefusedChatError(4000, "Request parameter error: workflow_id is required")
    if body["workflow_id"] != coze.settings.workflow_id:
        raise RefusedChatError(4200, f"workflow_id={body['workflow_id']} does not exist")
    if body.get("app_id") and body.get("bot_id"):
        raise RefusedChatError(4000, "Request parameter error: either app_id or bot_id")
    if not isinstance(body.get("parameters") or {}, dict):
        raise RefusedChatError(4000, "Request parameter error: parameters is no object")
    messages = body.get("additional_messages") or []
    if not isinstance(messages, list) or not 0 < len(messages) <= MAX_MESSAGES:
        raise RefusedChatError(4000, "Request parameter error: 1 to 50 additional_messages")
    last = messages[-1]
    if not isinstance(last, dict) or last.get("role") != "user":
        raise RefusedChatError(4000, "Request parameter error: the last message must be the user's")
    return str(last.get("content") or "")


def _conversation(
    coze: Coze, body: dict[str, Any], *, session: str, called: list[Called]
) -> Conversation:
    names = {fault.name for fault in called}
    wanted = body.get("conversation_id")
    if not wanted:
        coze.calls.count("implicit_conversation", session)
        return _implicit(coze, session, sticky="sticky_conversation" in names)
    conversation = owned(coze, str(wanted), session=session)
    if conversation.busy or "overlap" in names:
        raise RefusedChatError(4016)
    return conversation


def owned(coze: Coze, conversation_id: str, *, session: str) -> Conversation:
    """The conversation, if this session made it. Raises RefusedChatError otherwise."""
    conversation = coze.ledger.conversations.get(conversation_id)
    if conversation is None:
        raise RefusedChatError(4001, f"conversation_id={conversation_id} does not exist")
    if conversation.owner not in (session, IMPLICIT_OWNER):
        coze.calls.count("foreign_conversation", session)
        raise RefusedChatError(4101)
    return conversation


def _implicit(coze: Coze, session: str, *, sticky: bool) -> Conversation:
    if not sticky:
        return coze.ledger.open(session, at=coze.second)
    if coze.ledger.implicit is None:
        coze.ledger.implicit = coze.ledger.open(IMPLICIT_OWNER, at=coze.second)
    return coze.ledger.implicit


async def _converse(coze: Coze, exchange: Exchange, *, asked: Asked, note: dict[str, Any]) -> None:
    """One round: streamed, then stored. A caller who leaves does not undo the round, as at Coze."""
    conversation = asked.conversation
    chat = coze.ledger.start_chat(conversation, at=coze.second)
    chat.status = "in_progress"
    note["chat_id"] = chat.id
    said = ""
    try:
        if asked.meets("bench"):
            said = await _bench(coze, exchange, chat=chat)
        else:
            said = await _tell(coze, exchange, asked=asked, chat=chat)
    except CallerGoneError:
        note["outcome"] = "left"
        raise
    finally:
        if chat.running:
            chat.status = "completed"
        if note["outcome"] != "left":
            note["outcome"] = chat.status
        _store(coze, asked, chat=chat, said=said)


def _store(coze: Coze, asked: Asked, *, chat: Chat, said: str) -> None:
    at = coze.second
    say = coze.ledger.say
    say(asked.conversation, chat.id, role="user", kind="question", text=asked.text, at=at)
    if said:
        say(asked.conversation, chat.id, role="assistant", kind="answer", text=said, at=at)


async def _tell(coze: Coze, exchange: Exchange, *, asked: Asked, chat: Chat) -> str:
    """Streams the answer as the faults bend it; returns what was said."""
    scripted = coze.prompter.take(asked.conversation.owner)
    honest = scripted or answer(asked.text, asked.conversation.turns())
    chat.input_count = max(1, len(asked.text) // 3)
    chat.output_count = max(1, len(honest.text) // 3)
    voice = Voice(chat=chat, ids=coze.ids)
    play = Play(
        script=voice.script(honest),
        framing=Framing(),
        gap=coze.settings.pace_ms / 1000,
        voice=voice,
    )
    for fault in asked.called:
        rewrite = FAULTS[fault.name].rewrite
        play = rewrite(play, fault.value()) if rewrite else play
    exchange.begin()
    await Teller(exchange=exchange, play=play, chat=chat).tell()
    failed = chat.status == "failed"
    return "" if failed else honest.text


@dataclass(slots=True)
class Teller:
    """Sends a script item by item, and stops when the chat is cancelled."""

    exchange: Exchange
    play: Play
    chat: Chat
    sent: int = 0

    async def tell(self) -> None:
        for item in self.play.script:
            if self._canceled():
                await self._say_canceled()
                break
            if not await self._send(item):
                return
        await self.exchange.end()

    async def _send(self, item: Item) -> bool:
        """Sends one item; False when the connection is not to be used any more."""
        match item:
            case Frame():
                await self._frame(item)
            case Raw(data):
                await self.exchange.write(data)
            case Wait(seconds):
                await self.exchange.pause(seconds, until=self._canceled)
            case Half(frame):
                data = self.play.framing.encode(frame)
                await self.exchange.write(data[: len(data) * 2 // 3])
            case Repeat():
                await self._repeat(item)
            case Cut(how):
                return await self._cut(how)
        return True

    async def _frame(self, frame: Frame) -> None:
        if frame.answers and self.play.gap:
            await self.exchange.pause(self.play.gap, until=self._canceled)
            if self._canceled():
                return
        if frame.event in (CHAT_FAILED, "error"):
            self.chat.status = "failed"
        if frame.event == CHAT_REQUIRES_ACTION:
            self.chat.status = "requires_action"
        self.sent += 1
        data = self.play.framing.encode(frame, self.sent)
        shred = self.play.framing.shred
        if not shred:
            await self.exchange.write(data)
            return
        for start in range(0, len(data), shred):
            await self.exchange.write(data[start : start + shred])
            await asyncio.sleep(0)

    async def _repeat(self, item: Repeat) -> None:
        count = 0
        while (item.times == 0 or count < item.times) and not self._canceled():
            await self.exchange.write(item.data)
            await self.exchange.pause(item.gap, until=self._canceled)
            count += 1

    async def _cut(self, how: str) -> bool:
        self.chat.status = "failed"
        if how == "reset":
            # What was written must be on the wire before the reset throws it away.
            await asyncio.sleep(0.05)
            self.exchange.reset()
        elif how == "drop":
            self.exchange.reusable = False
        else:
            await self.exchange.end()
        return False

    async def _say_canceled(self) -> None:
        canceled = Frame(CHAT_CANCELED, self.chat.payload())
        for frame in (canceled, self.play.voice.done()):
            await self.exchange.write(self.play.framing.encode(frame, self.sent))

    def _canceled(self) -> bool:
        return self.chat.status == "canceled"


async def _bench(coze: Coze, exchange: Exchange, *, chat: Chat) -> str:
    """A fixed number of deltas at fixed instants, cheaply: the upstream of every benchmark.

    Each delta is `<number> <monotonic_ns of its sending> `, so that a reader on the same machine
    can tell how late it came.
    """
    voice = Voice(chat=replace(chat, output_count=coze.settings.bench_chunks), ids=coze.ids)
    framing = Framing()
    exchange.begin()
    await exchange.write(b"".join(framing.encode(frame) for frame in voice.opening()))
    message_id = next(coze.ids)
    mark = "@@content@@"
    template = dump(voice.message("answer", mark, message_id=message_id))
    before, _, after = (b"event: %b\ndata: %b\n\n" % (DELTA.encode(), template)).partition(
        mark.encode()
    )
    loop = asyncio.get_running_loop()
    start = loop.time()
    gap = coze.settings.bench_gap_ms / 1000
    said: list[str] = []
    for number in range(coze.settings.bench_chunks):
        early = start + number * gap - loop.time()
        if early > 0:
            await asyncio.sleep(early)
        piece = f"{number} {time.monotonic_ns()} "
        said.append(piece)
        await exchange.write(before + piece.encode() + after)
    text = "".join(said)
    whole = Frame(COMPLETED, voice.message("answer", text, message_id=message_id))
    ending = [whole, voice.completed(), voice.done()]
    await exchange.write(b"".join(framing.encode(frame) for frame in ending))
    await exchange.end()
    return text
