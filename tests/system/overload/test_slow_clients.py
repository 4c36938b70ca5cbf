"""A client that takes its time takes nobody's worker."""

import http.client
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from django_tandem.runtime.host import nginx_from_wheel
from harness.client import ask, wait_for
from harness.stack import Up
from overload.slow_clients import MANY, slow_bodies, slow_headers, slow_readers

MB = 1024 * 1024
QUICK_S = 5
LARGE = f"?bytes={2 * MB}"
# By the system's NGINX.
GUNICORN = ("gunicorn", None)


@pytest.fixture(scope="module")
def up(request, up_with) -> Iterator[Up]:
    """A stack with one worker of a server, behind an NGINX or the system's."""
    server, nginx = request.param
    with up_with(nginx=nginx, SERVER=server, WORKERS=1) as running:
        yield running


def behind(*pairs: tuple[str, str | None]) -> pytest.MarkDecorator:
    """Run a test on each of these servers and NGINXes."""
    ids = ["-".join([server, "wheel"] if nginx else [server]) for server, nginx in pairs]
    return pytest.mark.parametrize("up", pairs, ids=ids, indirect=True, scope="module")


@behind(
    GUNICORN,
    ("gunicorn", nginx_from_wheel()),
    ("uwsgi", None),
    ("waitress", None),
    ("granian", None),
)
def test_slow_clients_of_every_kind_leave_the_one_worker_free(up) -> None:
    """Fifty of each kind at once, on either stack, and the next request is answered at once."""
    with ExitStack() as slow:
        threads = ask(up.port, "/threads/").json["threads"]
        slow.enter_context(slow_headers(up.port, "/length/"))
        slow.enter_context(slow_bodies(up.port, "/length/"))
        slow.enter_context(slow_bodies(up.port, "/threads/"))
        slow.enter_context(slow_readers(up.port, f"/large/{LARGE}"))
        slow.enter_context(slow_readers(up.port, f"/large-on-asgi/{LARGE}"))
        began = time.monotonic()

        assert ask(up.port, "/length/", "POST", body=bytes(10)).text == "10"
        assert ask(up.port, "/large/?bytes=1").status == 200
        assert time.monotonic() - began < QUICK_S
        assert ask(up.port, "/large-on-asgi/?bytes=1").status == 200
        # A thread and its database connection for each slow reader is what stock Django takes, and
        # keeps as long as they read; one of ours that gets a signal to end takes a moment for it.
        assert wait_for(lambda: ask(up.port, "/threads/").json["threads"] - threads < MANY / 2)


@behind(GUNICORN)
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(up) -> None:
    """MAX_BODY, which is 4 MB here, on either stack."""
    for path in ("/length/", "/threads/"):
        length = [("Content-Length", str(4 * MB + 1))]
        assert ask(up.port, path, "POST", length).status == 413
    assert ask(up.port, "/length/", "POST", body=bytes(2 * MB)).text == str(2 * MB)


@behind(GUNICORN)
def test_the_largest_answer_is_whole_for_a_slow_reader(up) -> None:
    """What the edge has taken off the worker is kept for who reads it late."""
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=60)
    connection.request("GET", f"/large/{LARGE}")
    answer = connection.getresponse()
    assert ask(up.port, "/large/?bytes=1").status == 200

    assert len(answer.read()) == 2 * MB
    connection.close()
