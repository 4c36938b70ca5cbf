"""What becomes of a request that takes too long, and of its worker."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import ask, wait_for

TIMEOUT_S = 2
SERVERS = ["gunicorn", "uwsgi", "waitress", "granian"]


@pytest.mark.parametrize("server", SERVERS)
def test_a_client_gets_504_from_every_server(up_with, server) -> None:
    """After TIMEOUT_S, by the edge; and on all but two servers its worker is soon replaced."""
    replaces = server in ("gunicorn", "uwsgi")
    with up_with(SERVER=server, WORKERS=1, TIMEOUT_S=TIMEOUT_S) as up:
        began = time.monotonic()
        answer = ask(up.port, f"/sleep/?s={60 if replaces else 5}")

        assert answer.status == 504
        assert TIMEOUT_S <= time.monotonic() - began < TIMEOUT_S + 3
        wait_for(lambda: ask(up.port, "/sleep/?s=0").status == 200, within_s=30)


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi", "waitress"])
def test_what_was_given_up_in_the_queue_is_not_done(up_with, server) -> None:
    """A POST whose client got 504 while it waited must not happen afterwards."""
    with up_with(SERVER=server, WORKERS=1, TIMEOUT_S=TIMEOUT_S) as up, ThreadPoolExecutor() as pool:
        done = up.directory / "done"
        # Longer than the next is waited for, and not so long that the worker is ended.
        slow = pool.submit(post, up, "slow", f"&s={TIMEOUT_S + 1}")
        wait_for(done.exists)
        given_up = post(up, "late")
        slow.result()

        wait_for(lambda: post(up, "next") == 200)
    assert given_up == 504
    assert [line.split()[0] for line in done.read_text().splitlines()] == ["slow", "next"]


def post(up, key, more=""):
    return ask(up.port, f"/done/?key={key}{more}", "POST", body=b"x").status
