"""What a child process of another user may do to root's command."""

import json
import os
import pty
import time

import pytest

from django_tandem.runtime import accounts
from django_tandem.runtime.privileges import LONGEST_RESULT, call_as

APP = accounts.find("54321", "`--user`")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def test_a_value_passes_through_json() -> None:
    """And a failure is None."""
    assert call_as(APP, lambda: {"ids": os.getresuid()}) == {"ids": [APP.uid] * 3}
    assert call_as(APP, lambda: 1 / 0) is None


def test_the_child_has_no_terminal() -> None:
    """By its terminal it could type into root's shell."""

    def open_terminal() -> bool:
        try:
            os.close(os.open("/dev/tty", os.O_RDWR))
        except OSError:
            return False
        return True

    child, terminal = pty.fork()
    if child == 0:
        has_own = open_terminal()
        os._exit(10 * has_own + bool(call_as(APP, open_terminal)))
    _, status = os.waitpid(child, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 10


def test_a_child_that_never_returns_is_ended() -> None:
    """Root's command does not wait for it without end."""
    with pytest.raises(TimeoutError):
        call_as(APP, lambda: time.sleep(600), within_s=0.2)


def test_the_result_of_a_process_that_stays_is_not_waited_for() -> None:
    """A fork of the child keeps the pipe open."""

    def fork() -> int:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        return 1

    began = time.monotonic()

    assert call_as(APP, fork) == 1
    assert time.monotonic() - began < 4


def test_a_result_that_is_too_long_or_no_json_is_none() -> None:
    """The account's own code may write anything to the pipe."""

    def nested() -> None:
        # What json.loads() answers with RecursionError.
        json.dumps = lambda _: "[" * LONGEST_RESULT

    assert call_as(APP, lambda: "x" * LONGEST_RESULT) is None
    assert call_as(APP, nested) is None
