"""Nothing in a request shows a view which stack it runs on."""

import base64
import io
import json
import zlib
from http.client import HTTPResponse

import pytest

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from parity.conftest import edge_before
from parity.requests import REQUESTS, TRUSTED, UNROUTED

# Each stack's default against every server of the other.
PAIRS = [
    *((wsgi, ASGI_SERVERS[0]) for wsgi in WSGI_SERVERS),
    *((WSGI_SERVERS[0], asgi) for asgi in ASGI_SERVERS[1:]),
]

# Of one request each, whatever the stack.
OF_REQUEST = ("HTTP_X_REQUEST_ID", "HTTP_X_REQUEST_START")
# What can't agree with any server, and why.
PEP_3333 = "PEP 3333 requires it; Django's ASGI request has no such key"
DIFFERENCES = {
    "META SERVER_PROTOCOL": PEP_3333,
    "META wsgi.version": PEP_3333,
    "META wsgi.input": PEP_3333,
    "META wsgi.errors": PEP_3333,
    "META wsgi.run_once": PEP_3333,
    "META wsgi.url_scheme": PEP_3333,
    "META REMOTE_PORT": "a text by PEP 3333, a number by the ASGI specification",
}
FILE_WRAPPER = {"META wsgi.file_wrapper": "a quicker way to send a file, which Granian has not"}
# The target as the client sent it: ASGI has raw_path and query_string for it.
RAW_TARGETS = {
    "gunicorn": {"META RAW_URI"},
    "uwsgi": {"META REQUEST_URI"},
    "waitress": {"META REQUEST_URI"},
    "granian": set(),
}
JOINED = "joins repeated headers by a comma and a space, before anyone else sees them"
# What can't agree on one WSGI server, by the request that shows it.
OF_SERVER = {
    ("uwsgi", "repeated headers"): {"META HTTP_ACCEPT": JOINED, "META HTTP_X_REPEATED": JOINED},
    ("waitress", "repeated headers"): {"META HTTP_ACCEPT": JOINED, "META HTTP_X_REPEATED": JOINED},
    ("granian", "header with Latin-1"): {"META HTTP_X_LATIN": "empties what is not ASCII"},
}
# The status of a server that refuses what others take, or takes what others refuse.
STATUSES = {
    ("granian", "query with quotes"): (400, "refuses what is no URL, and others take it"),
    ("granian", "many headers"): (431, "takes a hundred"),
}


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: f"{pair[0].name}+{pair[1].name}")
def pair(request):
    return request.param


@pytest.fixture(scope="module")
def edge(nginx_program, pair, started):
    with edge_before(nginx_program, *pair, started) as running:
        yield running


@pytest.fixture(scope="module")
def swapped(nginx_program, pair, started):
    """The same edge with the ASGI server where the WSGI server should be."""
    with edge_before(nginx_program, *reversed(pair), started) as running:
        yield running


@pytest.fixture(scope="module")
def trusting(nginx_program, pair, started):
    """The same edge, trusting what this machine says of a client."""
    trusted = ["127.0.0.1", "::1"]
    with edge_before(nginx_program, *pair, started, TRUSTED_PROXIES=trusted) as running:
        yield running


def title(request):
    return request.name


@pytest.mark.parametrize("sent", REQUESTS, ids=title)
def test_the_view_sees_the_same_request_on_either_stack(edge, sent):
    """What differs is what can't agree, and all of that does differ."""
    on_wsgi = answer(edge, sent, "wsgi", edge.wsgi)
    on_asgi = answer(edge, sent, "asgi", edge.asgi)

    if on_wsgi and on_asgi:
        assert differences(on_wsgi, on_asgi) == expected(edge, sent)


@pytest.mark.parametrize("sent", TRUSTED, ids=title)
def test_a_trusted_proxy_is_trusted_alike_on_either_stack(trusting, sent):
    """What a trusted proxy says of scheme, host and client reaches both views alike."""
    on_wsgi = answer(trusting, sent, "wsgi", trusting.wsgi)
    on_asgi = answer(trusting, sent, "asgi", trusting.asgi)

    assert differences(on_wsgi, on_asgi) == expected(trusting, sent)


@pytest.mark.parametrize("sent", UNROUTED, ids=title)
def test_an_unrouted_path_is_the_same_on_either_stack(edge, swapped, sent):
    """Each server takes the WSGI server's place, which serves such a path."""
    on_wsgi = answer(edge, sent, "wsgi", edge.wsgi)
    on_asgi = answer(swapped, sent, "wsgi", edge.asgi)

    # Each edge names its own port.
    ports = {"META SERVER_PORT", "META HTTP_X_FORWARDED_PORT", "port"}
    assert differences(on_wsgi, on_asgi) - ports == expected(edge, sent)


def expected(edge, sent):
    wrapper = {} if edge.wsgi == "granian" else FILE_WRAPPER
    known = {*DIFFERENCES, *wrapper, *RAW_TARGETS[edge.wsgi]}
    return {*known, *OF_SERVER.get((edge.wsgi, sent.name), {})}


def answer(edge, sent, stack, server):
    """Return what the view saw, with one key for each of META; empty if it was not reached."""
    received = Received(edge.exchange(sent.to(stack), sent.client))
    response = HTTPResponse(received, method=sent.line.split()[0])
    response.begin()
    body = response.read()
    assert response.status == STATUSES.get((server, sent.name), (sent.status,))[0]
    if response.status != 200:
        return {}
    if packed := response.headers["X-Seen"]:
        body = zlib.decompress(base64.b64decode(packed))
    seen = json.loads(body.replace(b"/asgi/", b"/wsgi/"))
    meta = {key: value for key, value in seen.pop("META").items() if key not in OF_REQUEST}
    return {f"META {key}": value for key, value in meta.items()} | seen


def differences(one, other):
    return {key for key in one.keys() | other.keys() if one.get(key, ...) != other.get(key, ...)}


class Received:
    """Bytes that came, as http.client takes them."""

    def __init__(self, received):
        self.received = received

    def makefile(self, _mode):
        return io.BytesIO(self.received)
