"""A signal that comes before supervisord has its handlers is handled once it has."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from django_tandem.runtime import early_signals

SENT = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals of a stop that reached a handler, in their order."""
    found: list[int] = []
    before = {each: signal.signal(each, lambda n, _: found.append(n)) for each in SENT}
    yield found
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("sent", SENT)
def test_a_blocked_signal_is_handled_once_it_is_unblocked(sent, handled) -> None:
    """And the function returns that there was one."""
    early_signals.block_signals()
    # To this thread, as supervisord has no other by then; pytest-xdist has one that would take it.
    signal.pthread_kill(threading.get_ident(), sent)
    assert handled == []

    assert early_signals.unblock_signals()

    assert handled == [sent]


def test_without_a_signal_unblocking_returns_false(handled) -> None:
    """Then the programs are started."""
    early_signals.block_signals()

    assert not early_signals.unblock_signals()

    assert handled == []


@pytest.mark.parametrize("sent", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_to_reopen_logs_waits_too_and_is_no_stop(sent) -> None:
    """By default it ends a process that does not handle it."""
    found: list[int] = []
    before = signal.signal(sent, lambda number, _: found.append(number))
    try:
        early_signals.block_signals()
        signal.pthread_kill(threading.get_ident(), sent)
        assert found == []

        assert not early_signals.unblock_signals()

        assert found == [sent]
    finally:
        signal.signal(sent, before)


@pytest.mark.parametrize("sent", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_to_reopen_logs_does_not_end_a_start(sent) -> None:
    """A log rotation may send it while the project is still imported."""
    before = signal.getsignal(sent)
    try:
        early_signals.drop_reopen_signals()

        # A program that is started meanwhile would inherit that it is ignored.
        assert callable(signal.getsignal(sent))
        signal.raise_signal(sent)
    finally:
        signal.signal(sent, before)


@pytest.mark.parametrize("sent", SENT)
def test_a_signal_between_fork_and_exec_ends_the_child(sent, handled) -> None:
    """A program that is stopped as soon as it is forked does not start."""

    def fork() -> int:
        child = os.fork()
        if child:
            os.kill(child, sent)
        return child

    pid = early_signals.fork_unhandled(fork)
    if pid == 0:
        # The signal is pending here, or comes within these seconds.
        time.sleep(10)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -sent
    assert handled == []
    os.kill(os.getpid(), sent)
    assert handled == [sent]


def test_only_the_first_process_handles_a_stop_by_itself(handled) -> None:
    """Everywhere else the kernel ends the process."""
    before = [signal.getsignal(each) for each in SENT]

    early_signals.end_first_process()

    assert [signal.getsignal(each) for each in SENT] == before


@pytest.mark.parametrize("sent", [signal.SIGQUIT, signal.SIGTERM])
def test_a_stop_ends_the_first_process_while_it_starts(sent, monkeypatch) -> None:
    """A container of an edge is stopped by SIGQUIT, and the kernel drops what has no handler."""
    pid = os.fork()
    if pid == 0:
        for each in SENT:
            signal.signal(each, signal.SIG_IGN)
        monkeypatch.setattr(os, "getpid", lambda: early_signals.FIRST_PID)
        early_signals.end_first_process()
        signal.raise_signal(sent)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + sent
