"""Metrics of processes that have ended are folded, and the page stays the same."""

import os
import shutil
from itertools import count
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from django_tandem.inprocess import metrics_file, prometheus_files, shared_memory
from django_tandem.monitor import ended_processes, project_metrics
from django_tandem.monitor.ended_processes import KEPT, fold

# Above the highest pid of the kernel.
PIDS = count(5_000_000)


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "prometheus-1"
    made.mkdir()
    return made


def write(directory, pid, kind, value, timestamp=0.0, *, name="orders"):
    file = MmapedDict(str(directory / f"{kind}_{pid}.db"))
    sample = f"{name}_total" if kind == "counter" else name
    file.write_value(mmap_key(name, sample, (), (), "Help."), value, timestamp)
    file.close()


def values(run_dir):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in project_metrics.read(run_dir, pytest.fail)
        for sample in metric.samples
    }


@pytest.mark.parametrize(
    "kind", ["counter", "gauge_sum", "gauge_max", "gauge_min", "gauge_mostrecent"]
)
def test_a_fold_changes_no_value(tmp_path, directory, kind) -> None:
    """Twice, as the folded file is then folded again; running processes keep theirs."""
    write(directory, os.getpid(), kind, 7.0, 7.0)
    for _ in range(2):
        for number in range(KEPT + 1):
            write(directory, next(PIDS), kind, number - 3.0, float(number))
        before = values(tmp_path)
        fold(tmp_path)

        assert values(tmp_path) == before
        names = {each.name for each in directory.iterdir()}
        assert names == {f"{kind}_0.db", f"{kind}_{os.getpid()}.db"}


def test_few_ended_processes_are_left_alone(tmp_path, directory) -> None:
    """A fold under the eyes of the project's own view could cost it a scrape."""
    for _ in range(KEPT):
        write(directory, next(PIDS), "counter", 1.0)
    fold(tmp_path)

    assert len(list(directory.iterdir())) == KEPT


def test_a_series_for_each_pid_ends_with_the_others(tmp_path, directory) -> None:
    """Else there would be one more for each worker that was recycled."""
    write(directory, os.getpid(), "gauge_all", 7.0)
    for _ in range(KEPT + 1):
        write(directory, next(PIDS), "gauge_all", 1.0)
    fold(tmp_path)

    assert values(tmp_path) == {("orders", str(os.getpid())): 7.0}


def test_counters_outlive_their_generation(tmp_path, directory, monkeypatch) -> None:
    """Those of each that has ended are in one directory; its gauges end with it."""
    monkeypatch.setattr(shared_memory, "DIRECTORY", tmp_path / "missing")
    live = tmp_path / "prometheus-3"
    live.mkdir()
    write(live, os.getpid(), "counter", 1.0)
    for generation in (1, 2):
        ended = tmp_path / f"prometheus-{generation}"
        ended.mkdir(exist_ok=True)
        write(ended, next(PIDS), "counter", 10.0)
        write(ended, next(PIDS), "gauge_sum", 7.0, name="jobs")
        prometheus_files.end_all_but(tmp_path, {3})
        fold(tmp_path)

    assert values(tmp_path) == {("orders_total",): 21.0}
    assert {each.name for each in tmp_path.iterdir()} == {"prometheus-0.total", "prometheus-3"}


@pytest.mark.parametrize("step", range(4))
def test_a_monitor_that_is_killed_in_a_fold_adds_no_file_twice(
    tmp_path, directory, monkeypatch, step
) -> None:
    """The next one continues there."""
    for _ in range(KEPT + 1):
        write(directory, next(PIDS), "counter", 1.0)
    calls = {1: (Path, "rename"), 2: (Path, "replace"), 3: (shutil, "rmtree")}

    def killed(*arguments):
        raise KeyboardInterrupt

    owner, name = calls.get(step, (ended_processes, "_write"))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(KeyboardInterrupt):
            fold(tmp_path)
    fold(tmp_path)

    assert values(tmp_path) == {("orders_total",): KEPT + 1}


def test_files_that_there_is_no_room_to_add_up_stay(tmp_path, directory, monkeypatch) -> None:
    """The next fold adds them up, each once."""
    for _ in range(KEPT + 1):
        write(directory, next(PIDS), "counter", 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(metrics_file, "_reserve", lambda *_: False)
        with pytest.raises(OSError, match="No space left on device"):
            fold(tmp_path)
    fold(tmp_path)

    assert values(tmp_path) == {("orders_total",): KEPT + 1.0}
