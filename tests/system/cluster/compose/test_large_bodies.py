"""Uploads and responses that are larger than the memory of the edge wait on its disk."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import ask, wait_for

pytestmark = pytest.mark.timeout(600)

# Several times what the edge has in memory.
SIZE = 40 * 2**20
REQUEST = f"GET /download/{SIZE}/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def test_a_slow_client_gets_all_of_a_large_response(compose) -> None:
    """It reads once the stack has sent everything, so that the edge has what no socket holds."""
    with socket.create_connection(("127.0.0.1", compose.port), timeout=60) as client:
        client.sendall(REQUEST)
        wait_for(lambda: ask(compose.port, "/download/is-taken/").text == "yes", within_s=60)
        with client.makefile("rb") as response:
            status, *_ = iter(response.readline, b"\r\n")
            body = response.read()

    assert status == b"HTTP/1.1 200 OK\r\n"
    assert len(body) == SIZE


def test_several_large_uploads_are_let_in_at_once(compose) -> None:
    """Each waits until it is complete, and the stack gets all of it."""
    with ThreadPoolExecutor() as pool:
        answers = list(
            pool.map(lambda _: ask(compose.port, "/upload/", "POST", body=bytes(SIZE)), range(4))
        )

    assert [(each.status, each.text) for each in answers] == [(200, str(SIZE))] * 4
