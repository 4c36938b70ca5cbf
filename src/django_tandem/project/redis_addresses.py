"""The addresses of Redis servers, as the settings of layers and caches name them."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PORT = 6379
TCP_SCHEMES = ("redis", "rediss", "valkey", "valkeys")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """Where a server listens: the ``path`` of a Unix socket, or ``host`` and ``port``."""

    host: str = ""
    port: int = PORT
    path: str = ""
    has_tls: bool = False

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    def connect(self, timeout_s: float) -> socket.socket:
        """Return a connection with that timeout; raises OSError when there is none to be had."""
        if not self.path:
            return socket.create_connection((self.host, self.port), timeout=timeout_s)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(timeout_s)
            connection.connect(self.path)
        except OSError:
            connection.close()
            raise
        return connection


def read_address(given: Any) -> RedisAddress | None:
    """Return the address in a URL, a pair or a dict; None for one that this does not know."""
    try:
        return _read_address(given)
    except (TypeError, ValueError):
        return None


def _read_address(given: Any) -> RedisAddress | None:
    if isinstance(given, Mapping):
        return _of_dict(given)
    if isinstance(given, str):
        return _of_url(given)
    host, port = given
    return RedisAddress(host=host, port=int(port))


def _of_dict(given: Mapping[str, Any]) -> RedisAddress | None:
    if "address" in given:
        return _read_address(given["address"])
    # A Sentinel names the server at run time.
    if "master_name" in given:
        return None
    return RedisAddress(host=given.get("host", "localhost"), port=given.get("port", PORT))


def _of_url(url: str) -> RedisAddress | None:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return RedisAddress(path=parts.path)
    if parts.scheme not in TCP_SCHEMES:
        return None
    return RedisAddress(
        host=parts.hostname or "localhost",
        port=parts.port or PORT,
        has_tls=parts.scheme in ("rediss", "valkeys"),
    )
