"""What becomes of a request that takes too long, and of its worker."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import ask, wait_for
from harness.stack import Up

TIMEOUT_S = 2


@pytest.fixture(scope="module")
def up(request, up_with) -> Iterator[Up]:
    """A stack on the server of that name, whose one worker each test leaves free."""
    with up_with(SERVER=request.param, WORKERS=1, TIMEOUT_S=TIMEOUT_S) as running:
        yield running


@pytest.mark.parametrize(
    ("up", "sleep_s"),
    [("gunicorn", 60), ("uwsgi", 60), ("waitress", 5), ("granian", 5)],
    indirect=["up"],
    scope="module",
)
def test_a_client_gets_504_from_every_server(up, sleep_s) -> None:
    """After TIMEOUT_S, by the edge; and on all but two servers its worker is soon replaced."""
    began = time.monotonic()
    answer = ask(up.port, f"/sleep/?s={sleep_s}")

    assert answer.status == 504
    assert TIMEOUT_S <= time.monotonic() - began < TIMEOUT_S + 3
    wait_for(lambda: ask(up.port, "/sleep/?s=0").status == 200, within_s=30)


@pytest.mark.parametrize("up", ["gunicorn", "uwsgi", "waitress"], indirect=True, scope="module")
def test_what_was_given_up_in_the_queue_is_not_done(up) -> None:
    """A POST whose client got 504 while it waited must not happen afterwards."""
    done = up.directory / "done"
    with ThreadPoolExecutor() as pool:
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
