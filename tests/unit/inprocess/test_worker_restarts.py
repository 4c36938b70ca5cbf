"""The restarts of a shared master's workers are counted by kind."""

from django_tandem.inprocess import worker_restarts
from django_tandem.inprocess.worker_restarts import WorkerRestarts


def test_each_restart_is_counted_by_kind(tmp_path) -> None:
    """By generation: a new one begins at none, though an abandoned one had its number."""
    restarts = WorkerRestarts(tmp_path, 2)
    for kind in ("wsgi", "asgi", "wsgi"):
        restarts.count(kind)

    assert worker_restarts.read(tmp_path, 2) == {"wsgi": 2, "asgi": 1}
    assert worker_restarts.read(tmp_path, 1) == {}
    WorkerRestarts(tmp_path, 2)
    assert worker_restarts.read(tmp_path, 2) == {}


def test_the_counts_of_an_abandoned_generation_are_cleared(tmp_path) -> None:
    """Before its number is used again: the health check of a reload reads them."""
    WorkerRestarts(tmp_path, 2).count("channels")

    worker_restarts.clear(tmp_path, 2)
    worker_restarts.clear(tmp_path, 2)
    assert worker_restarts.read(tmp_path, 2) == {}


def test_the_counts_of_a_generation_that_ended_are_removed(tmp_path) -> None:
    """Those of the others stay."""
    for generation in (1, 2, 12):
        WorkerRestarts(tmp_path, generation).count("wsgi")

    worker_restarts.remove_all_but(tmp_path, {2, 12})

    assert [worker_restarts.read(tmp_path, each) for each in (1, 2, 12)] == [
        {},
        {"wsgi": 1},
        {"wsgi": 1},
    ]


def test_a_count_without_a_run_directory_is_dropped(tmp_path) -> None:
    """The workers come first."""
    WorkerRestarts(tmp_path / "none", 1).count("wsgi")

    assert worker_restarts.read(tmp_path / "none", 1) == {}
