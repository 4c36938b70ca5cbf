"""What the arbiter of the shared master does with its workers, without any process."""

import signal
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from django_tandem.servers.adapters import shared_arbiter
from django_tandem.servers.adapters.forked_workers import ForkedKind, ForkedWorker
from django_tandem.servers.adapters.shared_arbiter import START_S, SharedArbiter

CONFIG = Config()
WSGI, ASGI = (
    ForkedKind(
        name=name, worker_class=ForkedWorker, config=CONFIG, workers=1, load=dict, timeout_s=5
    )
    for name in ("wsgi", "asgi")
)


class Log:
    """Keeps what the master logs."""

    error_fmt, datefmt = "%(message)s", None

    def __init__(self):
        self.lines = []

    def warning(self, text, *values):
        self.lines.append(text % values)


class Arbiter(SharedArbiter):
    """Has workers that are values, and keeps the signals that it sends."""

    def setup(self, app):
        self.cfg, self.log, self.kinds = CONFIG, Log(), (WSGI, ASGI)
        self.WORKERS, self.sent, self.failure = {}, [], None

    def kill_worker(self, pid, sig):
        self.sent.append((pid, sig))

    def spawn_worker(self):
        if self.failure is not None:
            raise self.failure
        return self.add(self._kind).pid

    def add(self, kind, *, is_ready=False):
        worker = ForkedWorker(kind, 1, 1, [], None, 1, CONFIG, self.log)
        worker.pid = len(self.WORKERS) + 1
        self.WORKERS[worker.pid] = worker
        if is_ready:
            worker.notify()
        return worker


@pytest.fixture
def arbiter(monkeypatch):
    monkeypatch.delenv("TANDEM_RUN_DIR", raising=False)
    monkeypatch.setattr(shared_arbiter, "DUMP_S", 0)
    return Arbiter(SimpleNamespace())


def test_a_worker_that_never_begins_to_serve_is_killed(arbiter) -> None:
    """Once another one of its kind has shown how long a start takes."""
    hanging = arbiter.add(WSGI)
    hanging.forked_at -= START_S + 1
    arbiter.manage_workers()
    arbiter.murder_workers()
    assert arbiter.sent == []

    arbiter.add(WSGI, is_ready=True)
    arbiter.manage_workers()
    arbiter.murder_workers()
    arbiter.murder_workers()

    pid = hanging.pid
    assert arbiter.log.lines == [
        f"WORKER TIMEOUT (pid:{pid}): a start of more than 120 s. Its call stack follows."
    ]
    assert arbiter.sent[-2:] == [(pid, signal.SIGABRT), (pid, signal.SIGKILL)]


def test_a_project_that_starts_slowly_may_do_so_again(arbiter) -> None:
    """Twice as long as the first worker."""
    arbiter.add(WSGI, is_ready=True).forked_at -= 200
    arbiter.manage_workers()
    arbiter.add(WSGI).forked_at -= 300
    arbiter.murder_workers()

    assert arbiter.sent == []


def test_the_master_has_booted_once_each_kind_has_its_workers(arbiter) -> None:
    """Until then, a worker that fails to start ends the master."""
    arbiter.failure = OSError(11, "Resource temporarily unavailable")
    arbiter.manage_workers()
    assert not arbiter._has_booted

    arbiter.add(WSGI, is_ready=True)
    arbiter.manage_workers()
    assert not arbiter._has_booted

    arbiter.add(ASGI, is_ready=True)
    arbiter.manage_workers()
    assert arbiter._has_booted


def test_a_log_that_can_not_be_opened_ends_no_master(arbiter, monkeypatch, tmp_path) -> None:
    """Neither where no file can be opened, nor where the run directory is removed."""
    monkeypatch.setenv("TANDEM_RUN_DIR", str(tmp_path / "removed"))
    arbiter.failure = OSError(24, "Too many open files")
    arbiter.manage_workers()

    line = "A worker could not be started: [Errno 24] Too many open files."
    assert arbiter.log.lines == [line, line]


def test_workers_that_end_right_after_the_boot_count_for_it(arbiter) -> None:
    """Their replacement may then fail, and the master goes on."""
    arbiter.add(WSGI, is_ready=True)
    arbiter.add(ASGI, is_ready=True)
    arbiter.reap_workers()
    arbiter.WORKERS.clear()
    arbiter.manage_workers()

    assert arbiter._has_booted
