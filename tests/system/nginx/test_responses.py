"""Responses pass the edge whole: large headers, large bodies, and what NGINX itself answers."""

import re
import socket
import time

import pytest

from harness.client import wait_for

HEADERS = pytest.mark.parametrize("path", ["/big-headers/", "/async-big-headers/"])
ACCEL = pytest.mark.parametrize("path", ["/accel/", "/async-accel/"])
PROTECTED = """
location /protected/ {
    internal;
    alias private/;
}
location @wsgi {
    return 418;
}
add_header Strict-Transport-Security "max-age=60" always;
client_body_timeout 31s;
proxy_buffer_size 48k;
proxy_max_temp_file_size 1000m;
"""


@HEADERS
@pytest.mark.parametrize("query", ["count=4", "count=31", "long=8000", "long=32000"])
def test_response_headers_of_32_kb_pass(edge, path, query) -> None:
    """Several cookies, or a redirect to a long URL."""
    answer = edge.ask(f"{path}?{query}")

    assert (answer.status, answer.text) == (200, "big")
    name, number = query.split("=")
    cookies = answer.headers.get_all("Set-Cookie", [])
    assert len(cookies) == (int(number) if name == "count" else 0)
    assert len(answer.headers["X-Long"]) == (int(number) if name == "long" else 0)


@pytest.mark.parametrize("names", [[], ["localhost"]], ids=["any name", "server names"])
def test_request_headers_of_32_kb_pass(edge_with, names) -> None:
    """NGINX reads a request line and headers by the default server, which rejects other names."""
    with edge_with(EDGE={"SERVER_NAMES": names}) as edge:
        for path in ("/sync/", "/async/"):
            headers = [("Host", "localhost"), ("Cookie", f"c={'x' * 16000}")]
            assert edge.ask(f"{path}?{'q' * 16000}", headers=headers).status == 200
        # For Django, two slashes are not one: the rule for /async/ does not match.
        assert edge.ask("//async/", headers=[("Host", "localhost")]).status == 404
        line = '"GET //async/ HTTP/1.1" 404 '
        assert wait_for(lambda: re.search(f"{line}.* (.*)$", edge.log, re.M))[1] == "wsgi"


@pytest.fixture(scope="module")
def including(edge_with, project):
    """An edge with an INCLUDE that has a location for files, headers and limits."""
    (project / "private").mkdir(exist_ok=True)
    (project / "private" / "invoice.txt").write_text("an invoice")
    directives = PROTECTED.replace("private/", f"{project}/private/")
    (project / "including.conf").write_text(directives)
    with edge_with(EDGE={"INCLUDE": "including.conf"}) as edge:
        yield edge


@ACCEL
def test_x_accel_redirect_of_a_view_sends_the_file(including, path) -> None:
    """On both stacks, with ranges; nobody gets the file without the view."""
    assert including.ask(f"{path}invoice.txt").text == "an invoice"
    part = including.ask(f"{path}invoice.txt", headers=[("Range", "bytes=3-")])
    assert (part.status, part.text) == (206, "invoice")
    assert including.ask(f"{path}missing.txt").status == 404
    assert including.ask("/protected/invoice.txt").status == 404


@pytest.mark.parametrize(
    "path", ["/sync/", "/async/", "/static/edgesite/site.css", "/accel/invoice.txt"]
)
def test_a_header_of_include_is_on_every_response(including, path) -> None:
    """Static files have their own headers, which do not replace it."""
    assert including.ask(path).headers["Strict-Transport-Security"] == "max-age=60"


def test_a_body_larger_than_max_body_gets_a_sentence(edge_with) -> None:
    """With the limit."""
    with edge_with(EDGE={"MAX_BODY": "1M"}) as edge:
        for path in ("/length/", "/async-length/"):
            answer = edge.ask(path, "POST", [("Content-Length", str(2 << 20))])

            assert answer.status == 413
            assert (
                answer.text
                == "The request is larger than 1M, the largest that this server accepts.\n"
            )


def test_a_large_download_to_a_slow_client_is_whole_and_holds_no_worker(edge_with, site) -> None:
    """NGINX takes it from the worker at once, also where it is larger than any buffer."""
    with edge_with() as edge, socket.create_connection(("127.0.0.1", edge.port)) as slow:
        slow.sendall(b"GET /download/?mb=64 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        received = len(slow.recv(1000))
        began = time.monotonic()
        # Both workers are free.
        assert [edge.ask("/sync/").status for _ in range(8)] == [200] * 8
        assert time.monotonic() - began < 5
        while part := slow.recv(1 << 20):
            received += len(part)

    assert received > 64 << 20
