"""An edge in front of servers on TCP ports, as it is rendered for the role `edge` alone."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from nginx.edges import Edge, listens, started, weaken
from nginx.scripted import OK, accepted

import builders
from django_tandem import output
from django_tandem.model import Nginx, Resolver, Stack
from django_tandem.render import nginx
from django_tandem.runtime.host import read_host
from harness.client import wait_for
from harness.stack import free_port

SECRET = "the-secret-of-the-tests-0123456789"
HOST = "127.0.0.1"


@contextmanager
def running(
    program: Nginx,
    peers: dict[str, Any],
    *,
    naive: tuple[tuple[str, str], ...] = (),
    has_ipv6: bool = True,
    roles: str = "edge",
    **tandem: Any,
) -> Iterator[Edge]:
    """
    Run the edge of a project with ``peers``; /async/ and WebSockets are on ASGI.

    With ``has_ipv6`` it asks for IPv6 addresses of a name, too.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        directory = Path(path)
        resolver = Resolver(servers=(HOST,), has_ipv6=has_ipv6)
        on = replace(read_host(program.program), resolver=resolver)
        plan = builders.plan(
            builders.verdict("/sync/"),
            builders.verdict("/async/", Stack.ASGI),
            builders.websocket("/socket/"),
            tandem={"BIND": f"{HOST}:{port}", "PEERS": {"SECRET": SECRET, **peers}, **tandem},
            on=on,
            run_dir=str(directory),
            roles=roles,
        )
        output.write(nginx.render(plan), directory)
        weaken(directory / "nginx.conf", naive)
        with started(program, directory):
            wait_for(lambda: listens(port))
            yield Edge(port, directory)


@contextmanager
def answering(
    port: int, answer: bytes = OK, *, host: str = HOST, tls: ssl.SSLContext | None = None
) -> Iterator[list[bytes]]:
    """Answer each request with these bytes and hang up; none at all is a server that died."""
    seen: list[bytes] = []
    with listening(port, host=host) as listener, ExitStack() as kept:

        def serve() -> None:
            while (connection := accepted(listener)) is not None:
                _answer(connection, answer, seen, tls)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        kept.callback(thread.join, 5)
        kept.callback(listener.shutdown, socket.SHUT_RDWR)
        yield seen


def _answer(
    connection: socket.socket, answer: bytes, seen: list[bytes], tls: ssl.SSLContext | None
) -> None:
    with connection:
        try:
            wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
            seen.append(wrapped.recv(65536))
            wrapped.sendall(answer)
            wrapped.close()
        except OSError:
            # A client that does not trust the certificate.
            return


@contextmanager
def listening(port: int, backlog: int = 16, *, host: str = HOST) -> Iterator[socket.socket]:
    """Listen, and accept nothing."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(backlog)
        yield listener


@contextmanager
def dropping(port: int) -> Iterator[None]:
    """Listen with a full queue: the kernel drops each further SYN, as a host that is cut off."""
    with listening(port, backlog=0), ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.settimeout(0.2)
            try:
                client.connect((HOST, port))
            except TimeoutError:
                yield
                return
        raise AssertionError("The queue is never full.")


class Names:
    """
    A DNS server: the IPv4 addresses of each name, which a test may change.

    With ``is_strict``, a name without an address of the kind that was asked for does not exist
    (NXDOMAIN).
    """

    def __init__(self, *, is_strict: bool = False) -> None:
        self.addresses: dict[str, list[str]] = {}
        # Whether a query was for another kind of address.
        self.has_ipv6_queries = False
        self._status = b"\x83" if is_strict else b"\x80"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port: int = self._socket.getsockname()[1]

    @contextmanager
    def answering(self) -> Iterator["Names"]:
        """Answer queries, for the length of the block."""
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        yield self
        # A query of no name ends it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (HOST, self.port))
        thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        # RFC 1035, 4.1: a header of 12 bytes, the labels of the name, its type and class.
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question = query[12 : at + 5]
        is_ipv4 = question[-4:-2] == b"\x00\x01"
        self.has_ipv6_queries |= not is_ipv4
        found = self.addresses.get(".".join(labels), []) if is_ipv4 else []
        # The name is that of the question, and an answer is valid for a second.
        records = [
            b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04" + socket.inet_aton(each)
            for each in found
        ]
        counts = b"\x00\x01" + len(records).to_bytes(2) + b"\x00\x00\x00\x00"
        status = b"\x80" if found else self._status
        return query[:2] + b"\x81" + status + counts + question + b"".join(records)
