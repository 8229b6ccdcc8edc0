"""One AI stream on its way through: whole frames at once, and an honest end when it breaks."""

import asyncio

from common.app import Send
from common.app.connection import Connection, chunk
from common.clients.lines import Answer

from gateway.errors import StreamMoved, TurnLost
from gateway.frames import chat_error
from gateway.patience import Patience

EVENTS = b"text/event-stream"
# A reader that takes nothing for so long is cut off, as on events streams.
_LAST_WORD_SECONDS = 15.0


class Relay:
    """From an upstream's answer to the caller. Nothing is held back but the rest of a frame that
    is not whole yet, so a break never shows half of one."""

    def __init__(
        self,
        connection: Connection,
        send: Send,
        answer: Answer,
        *,
        language: str,
    ) -> None:
        self._connection = connection
        self._send = send
        self._answer = answer
        self._language = language
        self._patience: Patience | None = None

    def move(self) -> None:
        """This gateway is going: end with STREAM_MOVED."""
        if self._patience is not None:
            self._patience.give_up("moved")

    async def run(self, head: list[tuple[bytes, bytes]], *, silence_seconds: float) -> None:
        """Until the upstream ends, breaks, or is silent for too long."""
        await self._send(
            {"type": "http.response.start", "status": self._answer.status, "headers": head}
        )
        last = b""
        try:
            async with Patience(self._connection, silence_seconds, anew=True) as patience:
                self._patience = patience
                await self._relay(patience)
        except TimeoutError:
            moved = self._patience is not None and self._patience.reason == "moved"
            last = chat_error(StreamMoved() if moved else TurnLost(), self._language)
        except OSError:
            last = chat_error(TurnLost(), self._language)
        if not self._connection.gone:
            await self._end(last)

    async def _relay(self, patience: Patience) -> None:
        """The service's bytes are written in the step in which they came; this task only waits."""
        connection, answer, rest = self._connection, self._answer, b""

        def sink(data: bytes) -> None:
            nonlocal rest
            patience.heard()
            whole = rest + data if rest else data
            rest = b""
            if not whole.endswith(b"\n\n"):
                cut = whole.rfind(b"\n\n")
                whole, rest = (whole[: cut + 2], whole[cut + 2 :]) if cut >= 0 else (b"", whole)
            if whole:
                connection.write(chunk(whole))
            if connection.paused:
                answer.pause()

        await answer.pour(sink)
        while not answer.is_whole and not connection.gone:
            await connection.drained()
            await answer.pour(sink)

    async def _end(self, last: bytes) -> None:
        try:
            async with asyncio.timeout(_LAST_WORD_SECONDS):
                await self._send({"type": "http.response.body", "body": last, "more_body": False})
        except TimeoutError:
            self._connection.abort()
