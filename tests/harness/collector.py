"""A collector of OTLP and Sentry on a free port, which decodes what the real SDKs send."""

import gzip
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sentry_sdk.envelope import Envelope

from harness.client import wait_for


@dataclass(frozen=True)
class Span:
    """A span as it arrived, with the attributes of the process that sent it."""

    name: str
    instrumentation: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    events: tuple[str, ...]

    @property
    def stack(self) -> str:
        return self.resource["tandem.stack"]


class Collector:
    """What has arrived."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.events: list[dict[str, Any]] = []
        self.url = ""

    @property
    def dsn(self) -> str:
        return self.url.replace("http://", "http://key@") + "/1"

    def of_trace(self, trace_id: str) -> list[Span]:
        return [each for each in self.spans if each.trace_id == trace_id]

    def wait_for_span(self, trace_id: str) -> Span:
        """Return the first span of a trace."""
        return wait_for(lambda: self.of_trace(trace_id))[0]

    def take(self, path: str, body: bytes) -> None:
        if path.endswith("/traces"):
            self.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
        elif path.endswith("/envelope/"):
            items = Envelope.deserialize(body).items
            self.events.extend(item.payload.json for item in items if item.payload.json)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector for the length of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            coding = self.headers.get("Content-Encoding", "identity")
            decoded = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(coding, bytes)
            collector.take(self.path, decoded(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    instrumentation=scope.scope.name.rpartition(".")[2],
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    attributes=_values(span.attributes),
                    resource=_values(group.resource.attributes),
                    events=tuple(event.name for event in span.events),
                )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
