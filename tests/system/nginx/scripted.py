"""Servers on a Unix socket that do one thing with every request."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HAND_OVER = b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: @tandem_handed_asgi\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def answering(path: Path, answer: bytes = OK) -> Iterator[list[bytes]]:
    """Answer each request with these bytes and hang up; none at all is a server that died."""
    seen: list[bytes] = []
    with listening(path) as listener, ExitStack() as kept:

        def serve() -> None:
            while (connection := accepted(listener)) is not None:
                # A client may have left, as NGINX does after the timeout of a mirror.
                with connection, suppress(ConnectionError):
                    seen.append(connection.recv(65536))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        kept.callback(thread.join, 5)
        kept.callback(listener.shutdown, socket.SHUT_RDWR)
        yield seen


@contextmanager
def listening(path: Path, backlog: int = 16) -> Iterator[socket.socket]:
    """Listen, and accept nothing: Linux lets ``backlog`` and one more wait."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(backlog)
        yield listener
    path.unlink()


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Take a place in the queue of who listens there."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        yield


def accepted(listener: socket.socket) -> socket.socket | None:
    try:
        return listener.accept()[0]
    except OSError:
        return None
