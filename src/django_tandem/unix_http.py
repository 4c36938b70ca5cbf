"""HTTP over a Unix socket, as the commands, the health checks and the mirror send it."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixResponse:
    """The status and the body that a server answered with."""

    status: int
    body: bytes


class UnixConnection(HTTPConnection):
    """A connection to the server on a Unix socket; each wait takes ``timeout_s`` at most."""

    def __init__(self, path: Path | str, *, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path, self._timeout_s = path, timeout_s

    def connect(self) -> None:
        """Connect; raises OSError when nothing listens."""
        self.sock = connect(self._path, timeout_s=self._timeout_s)


def connect(path: Path | str, *, timeout_s: float) -> socket.socket:
    """Return a socket that is connected to ``path``; raises OSError when nothing listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def get(
    path: Path | str, target: str, *, timeout_s: float, headers: Mapping[str, str] = NO_HEADERS
) -> UnixResponse:
    """Send a GET to the server at ``path``; raises OSError or HTTPException without a response."""
    connection = UnixConnection(path, timeout_s=timeout_s)
    try:
        connection.request("GET", target, headers=dict(headers))
        response = connection.getresponse()
        return UnixResponse(status=response.status, body=response.read())
    finally:
        connection.close()
