"""What is to be called later is called in supervisord's loop, in the order of its time."""

import select
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from django_tandem.runtime.supervisor.event_loop import SelfPipe


@pytest.fixture
def self_pipe() -> Iterator[SelfPipe]:
    before = signal.getsignal(signal.SIGALRM)
    loop = SimpleNamespace(options=SimpleNamespace(get_socket_map=dict))
    yield SelfPipe(loop)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGALRM, before)


def test_each_call_comes_at_its_own_time(self_pipe) -> None:
    """A later one does not replace an earlier one, nor one that is added for an earlier time."""
    called: list[str] = []
    self_pipe.call_later(0.1, lambda: called.append("later"))
    self_pipe.call_later(0.02, lambda: called.append("soon"))
    self_pipe.call_later(0, lambda: called.append("at once"))

    while len(called) < 3:
        assert select.select([self_pipe._reader], [], [], 5)[0], called
        self_pipe.handle_read_event()

    assert called == ["at once", "soon", "later"]


def test_a_call_may_plan_another(self_pipe) -> None:
    """As each moment of a stop plans the next one."""
    called: list[str] = []

    def first() -> None:
        called.append("first")
        self_pipe.call_later(0, lambda: called.append("second"))

    self_pipe.call_later(0, first)
    while len(called) < 2:
        assert select.select([self_pipe._reader], [], [], 5)[0], called
        self_pipe.handle_read_event()

    assert called == ["first", "second"]


def test_a_wake_calls_nothing_early(self_pipe) -> None:
    """Another signal ends the loop's wait, too."""
    called: list[str] = []
    self_pipe.call_later(60, lambda: called.append("early"))
    self_pipe.wake()
    self_pipe.handle_read_event()

    assert called == []


def test_a_closed_pipe_leaves_no_timer(self_pipe) -> None:
    """SIGALRM would kill a process whose handlers Python has reset at its end."""
    self_pipe.call_later(60, lambda: None)

    self_pipe.close()

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_call_that_fails_leaves_the_others_due(self_pipe) -> None:
    """supervisord prints the exception, and goes on."""
    called: list[str] = []

    def fail() -> None:
        raise OSError("no space")

    self_pipe.call_later(0, fail)
    self_pipe.call_later(0.01, lambda: called.append("later"))
    assert select.select([self_pipe._reader], [], [], 5)[0]
    with pytest.raises(OSError, match="no space"):
        self_pipe.handle_read_event()

    while not called:
        assert select.select([self_pipe._reader], [], [], 5)[0]
        self_pipe.handle_read_event()
