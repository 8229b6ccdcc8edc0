"""Passes a call on to the service that owns it and the answer back, bytes as they come.

admitted ──▶ head within the deadline ──▶ events? ──yes──▶ frames through at once ──▶ end
                    │                         │                    │ broken: TURN_LOST
                    ▼                         no                   │ draining: STREAM_MOVED
             503 UNAVAILABLE                  ▼
                                        whole answer
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from common.app import Receive, RequestContext, Scope, Send, context, read_body
from common.app.connection import Connection
from common.clients.lines import Answer, Upstream
from common.ids import NewId
from common.redis.client import RedisClient
from common.security.policy import Limit, Owner, Rule
from starlette.requests import ClientDisconnect

from gateway.calls import Call, Gate
from gateway.errors import ServiceError, Unavailable
from gateway.headers import HeaderRules, vouches
from gateway.patience import Patience
from gateway.relay import EVENTS, Relay
from gateway.threshold import CONNECTION

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the services get."""

    internal_seconds: float
    conversation_seconds: float
    chat_seconds: float
    chat_silence_seconds: float

    def of(self, rule: Rule) -> float:
        if rule.limit is Limit.CHAT:
            return self.chat_seconds
        # these wait for Coze, with its own retries
        return (
            self.conversation_seconds if rule.owner is Owner.CHAT_PROXY else self.internal_seconds
        )


class Proxy:
    """Forwards by the policy table."""

    def __init__(
        self,
        *,
        upstreams: Mapping[Owner, Upstream],
        gate: Gate,
        headers: HeaderRules,
        redis: RedisClient,
        deadlines: Deadlines,
        max_body_bytes: int,
        new_id: NewId,
    ) -> None:
        self._upstreams = upstreams
        self._gate = gate
        self._headers = headers
        self._redis = redis
        self._deadlines = deadlines
        self._max_body = max_body_bytes
        self._new_id = new_id
        # call id → lease key of the chat requests in flight, and the streams among them
        self.leases: dict[str, str] = {}
        self._streaming: set[Relay] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call; raises ServiceError until the answer's head is out."""
        found = context(scope)
        body = b""
        if scope["method"] != "GET":
            body = await read_body(receive, limit=self._max_body)
        call = await self._gate.admit(scope, body, call_id=self._new_id())
        if call.lease is None:
            await self._pass_on(scope, send, found=found, call=call, body=body)
            return
        self.leases[call.id] = call.lease
        try:
            await self._pass_on(scope, send, found=found, call=call, body=body)
        finally:
            del self.leases[call.id]
            await self._release(call)

    async def move_streams(self, *, after_seconds: float) -> None:
        """Chat streams may end by themselves for a while; those that did not are told to move."""
        try:
            async with asyncio.timeout(after_seconds):
                await self._idle.wait()
        except TimeoutError:
            for relay in list(self._streaming):
                relay.move()
            await self._idle.wait()

    @property
    def streaming(self) -> int:
        return len(self._streaming)

    # --- one call ----------------------------------------------------------------------
    async def _pass_on(
        self, scope: Scope, send: Send, *, found: RequestContext, call: Call, body: bytes
    ) -> None:
        connection: Connection = scope[CONNECTION]
        answer, whole = await self._ask(scope, connection, found=found, call=call, body=body)
        if whole is None:
            await self._stream(scope, send, found=found, call=call, answer=answer)
            return
        await self._check(answer, call)
        head = self._headers.answer(scope, call, answer)
        head.append((b"content-length", str(len(whole)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await send({"type": "http.response.body", "body": whole})

    async def _stream(
        self, scope: Scope, send: Send, *, found: RequestContext, call: Call, answer: Answer
    ) -> None:
        relay = Relay(scope[CONNECTION], send, answer, language=found.language)
        try:
            await self._check(answer, call)
            head = self._headers.answer(scope, call, answer)
            with self._in_flight(relay):
                await relay.run(head, silence_seconds=self._deadlines.chat_silence_seconds)
        finally:
            answer.close()

    async def _ask(
        self,
        scope: Scope,
        connection: Connection,
        *,
        found: RequestContext,
        call: Call,
        body: bytes,
    ) -> tuple[Answer, bytes | None]:
        """The answer's head and, unless it is a stream of events, its body."""
        target = scope["raw_path"]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        headers = self._headers.request(scope, found, call)
        try:
            async with Patience(connection, self._deadlines.of(call.rule)):
                answer = await self._upstreams[call.rule.owner].ask(
                    scope["method"].encode(), target, headers, body
                )
                if answer.content_type == EVENTS:
                    return answer, None
                try:
                    return answer, await answer.read()
                finally:
                    answer.close()
        except OSError as error:
            if connection.gone:
                raise ClientDisconnect from None
            log.warning("no answer", extra={"upstream": call.rule.owner.value, "why": repr(error)})
            raise Unavailable(retry_after=1) from error

    @contextmanager
    def _in_flight(self, relay: Relay) -> Iterator[None]:
        self._streaming.add(relay)
        self._idle.clear()
        try:
            yield
        finally:
            self._streaming.discard(relay)
            if not self._streaming:
                self._idle.set()

    async def _check(self, answer: Answer, call: Call) -> None:
        """A failure that is not in the envelope never leaves this house."""
        if answer.status >= 500 and answer.content_type != b"application/json":
            raise Unavailable(retry_after=1)
        if call.guess or call.fresh:
            refused = answer.status == 403
            await self._gate.judge(call, refused=refused, made=vouches(answer))

    async def _release(self, call: Call) -> None:
        try:
            await self._redis.zrem(call.lease or "", call.id)
        except ServiceError:
            # it runs out by itself in 30 s
            log.info("lease not released", extra={"call": call.id})
