"""A request for an unknown host is rejected with a message, with TLS as without."""

import asyncio
import itertools
import json
import re
import socket
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from h2.connection import H2Connection
from nginx import certificates, http2
from nginx.edges import request

from harness.client import TIMEOUT_S, ask
from harness.stack import Up, free_port, tandem

NAMES = ["shop.example", "*.shop.example"]
BOTH = pytest.mark.parametrize(("path", "stack"), [("/sync/", "WSGI"), ("/async/", "ASGI")])


@pytest.fixture(scope="module")
def named(edge_with):
    with edge_with(EDGE={"SERVER_NAMES": NAMES}) as edge:
        yield edge


@pytest.mark.parametrize("host", ["shop.example", "www.shop.example", "SHOP.example:8000"])
def test_a_name_of_ours_is_answered(named, host) -> None:
    """Whatever its case and port."""
    assert named.ask("/sync/", headers=[("Host", host)]).status == 200


@pytest.mark.parametrize("host", ["evil.example", "shop.example.evil.example", "127.0.0.1"])
@pytest.mark.parametrize("path", ["/sync/", "/async/", "/static/edgesite/site.css"])
def test_any_other_name_is_misdirected(named, host, path) -> None:
    """421, and no view is asked."""
    assert named.ask(path, headers=[("Host", host)]).status == 421


REQUEST_LINES = [
    "GET {path} HTTP/1.1",
    "GET  {path} HTTP/1.1",
    "GET http://evil.example{path} HTTP/1.1",
    "GET http://shop.example{path} HTTP/1.1",
    "GET  http://shop.example{path} HTTP/1.1",
    "GET   http://shop.example{path} HTTP/1.1",
    "GET a+b://shop.example{path} HTTP/1.1",
    "GET h2.c-x://shop.example{path} HTTP/1.1",
    "GET HTTP://SHOP.example:8443{path} HTTP/1.1",
    "GET http://shop.example.{path} HTTP/1.1",
    "GET http://shop.example:{path} HTTP/1.1",
    "GET http://shop.example:99999999{path} HTTP/1.1",
    "GET http://shop.example:8x{path} HTTP/1.1",
    "GET http://shop.example@evil.example{path} HTTP/1.1",
    "GET http://evil.example@shop.example{path} HTTP/1.1",
    "GET http:///shop.example{path} HTTP/1.1",
    "GET http:/shop.example{path} HTTP/1.1",
    "GET http://shop.example?{path} HTTP/1.1",
    "GET http://shop.example#{path} HTTP/1.1",
    "GET http://shop.example\\@evil.example{path} HTTP/1.1",
    "GET http://[::1]{path} HTTP/1.1",
    "GET http://shop.example{path} HTTP/1.0",
    "GET //shop.example{path} HTTP/1.1",
]
HOST_LINES = [
    ("Host: evil.example",),
    ("Host: evil.example:80",),
    ("Host: shop.example", "Host: evil.example"),
    ("Host: evil.example", "Host: shop.example"),
    ("Host: shop.example evil.example",),
    ("Host: shop.example/evil.example",),
    ("Host: shop.example:evil.example",),
    ("Host: shop.example@evil.example",),
    ("Host: shop.example,evil.example",),
    ("Host : evil.example",),
    ("Host:",),
    (),
]


@pytest.mark.parametrize("line", REQUEST_LINES)
def test_no_request_line_brings_another_host_to_a_view(named, line) -> None:
    """A view gets the name that NGINX chose the server by, or the edge rejects the request."""
    for hosts, path in itertools.product(HOST_LINES, ("/sync/", "/async/")):
        answer = named.exchange(line.format(path=path), *hosts, "Connection: close")

        if b" 200 " in answer.partition(b"\r\n")[0]:
            view = json.loads(answer.partition(b"\r\n\r\n")[2])
            assert view["host"].lower().rstrip(".").partition(":")[0] == "shop.example", hosts
            assert "evil" not in json.dumps(view).replace(r"\@evil", ""), hosts
        else:
            assert answer[9:12] in (b"301", b"400", b"404", b"421") or not answer, hosts


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> dict[str, str]:
    return certificates.make(tmp_path_factory.mktemp("tls"), *NAMES)


@pytest.fixture(scope="module")
def secure(edge_with, tls):
    with edge_with(EDGE={"TLS": tls}) as edge:
        yield edge


@pytest.fixture(scope="module")
def trust(tls) -> ssl.SSLContext:
    """A client that trusts the certificate, and nothing else."""
    return ssl.create_default_context(cafile=tls["CERTIFICATE"])


def connected(port: int, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    return context.wrap_socket(plain, server_hostname=name)


def exchange(port: int, context: ssl.SSLContext, name: str, *lines: str) -> bytes:
    with connected(port, context, name) as connection:
        connection.sendall(request(*lines, "Connection: close"))
        return b"".join(iter(lambda: connection.recv(65536), b""))


@BOTH
def test_https_is_served_and_the_view_knows(secure, trust, path, stack) -> None:
    """The scheme, and the port that was asked."""
    lines = (f"GET {path} HTTP/1.1", "Host: shop.example")
    answer = exchange(secure.port, trust, "shop.example", *lines)

    reported = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert reported["served_by"] == f"{stack}Request"
    assert (reported["is_secure"], reported["scheme"]) == (True, "https")
    assert reported["absolute"] == f"https://shop.example{path}"


@BOTH
def test_http_2_is_spoken_to_who_can(secure, tls, path, stack) -> None:
    """By ALPN; the servers behind are asked over HTTP/1.1 all the same."""
    context = ssl.create_default_context(cafile=tls["CERTIFICATE"])
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connected(secure.port, context, "shop.example") as connection:
        assert connection.selected_alpn_protocol() == "h2"
        client = H2Connection()
        client.initiate_connection()
        asked = http2.get(client, 1, path, scheme="https", host="shop.example")
        connection.sendall(asked)
        reported = json.loads(http2.read(connection, client, 1))

    assert (reported["served_by"], reported["is_secure"]) == (f"{stack}Request", True)
    assert reported["host"] == "shop.example"


def test_a_websocket_over_tls_is_served(secure, trust) -> None:
    """Its consumer knows that it is secure."""

    async def run() -> str:
        resolver = aiohttp.TCPConnector(ssl=trust, resolver=Loopback())
        url = f"wss://shop.example:{secure.port}/socket/"
        async with (
            aiohttp.ClientSession(connector=resolver) as session,
            session.ws_connect(url) as ws,
        ):
            return await ws.receive_str(timeout=10)

    assert json.loads(asyncio.run(run()))["scheme"] == "wss"


class Loopback(aiohttp.abc.AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        known = {"hostname": host, "host": "127.0.0.1", "port": port}
        return [known | {"family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self):
        pass


def test_http_on_the_port_of_https_is_rejected_with_a_message(secure) -> None:
    """As a person would who forgot the s."""
    answer = secure.ask("/sync/")

    assert answer.status == 400
    assert "plain HTTP request was sent to HTTPS port" in answer.text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_from_1_2_on_is_spoken(secure, tls, version) -> None:
    """What every browser of today speaks."""
    context = ssl.create_default_context(cafile=tls["CERTIFICATE"])
    context.minimum_version = context.maximum_version = version
    with connected(secure.port, context, "shop.example") as connection:
        assert connection.version() == version.name.replace("_", ".")


@pytest.mark.parametrize("names", [[], NAMES], ids=["any name", "server names"])
def test_only_tls_1_2_and_1_3_are_offered_whatever_the_server_names(edge_with, tls, names) -> None:
    """NGINX takes the versions from the default server, which rejects other names."""
    with edge_with(EDGE={"TLS": tls, "SERVER_NAMES": names}) as edge:
        assert handshake(edge.port, "-tls1_3") == "TLSv1.3"
        assert handshake(edge.port, "-tls1_2") == "TLSv1.2"
        for old in ("-tls1", "-tls1_1"):
            assert handshake(edge.port, old) == "alert number 70"
        # A cipher without forward secrecy.
        assert handshake(edge.port, "-tls1_2", "-cipher", "AES128-SHA") == "alert number 40"


def handshake(port: int, *options: str) -> str:
    """Return the version of TLS that was agreed on, or the alert of the server."""
    weak = () if "-cipher" in options else ("-cipher", "DEFAULT@SECLEVEL=0")
    client = ("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "shop.example")
    done = subprocess.run(
        [*client, *options, *weak],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"alert number \d+|(?<=^New, )TLSv[\d.]+", done.stdout + done.stderr, re.M)
    return found[0] if found else done.stderr


def test_with_tls_another_name_gets_no_handshake(edge_with, tls, trust) -> None:
    """It is not shown whom the certificate is for; within a connection it is 421."""
    lines = ("GET /sync/ HTTP/1.1", "Host: shop.example")
    with edge_with(EDGE={"TLS": tls, "SERVER_NAMES": NAMES}) as edge:
        assert b" 200 " in exchange(edge.port, trust, "shop.example", *lines)
        other = ("GET /sync/ HTTP/1.1", "Host: evil.example")
        assert b" 421 " in exchange(edge.port, trust, "shop.example", *other)
        with pytest.raises(ssl.SSLError, match="unrecognized name"):
            connected(edge.port, trust, "evil.example")


def test_a_whole_stack_with_tls_and_names_is_ready(project, nginx_program) -> None:
    """
    What asks whether it is ready has to ask for a name of the edge's own.

    Paths that are relative begin where manage.py is.
    """
    tls = {key: Path(path).name for key, path in certificates.make(project, *NAMES).items()}
    (project / "edge.conf").write_text("add_header X-Included yes always;\n")
    plain = free_port()
    edge = {
        "TLS": tls,
        "SERVER_NAMES": NAMES,
        "INCLUDE": "edge.conf",
        "REDIRECT": f"127.0.0.1:{plain}",
    }
    setting = {"EDGE": {"NGINX": nginx_program.program, **edge}}
    environment = {
        "EDGESITE_TANDEM": json.dumps(setting | {"WSGI": {"WORKERS": 1}, "RUN_DIR": "named"}),
        "EDGESITE_URLS": "edgesite.urls_of_wsgi",
        "EDGESITE_CHANNELS": "0",
    }
    trust = ssl.create_default_context(cafile=project / tls["CERTIFICATE"])
    lines = ("GET /sync/ HTTP/1.1", "Host: www.shop.example")
    with Up(project, environment=environment) as up:
        answer = exchange(up.port, trust, "www.shop.example", *lines)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"X-Included: yes" in answer
        redirected = ask(plain, "/sync/", headers=[("Host", "www.shop.example")])
        assert redirected.headers["Location"] == "https://www.shop.example/sync/"
        assert tandem(project, "status", **environment).returncode == 0
        checked = tandem(project, "check", "--bind", f"127.0.0.1:{up.port}", **environment)
        assert checked.returncode == 0, checked.stdout
