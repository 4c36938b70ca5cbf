"""Nothing but a WebSocket may upgrade: any other protocol would bypass the edge's rules."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from h2.connection import H2Connection
from nginx import http2
from nginx.edges import Recorder, request, running_edge

from django_tandem.servers.hypercorn import HYPERCORN
from harness.client import TIMEOUT_S
from harness.server import serving

EVERYTHING_TO_ASGI = [("/", "asgi")]
# What is often found in place of the edge's own two maps.
NAIVE = [
    ('"~^GET:(?i:websocket)$" websocket;', "default $http_upgrade;"),
    ('        default "";\n', ""),
    ("websocket upgrade;", '"~." upgrade;'),
]


@pytest.fixture
def denied(tmp_path) -> str:
    """A file that closes /plain to everyone."""
    path = tmp_path / "denied.conf"
    path.write_text("location /plain { return 403; }\n")
    return str(path)


def smuggle(connection: socket.socket) -> bytes:
    """Ask for h2c at a path that is allowed, then for /plain over it; return what it says."""
    client = H2Connection()
    settings = client.initiate_upgrade_connection().decode()
    connection.settimeout(TIMEOUT_S)
    connection.sendall(
        request(
            "GET /awaited HTTP/1.1",
            "Host: shop.example",
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            f"HTTP2-Settings: {settings}",
        )
    )
    head, _, rest = connection.recv(65536).partition(b"\r\n\r\n")
    if b" 101 " not in head.partition(b"\r\n")[0]:
        return head
    connection.sendall(http2.get(client, 3, "/plain", scheme="http", host="shop.example"))
    return http2.read(connection, client, 3, rest)


@pytest.fixture(scope="module")
def hypercorn(tmp_path_factory) -> Iterator[Path]:
    """Return where the sockets are of the only server here that speaks h2c."""
    directory = tmp_path_factory.mktemp("h2c")
    with serving(HYPERCORN, directory) as running:
        for name in ("wsgi.sock", "asgi.sock"):
            (directory / name).symlink_to(running.socket)
        yield directory


def test_the_server_itself_would_speak_h2c(hypercorn) -> None:
    """Or else the tests below would prove nothing."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(hypercorn / "asgi.sock"))

        assert smuggle(connection) == b"plain"


def test_the_usual_map_lets_h2c_by_what_is_denied(project, nginx_program, hypercorn, denied):
    """The attack is real on this very NGINX: it answers 403 to the same path otherwise."""
    changes = {"ROUTES": EVERYTHING_TO_ASGI, "EDGE": {"INCLUDE": denied}, "naive": NAIVE}
    with running_edge(project, nginx_program, hypercorn, **changes) as edge:
        assert edge.ask("/plain").status == 403
        with socket.create_connection(("127.0.0.1", edge.port)) as connection:
            assert smuggle(connection) == b"plain"


def test_h2c_is_not_let_by(project, nginx_program, hypercorn, denied) -> None:
    """The same attack gets an ordinary answer, over HTTP/1.1."""
    changes = {"ROUTES": EVERYTHING_TO_ASGI, "EDGE": {"INCLUDE": denied}}
    with running_edge(project, nginx_program, hypercorn, **changes) as edge:
        assert edge.ask("/plain").status == 403
        with socket.create_connection(("127.0.0.1", edge.port)) as connection:
            assert smuggle(connection).startswith(b"HTTP/1.1 200 ")


@pytest.fixture(scope="module")
def recorded(project, nginx_program, tmp_path_factory):
    """An edge before servers that only keep what they are sent."""
    sockets: Path = tmp_path_factory.mktemp("recorder")
    with (
        Recorder().listening(sockets / "wsgi.sock", sockets / "asgi.sock") as recorder,
        running_edge(project, nginx_program, sockets) as edge,
    ):
        yield edge, recorder


@pytest.mark.parametrize(
    "upgrade",
    [
        ("h2c",),
        ("websocket, h2c",),
        ("h2c, websocket",),
        ("websocket/13",),
        ("websocket", "h2c"),
        ("h2c", "websocket"),
        ("TLS/1.0",),
        ("",),
    ],
    ids=", then ".join,
)
@pytest.mark.parametrize("path", ["/sync/", "/async/"])
def test_no_other_upgrade_reaches_a_server(recorded, path, upgrade) -> None:
    """Neither its name nor what goes with it; of two headers at most WebSocket's is heard."""
    edge, recorder = recorded
    recorder.requests.clear()
    edge.exchange(
        f"GET {path} HTTP/1.1",
        "Host: shop.example",
        "Connection: close, Upgrade, HTTP2-Settings",
        *(f"Upgrade: {word}" for word in upgrade),
        "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
    )

    [sent] = recorder.requests
    headers = [line.lower() for line in sent.split(b"\r\n") if line.lower().startswith(b"upgrade")]
    assert headers in ([], [b"upgrade: websocket"] if upgrade[0] == "websocket" else [])
    assert b"h2c" not in sent.lower()


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "WEBSOCKET"])
def test_a_websocket_upgrades_in_any_case(edge, upgrade) -> None:
    """The name of a protocol has no case."""
    answer = edge.ask(
        "/socket/",
        headers=[
            ("Host", "shop.example"),
            ("Upgrade", upgrade),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA=="),
        ],
    )

    assert answer.status == 101
    assert answer.headers["Upgrade"].lower() == "websocket"


def test_a_websocket_that_nothing_is_routed_to_is_refused(edge) -> None:
    """With an answer, and at once."""

    async def knock() -> int:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"http://127.0.0.1:{edge.port}/nothing/")
            return caught.value.status

    assert asyncio.run(asyncio.wait_for(knock(), 10)) in (403, 404)
