"""As much of an HTTP/2 client as a test takes."""

import socket

from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded


def get(client: H2Connection, stream: int, path: str, *, scheme: str, host: str) -> bytes:
    """Return what is to be sent to ask for ``path`` on ``stream``."""
    names = {":method": "GET", ":path": path, ":scheme": scheme, ":authority": host}
    client.send_headers(stream, list(names.items()), end_stream=True)
    return client.data_to_send()


def read(connection: socket.socket, client: H2Connection, stream: int, first: bytes = b"") -> bytes:
    """Return the whole body that comes on ``stream``; ``first`` has been received already."""
    body = b""
    received = first
    while True:
        for event in client.receive_data(received):
            if isinstance(event, DataReceived) and event.stream_id == stream:
                body += event.data
            if isinstance(event, StreamEnded) and event.stream_id == stream:
                return body
        received = connection.recv(65536)
        assert received, "the connection ended first"
