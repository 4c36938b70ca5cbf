"""The restarts of a shared master's workers are counted by kind."""

from django_tandem.inprocess import worker_restarts
from django_tandem.inprocess.worker_restarts import FILES, WorkerRestarts


def test_each_restart_is_counted_by_kind(tmp_path) -> None:
    """By generation: a new one begins at none, though an abandoned one had its number."""
    restarts = WorkerRestarts(FILES.path(tmp_path, 2))
    for kind in ("wsgi", "asgi", "wsgi"):
        restarts.count(kind)

    assert worker_restarts.read(tmp_path, 2) == {"wsgi": 2, "asgi": 1}
    assert worker_restarts.read(tmp_path, 1) == {}
    WorkerRestarts(FILES.path(tmp_path, 2))
    assert worker_restarts.read(tmp_path, 2) == {}


def test_a_count_without_a_run_directory_is_dropped(tmp_path) -> None:
    """The workers come first."""
    WorkerRestarts(FILES.path(tmp_path / "none", 1)).count("wsgi")

    assert worker_restarts.read(tmp_path / "none", 1) == {}
