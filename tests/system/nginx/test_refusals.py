"""What the edge answers itself: 503 for what was sent to nobody, 502 and 504 for what was."""

import socket
import time
from contextlib import ExitStack

import pytest
from nginx.edges import running_edge
from nginx.scripted import HAND_OVER, answering, listening, waiting

from harness.client import wait_for

TIMEOUT_S = 1
HANDSHAKE = (
    ("Connection", "upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ("Sec-WebSocket-Version", "13"),
)
DEATH = b""


@pytest.fixture(scope="module")
def edge(project, nginx_program, sockets):
    """An edge with nobody behind it: each test puts there whom it needs."""
    setting = {"TIMEOUT_S": TIMEOUT_S}
    with running_edge(project, nginx_program, sockets, WSGI=setting) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/sync/", ()), ("/async/", ()), ("/socket/", HANDSHAKE), ("/static/missing.css", ())],
    ids=["WSGI", "ASGI", "a handshake", "no file"],
)
def test_a_server_that_is_not_there_is_soon(edge, path, headers) -> None:
    """Nothing was sent: 503, with Retry-After."""
    assert refusal(edge.ask(path, "GET", headers)) == (503, "1")


PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8>{}<meta name=viewport "
    "content=width=device-width><title>Unavailable</title><p>This site is starting or busy. {}\n"
)
RELOADING = PAGE.format("<meta http-equiv=refresh content=2>", "This page reloads itself.")
SENT_AGAIN = PAGE.format("", "Your request was not processed: send it again.")
JSON = {"detail": "This site is starting or busy. The request was not processed: send it again."}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/sync/", "/async/", "/static/missing.css"])
@pytest.mark.parametrize(
    ("method", "accept", "page"),
    [
        ("GET", BROWSER, RELOADING),
        ("GET", "*/*", RELOADING),
        ("HEAD", BROWSER, ""),
        # A reload would be a GET, and lose what was sent.
        ("POST", BROWSER, SENT_AGAIN),
    ],
)
def test_a_browser_gets_a_page_that_reloads_itself(edge, path, method, accept, page) -> None:
    """Until the server is there."""
    answer = edge.ask(path, method, [("Accept", accept)])

    assert (*refusal(answer), answer.text) == (503, "1", page)
    assert answer.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.api+json, */*;q=0.1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_accepts_json_gets_json(edge, method, accept) -> None:
    """With the same status and header."""
    answer = edge.ask("/sync/", method, [("Accept", accept)])

    assert (*refusal(answer), answer.json) == (503, "1", JSON)
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["wsgi.sock", "asgi.sock"])
def test_the_page_is_followed_by_the_site(edge, behind, sockets, name) -> None:
    """A reload after the start gets the view, and a server that then dies is not starting."""
    path = "/sync/" if name == "wsgi.sock" else "/async/"
    assert edge.ask(path).text == RELOADING
    with answering(sockets / name):
        assert edge.ask(path).text == "ok"
    behind(name, DEATH)
    answer = edge.ask(path)

    assert refusal(answer) == (502, None)
    assert "starting" not in answer.text


def test_an_error_page_of_include_replaces_the_page(project, nginx_program, tmp_path) -> None:
    """Whether or not it is a named location."""
    include = tmp_path / "include.conf"
    include.write_text("error_page 503 @own; location @own { return 503 own; }\n")
    with running_edge(project, nginx_program, tmp_path, EDGE={"INCLUDE": str(include)}) as edge:
        answer = edge.ask("/sync/")

    assert (*refusal(answer), answer.text) == (503, "1", "own")


def test_a_socket_left_behind_is_no_server(edge, sockets) -> None:
    """As after kill -9, until the supervisor has started the next."""
    with listening(sockets / "wsgi.sock") as listener:
        listener.close()

        assert refusal(edge.ask("/sync/", "POST", body=b"x" * 100_000)) == (503, "1")


@pytest.mark.parametrize("path", ["/sync/", "/async/"])
def test_a_server_that_dies_over_a_request_has_had_it(edge, behind, path) -> None:
    """It may have had effects: 502 without Retry-After, and it is sent once."""
    had = [*(behind(name, DEATH) for name in ("wsgi.sock", "asgi.sock"))]

    assert refusal(edge.ask(path, "POST", body=b"once")) == (502, None)
    assert sum(map(len, had)) == 1


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable", "504 Late"])
def test_the_projects_own_refusal_is_passed_on(edge, behind, status) -> None:
    """With its own headers and none of ours."""
    behind("wsgi.sock", f"HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nmine".encode())

    answer = edge.ask("/sync/")
    assert (*refusal(answer), answer.text) == (int(status[:3]), None, "mine")


def test_a_request_beyond_the_queue_is_refused_at_once(edge, behind, sockets) -> None:
    """While ASGI serves as ever, and the others wait on."""
    behind("asgi.sock")
    with listening(sockets / "wsgi.sock", backlog=0), waiting(sockets / "wsgi.sock"):
        refused = edge.ask("/sync/")

        # A request that had waited at all would get 504, after the timeout.
        assert refusal(refused) == (503, "1")
        assert edge.ask("/async/").text == "ok"
    wait_for(lambda: '"GET /sync/ HTTP/1.1" 503' in edge.log and edge.log.count(" edge\n"))


def test_a_request_that_waits_too_long_is_given_up(edge, sockets) -> None:
    """504 from the edge, whatever the server does, and whether or not the body was taken."""
    with listening(sockets / "wsgi.sock"):
        for body in (None, bytes(1_000_000)):
            began = time.monotonic()
            answer = edge.ask("/sync/", "POST", body=body)

            assert refusal(answer) == (504, None)
            assert TIMEOUT_S <= time.monotonic() - began < TIMEOUT_S + 5


def test_what_is_handed_over_holds_no_place(edge, sockets) -> None:
    """Streams may stay open on ASGI, many more than WSGI lets wait."""
    with ExitStack() as stack:
        stack.enter_context(answering(sockets / "wsgi.sock", HAND_OVER))
        streams = stack.enter_context(listening(sockets / "asgi.sock"))
        for _ in range(5):
            client = stack.enter_context(edge_connection(edge))
            client.sendall(b"GET /sync/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            stack.enter_context(streams.accept()[0])
    with answering(sockets / "wsgi.sock"):
        assert edge.ask("/sync/").text == "ok"


@pytest.mark.parametrize(("answer", "refused"), [(None, (503, "1")), (DEATH, (502, None))])
def test_what_is_handed_over_is_refused_alike(edge, behind, answer, refused) -> None:
    """The edge names the stack that the request was handed to."""
    behind("wsgi.sock", HAND_OVER)
    if answer is not None:
        behind("asgi.sock", answer)

    assert refusal(edge.ask("/sync/")) == refused


def test_the_log_names_both_stacks_of_what_was_handed_over(edge, behind) -> None:
    """And not the last alone."""
    behind("wsgi.sock", HAND_OVER)
    behind("asgi.sock")

    assert edge.ask("/sync/?both").text == "ok"
    line = wait_for(lambda: next((each for each in edge.log.splitlines() if "?both" in each), ""))
    # Nothing else is behind the id: neither of both times to connect.
    assert line.split()[9:] == ["wsgi>asgi"]


def test_a_new_server_has_its_own_queue(edge, sockets) -> None:
    """The old one is full; once the link names the new one, nobody is refused."""
    old, new = sockets / "wsgi-1.sock", sockets / "wsgi-2.sock"
    with listening(old, backlog=0), waiting(old), answering(new):
        link(old, sockets)
        assert refusal(edge.ask("/sync/")) == (503, "1")
        link(new, sockets)

        assert edge.ask("/sync/").text == "ok"
    (sockets / "wsgi.sock").unlink()


def refusal(answer):
    return answer.status, answer.headers["Retry-After"]


def link(target, sockets):
    (sockets / "next").symlink_to(target)
    (sockets / "next").replace(sockets / "wsgi.sock")


def edge_connection(edge):
    return socket.create_connection(("127.0.0.1", edge.port), timeout=10)


@pytest.fixture(scope="module")
def paged(project, nginx_program, sockets):
    """An edge with the project's own pages for errors."""
    (project / "errors").mkdir(exist_ok=True)
    pages = {status: f"errors/{status}.html" for status in (413, 502, 503, 504)}
    for status, page in pages.items():
        (project / page).write_text(f"<h1>our own {status} é</h1>")
    setting = {"WSGI": {"TIMEOUT_S": TIMEOUT_S}, "EDGE": {"ERROR_PAGES": pages, "MAX_BODY": "1k"}}
    with running_edge(project, nginx_program, sockets, **setting) as running:
        yield running


def test_the_projects_own_pages_are_sent(paged, behind, sockets) -> None:
    """With the status and the headers of the edge, whatever the method."""
    assert own_page(paged.ask("/sync/")) == (503, "1", "<h1>our own 503 é</h1>")
    assert own_page(paged.ask("/async/", "POST", body=b"x")) == (503, "1", "<h1>our own 503 é</h1>")
    assert own_page(paged.ask("/static/none.css")) == (503, "1", "<h1>our own 503 é</h1>")
    assert own_page(paged.ask("/sync/", "POST", body=bytes(2000)))[0::2] == (
        413,
        "<h1>our own 413 é</h1>",
    )
    with listening(sockets / "wsgi.sock"):
        assert own_page(paged.ask("/sync/")) == (504, None, "<h1>our own 504 é</h1>")
    for name in ("wsgi.sock", "asgi.sock"):
        behind(name, DEATH)
    for path in ("/sync/", "/async/"):
        assert own_page(paged.ask(path)) == (502, None, "<h1>our own 502 é</h1>")
    assert paged.ask("/.tandem/errors/502").status != 200


def test_a_views_own_error_is_not_replaced(paged, behind) -> None:
    """The pages are for errors of the edge."""
    behind("wsgi.sock", b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nmine")

    assert paged.ask("/sync/").text == "mine"


def own_page(answer):
    assert answer.headers["Content-Type"] in ("text/html; charset=utf-8", None)
    return (*refusal(answer), answer.text)


@pytest.mark.parametrize(
    "lines",
    [
        ("GET /sync/?\x1b[31m HTTP/1.1", "Host: a"),
        ("GET /sync/%0Aforged%1B[31m HTTP/1.1", "Host: a"),
        ("G\x1b[31mT /sync/ HTTP/1.1", "Host: a"),
        ("GET /sync/ HTTP/1.1", "Host: a\x1b[31m"),
        ("GET /sync/ HTTP/1.1", "Host: a", "Referer: \x1b[31m"),
        ("GET /sync/ HTTP/1.1", "Host: a", "Referer: \x7f\x07"),
        ("GET /sync/ HTTP/1.1", "Host: a", "User-Agent: \x1b[31m"),
    ],
    ids=str,
)
def test_no_request_writes_control_characters_to_the_log(edge, lines) -> None:
    """They could forge lines, or control the terminal of a reader."""
    before = len(edge.log)
    edge.exchange(*lines, "Connection: close")
    wait_for(lambda: len(edge.log) > before)

    assert not [character for character in edge.log if ord(character) < 32 and character != "\n"]
    assert "\x7f" not in edge.log
