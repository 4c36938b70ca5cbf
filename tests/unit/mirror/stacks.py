"""Tiny stacks on Unix sockets, which answer each request as a function says."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

Headers = dict[str, str]
# The target and the headers of a request → the bytes of a response.
Answer = Callable[[str, Headers], bytes]


def http_response(body: str, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body.encode())}", "", body]
    return "\r\n".join(lines).encode()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def stack(path: Path, answer: Answer) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(answer(self.path, {n.lower(): v for n, v in self.headers.items()}))

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_args: object) -> None: ...

    with _Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
