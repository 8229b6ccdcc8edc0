"""Lines to the services: used again, dropped when broken, never a call done twice by them."""

import asyncio

import pytest
from common.clients.lines import Upstream

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class Service:
    """Speaks bytes; `script` gets each connection."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.answers: list[list[bytes]] = []
        self.close_after = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self._server: asyncio.Server | None = None
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            length = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")]
            body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
            self.requests.append(head + body)
            for piece in self.answers.pop(0):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
                await self.goes_on.wait()
            if self.close_after:
                break
        writer.close()


@pytest.fixture
async def service():
    service = Service()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def upstream(service):
    upstream = Upstream(service.url)
    yield upstream
    upstream.close()


WHOLE = [HEAD + b"content-length: 2\r\n\r\n{}"]


async def test_a_line_is_used_again(service, upstream):
    service.answers = [WHOLE] * 5
    for _ in range(5):
        assert await upstream.get("/x") == (200, b"{}")
    assert service.connections == 1


async def test_any_split_of_the_answer_reads_the_same(service, upstream):
    whole = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    for cut in range(1, len(whole)):
        service.answers.append([whole[:cut], whole[cut:]])
        assert await upstream.get("/x") == (200, b"hello world")
    assert service.connections == 1


async def test_a_request_carries_its_body_and_length(service, upstream):
    service.answers = [WHOLE]
    answer = await upstream.ask(b"POST", b"/a?b=%20", [(b"x-a", b"1")], b'{"a":1}')
    assert await answer.read() == b"{}"
    answer.close()
    (request,) = service.requests
    assert request.startswith(b"POST /a?b=%20 HTTP/1.1\r\n")
    assert b"\r\nx-a: 1\r\n" in request
    assert request.endswith(b'content-length: 7\r\n\r\n{"a":1}')


async def test_a_line_closed_while_idle_is_replaced_for_what_may_be_done_twice(service, upstream):
    service.answers, service.close_after = [WHOLE] * 4, True
    for _ in range(2):
        assert (await upstream.get("/x"))[0] == 200
    assert service.connections == 2


async def test_what_must_not_be_done_twice_is_not_sent_twice(service, upstream):
    service.answers = [WHOLE, []]
    assert (await upstream.get("/x"))[0] == 200
    # from here on it reads requests and breaks off without an answer
    service.close_after = True
    with pytest.raises(ConnectionError):
        await upstream.ask(b"POST", b"/x", [], b"{}")
    assert sum(r.startswith(b"POST") for r in service.requests) == 1


@pytest.mark.parametrize(
    "broken",
    [
        [HEAD + b"content-length: 10\r\n\r\nhalf"],
        [HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhe"],
        [b"nonsense\r\n\r\n"],
        [HEAD],
    ],
)
async def test_a_broken_answer_is_never_a_whole_one(service, upstream, broken):
    service.answers, service.close_after = [broken] * 2, True
    with pytest.raises(OSError):
        await upstream.get("/x")


async def test_nobody_there_is_an_error(upstream, service):
    await service.stop()
    nobody = Upstream("http://127.0.0.1:9")
    with pytest.raises(OSError):
        await nobody.get("/x")


async def test_a_slow_reader_holds_the_service_back(service, upstream):
    """What a client does not take stays with the service and not in our memory."""
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = [HEAD + b"transfer-encoding: chunked\r\n\r\n", *[piece] * 100, b"0\r\n\r\n"]
    service.answers = [sent]
    answer = await upstream.ask(b"GET", b"/x", [], b"")
    taken = 0

    def sink(data: bytes) -> None:
        nonlocal taken
        taken += len(data)
        answer.pause()

    rounds = 0
    while not answer.is_whole:
        await answer.pour(sink)
        rounds += 1
    answer.close()
    assert taken == 100 * 65536
    assert rounds > 10


async def test_a_line_paused_at_its_very_end_is_read_again(service, upstream):
    """The last piece and the end came together, and the reader was full: the next call, which is
    somebody else's, must not wait on a line that nobody reads."""
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    service.answers = [[head, b"5\r\nhello\r\n0\r\n\r\n"], WHOLE]
    service.goes_on.clear()
    answer = await upstream.ask(b"GET", b"/x", (), b"")
    asyncio.get_running_loop().call_soon(service.goes_on.set)
    await answer.pour(lambda _: answer.pause())
    assert answer.is_whole
    answer.close()
    async with asyncio.timeout(10):
        assert await upstream.get("/y") == (200, b"{}")
    assert service.connections == 1


@pytest.mark.parametrize("wrong", ["", "localhost:80", "ftp://a", "http://"])
async def test_a_wrong_url_is_refused_at_the_start(wrong):
    with pytest.raises(ValueError):
        Upstream(wrong)
