"""The moments of a stop of a master that nothing supervises, by a clock of the test."""

import contextlib
import os
import socket

import pytest

from django_tandem.inprocess import drain_window
from django_tandem.model import StopTimes
from django_tandem.servers.adapters import addresses
from django_tandem.servers.adapters.unsupervised import MasterShutdown


class Master:
    """A master with one worker and one address; it keeps what the stop has it do."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.workers = 1
        self.lines: list[str] = []
        self.has_drained = False

    def listeners(self) -> list[socket.socket]:
        return [self.listener]

    def count_workers(self) -> int:
        return self.workers

    def drain_workers(self) -> None:
        self.has_drained = True

    def report(self, text: str) -> None:
        self.lines.append(text)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.listener.getsockname(), timeout=5)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def master():
    made = Master()
    yield made
    made.listener.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stop(master, clock, tmp_path, monkeypatch) -> MasterShutdown:
    monkeypatch.setenv("TANDEM_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("TANDEM_GENERATION", "1")
    return MasterShutdown(master, StopTimes(stop_s=20, delay_s=5), clock)


def at(stop: MasterShutdown, clock: Clock, seconds: float) -> bool:
    """Advance the stop to so many seconds from its signal."""
    clock.now_s = 100.0 + seconds
    return stop.advance()


def test_a_stop_still_serves_for_its_delay(stop, master, clock, tmp_path) -> None:
    """It is marked at once, so that the probes fail."""
    stop.begin(has_served=True)

    assert not at(stop, clock, 4.9)
    assert not stop.is_refusing
    assert (tmp_path / "stopping").exists()
    assert drain_window.read(tmp_path, 1) is None
    assert master.lines == [
        "stopping: serves for 5 s more, then finishes requests in flight, for 15 s at most"
    ]


def test_a_master_that_has_never_served_has_no_delay(stop, clock) -> None:
    """No load balancer has sent anything to it."""
    stop.begin(has_served=False)

    at(stop, clock, 0)

    assert stop.is_refusing


def test_the_workers_drain_once_nothing_waits_to_be_accepted(stop, master, clock, tmp_path) -> None:
    """Such a connection has a request that its client has sent."""
    stop.begin(has_served=True)
    with master.connect():
        at(stop, clock, 5)
        at(stop, clock, 6)
        assert drain_window.read(tmp_path, 1).window_s == 11.25
        assert not master.has_drained

        master.listener.accept()[0].close()
        assert not at(stop, clock, 6.1)

    assert master.has_drained


def test_a_connection_that_comes_later_is_refused(stop, master, clock) -> None:
    """At once, while those before it still wait to be accepted, and after the drain."""
    stop.begin(has_served=True)
    with master.connect():
        at(stop, clock, 5)
        with pytest.raises(ConnectionRefusedError):
            master.connect()
        master.listener.accept()[0].close()

    at(stop, clock, 5.2)
    at(stop, clock, 5.6)
    with pytest.raises(ConnectionRefusedError):
        master.connect()


def test_the_master_ends_with_its_last_worker(stop, master, clock) -> None:
    """Or when the servers get their stop signal, with what is left for them."""
    stop.begin(has_served=True)
    at(stop, clock, 5)
    assert not at(stop, clock, 5.2)

    master.workers = 0
    assert at(stop, clock, 5.3)


def test_a_worker_that_stays_is_stopped_in_time(stop, master, clock) -> None:
    """Its connections may wait, as a call does."""
    stop.begin(has_served=True)
    with master.connect():
        at(stop, clock, 5)

        assert at(stop, clock, 16.3)

    assert (master.has_drained, stop.left_s) == (True, pytest.approx(3.7))


def test_a_stop_at_a_terminal_is_short(stop, clock, tmp_path) -> None:
    """A person waits for it; a second signal changes nothing."""
    stop.begin(has_served=True, is_interactive=True)
    stop.begin(has_served=True)

    at(stop, clock, 0)

    assert drain_window.read(tmp_path, 1).window_s == 1.0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_connection_that_waits_is_served_by_a_master_without_capabilities(address) -> None:
    """As in a container: the option may be set by a process that has none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.create_server((address, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2], timeout=5) as before,
    ):
        _as_nobody(addresses.refuse_new_connections, [listener])
        before.sendall(b"sent later")
        accepted = listener.accept()[0]

        assert accepted.recv(10) == b"sent later"
        accepted.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(listener.getsockname()[:2], timeout=5)


def _as_nobody(function, *arguments) -> None:
    """Call the function in a forked process whose user has no capabilities, if root runs this."""
    pid = os.fork()
    if not pid:
        with contextlib.suppress(PermissionError):
            os.setuid(65534)
        function(*arguments)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
