"""A process counts on where there is no room for its metrics, and is not killed."""

import errno
import os

import pytest
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from django_tandem.inprocess import metrics_file
from django_tandem.inprocess.metrics_file import FIRST_BYTES, MetricsFile

KEYS = [f"requests-{number}-{'x' * 200}" for number in range(2 * FIRST_BYTES // 200)]


@pytest.fixture
def full(monkeypatch):
    """Return a function that fills the file system beyond files of a size."""
    allocate = os.posix_fallocate

    def fill(most: int, error: int = errno.ENOSPC) -> None:
        def limited(handle: int, offset: int, size: int) -> None:
            if offset + size > most:
                raise OSError(error, os.strerror(error))
            allocate(handle, offset, size)

        monkeypatch.setattr(metrics_file.os, "posix_fallocate", limited)

    return fill


def count(file: MetricsFile) -> dict[str, float]:
    for number, key in enumerate(KEYS):
        file.write_value(key, float(number), 0.0)
    return {key: value for key, value, _ in file.read_all_values()}


def test_all_of_a_file_has_space(tmp_path) -> None:
    """Also what it grows by."""
    path = tmp_path / "counter_7.db"
    file = MetricsFile(str(path))
    counted = count(file)
    file.close()

    assert len(counted) == len(KEYS)
    assert path.stat().st_size > FIRST_BYTES
    assert path.stat().st_blocks * 512 >= path.stat().st_size
    read = {key: value for key, value, *_ in MmapedDict.read_all_values_from_file(str(path))}
    assert read == counted


def test_without_room_for_its_file_a_process_counts_in_its_memory(tmp_path, full, caplog) -> None:
    """It leaves no empty file, which the collector could not read."""
    full(0)
    path = tmp_path / "counter_7.db"
    file = MetricsFile(str(path))

    assert len(count(file)) == len(KEYS)
    assert not path.exists()
    assert [record.getMessage() for record in caplog.records] == [
        f"No space for {path}: metrics of process {os.getpid()} are not exported from now on."
    ]


def test_a_file_that_can_not_grow_keeps_what_was_counted(tmp_path, full, caplog) -> None:
    """No counter on the page decreases; the process counts on in its memory."""
    full(FIRST_BYTES)
    path = tmp_path / "counter_7.db"
    file = MetricsFile(str(path))
    counted = count(file)
    file.write_value(KEYS[0], 99.0, 0.0)

    assert counted == {key: float(number) for number, key in enumerate(KEYS)}
    assert file.read_value(KEYS[0]) == (99.0, 0.0)
    left = {key: value for key, value, *_ in MmapedDict.read_all_values_from_file(str(path))}
    assert left.items() <= counted.items()
    assert len(left) > 200
    assert len(caplog.records) == 1


def test_a_file_system_that_reserves_nothing_is_used_as_it_is(tmp_path, full) -> None:
    """Such as one of a network."""
    full(0, errno.EOPNOTSUPP)
    path = tmp_path / "counter_7.db"
    count(MetricsFile(str(path)))

    assert path.stat().st_size > FIRST_BYTES


def test_a_file_that_is_read_is_not_changed(tmp_path, full) -> None:
    """A project may read its own by this class."""
    path = tmp_path / "counter_7.db"
    MetricsFile(str(path)).close()
    full(0)

    assert list(MetricsFile(str(path), True).read_all_values()) == []


def test_the_metrics_of_the_project_have_such_files(monkeypatch) -> None:
    """prometheus_client makes them by that name."""
    monkeypatch.setattr(values, "MmapedDict", MmapedDict)
    metrics_file.install()

    assert values.MmapedDict is MetricsFile
