"""A server is requested rarely, and an answer that is late is not a failure."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import plan
from django_tandem.model.state import planned_state
from django_tandem.runtime.probes import server_check
from django_tandem.runtime.probes.server_check import of_edge, of_socket

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"
READY = "/.tandem/ready"


class Server:
    """A server on a Unix socket that answers once it may."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests = 0
        self.may_answer = asyncio.Event()
        self.answer = OK

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        await self.may_answer.wait()
        writer.write(self.answer)
        writer.close()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "wsgi-1.sock"


@pytest.fixture
def full_queue(path) -> Iterator[socket.socket]:
    """A listening socket that accepts nothing, and whose queue is full."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(str(path))
        listener.listen(0)
        waiting.connect(str(path))
        yield listener


def test_a_burst_of_probes_costs_one_request(path) -> None:
    """Those that come while it is pending share it; the answer counts for a second."""

    async def run() -> None:
        async with Server(path) as server:
            check = of_socket(str(path), READY)
            server.may_answer.set()
            await asyncio.gather(*(check.run(5) for _ in range(50)))
            await check.run(5)

            assert server.requests == 1
            assert (check.unanswered_s, check.is_listening) == (0, True)
            assert check.answer.body == b"ready"

    asyncio.run(run())


def test_the_next_second_has_its_own_request(path, monkeypatch) -> None:
    """Nothing is requested in between."""
    monkeypatch.setattr(server_check, "FRESH_S", 0)

    async def run() -> None:
        async with Server(path) as server:
            server.may_answer.set()
            check = of_socket(str(path), READY)
            await check.run(5)
            await check.run(5)

            assert server.requests == 2

    asyncio.run(run())


def test_a_late_answer_is_awaited(path) -> None:
    """No further request joins the queue of a busy server; the answer ends the silence."""

    async def run() -> None:
        async with Server(path) as server:
            check = of_socket(str(path), READY)
            for _ in range(5):
                await check.run(0.01)
            assert server.requests == 1
            assert check.unanswered_s > 0.04
            assert check.is_listening

            server.may_answer.set()
            await check.run(5)
            assert check.unanswered_s == 0

    asyncio.run(run())


def test_another_worker_gets_a_chance(path, monkeypatch) -> None:
    """The one that has taken the request may hang: a few more are sent, and not one a probe."""
    monkeypatch.setattr(server_check, "RESEND_S", 0)

    async def run() -> None:
        async with Server(path) as server:
            check = of_socket(str(path), READY)
            for _ in range(10):
                await check.run(0.01)
            assert server.requests == server_check.MOST_PENDING
            check.close()

    asyncio.run(run())


@pytest.mark.parametrize("is_left", [False, True], ids=["absent", "left behind"])
def test_a_socket_without_a_server(path, is_left) -> None:
    """Its absence is noticed at once, and so is a server that starts."""
    if is_left:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))

    async def run() -> None:
        check = of_socket(str(path), READY)
        await check.run(5)
        assert not check.is_listening
        assert check.unanswered_s > 0

        path.unlink(missing_ok=True)
        async with Server(path) as server:
            server.may_answer.set()
            await check.run(5)
            assert (check.unanswered_s, check.is_listening) == (0, True)

    asyncio.run(run())


def test_a_full_queue_is_a_busy_server(path, full_queue) -> None:
    """The request waits for its turn, and is answered when the server accepts it."""

    async def run() -> None:
        check = of_socket(str(path), READY)
        await check.run(0.1)
        assert check.unanswered_s >= 0.1
        assert check.is_listening

        full_queue.accept()[0].close()
        connection, _ = await asyncio.to_thread(full_queue.accept)
        with connection:
            await asyncio.to_thread(connection.recv, 4096)
            connection.sendall(OK)
            connection.shutdown(socket.SHUT_WR)
            await check.run(5)
        assert check.unanswered_s == 0

    asyncio.run(run())


def test_a_server_that_ends_ends_the_wait_for_a_turn(path, full_queue) -> None:
    """The kernel reports it to the connection that waits."""

    async def run() -> None:
        check = of_socket(str(path), READY)
        await check.run(0.1)
        full_queue.close()
        await check.run(5)
        assert not check.is_listening

    asyncio.run(run())


def test_a_server_that_rejects_requests_is_one(path) -> None:
    """As with its own limit."""

    async def run() -> None:
        async with Server(path) as server:
            server.answer = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
            server.may_answer.set()
            check = of_socket(str(path), READY)
            await check.run(5)
            assert check.unanswered_s == 0
            assert check.answer.status == 503
            assert check.failing_s > 0

    asyncio.run(run())


def test_a_failure_ends_with_a_success(path, monkeypatch) -> None:
    """Its time counts from the first of the failures."""
    monkeypatch.setattr(server_check, "FRESH_S", 0)

    async def run() -> None:
        async with Server(path) as server:
            server.answer = b"HTTP/1.1 500 Internal Server Error\r\n\r\n"
            server.may_answer.set()
            check = of_socket(str(path), READY)
            await check.run(5)
            first_s = check.failing_s
            await check.run(5)
            assert check.failing_s > first_s > 0

            server.answer = OK
            await check.run(5)
            assert check.failing_s == 0

    asyncio.run(run())


@pytest.mark.parametrize("answer", [b"", b"\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"-ERR\r\n\r\n"])
def test_another_answer_is_none(path, answer) -> None:
    """Of a server that closes the connection, or speaks another protocol."""

    async def run() -> None:
        async with Server(path) as server:
            server.answer = answer
            server.may_answer.set()
            check = of_socket(str(path), READY)
            await check.run(5)
            assert check.unanswered_s > 0
            assert check.is_listening

    asyncio.run(run())


@pytest.mark.parametrize(("status", "fails"), [(204, False), (403, False), (500, True)])
def test_the_edge_may_reject_its_own_request(status, fails) -> None:
    """As by a `deny` of an INCLUDE; the clients of an edge that fails get errors too."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d Answered\r\n\r\n" % status)
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            planned = plan(tandem={"BIND": f"127.0.0.1:{port}"})
            check = of_edge(planned_state(planned), "/.tandem/edge")
            await check.run(5)
            assert check.answer.status == status
            assert (check.failing_s > 0) is fails

    asyncio.run(run())
