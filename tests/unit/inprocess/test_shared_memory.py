"""What a stack that was killed leaves in shared memory is removed, and nothing that is in use."""

import os
from pathlib import Path

import pytest

from django_tandem.inprocess import shared_memory, slot_file

LONG_AGO = 1_000_000_000


@pytest.fixture(params=["directory", "link"])
def memory(request, tmp_path, monkeypatch) -> Path:
    """Shared memory, which is a link to /run/shm on some systems."""
    memory = named = tmp_path / "memory"
    memory.mkdir()
    if request.param == "link":
        named = tmp_path / "link"
        named.symlink_to(memory)
    monkeypatch.setattr(shared_memory, "DIRECTORY", named)
    return memory


def age(memory: Path) -> None:
    for path in memory.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))


def test_the_slot_of_a_running_worker_stays(memory, tmp_path) -> None:
    """Its mapping has the lock, which ends with the process however that ends."""
    slot = slot_file.map_slot(tmp_path)
    age(memory)
    shared_memory.remove_abandoned_files()
    kept = list(memory.iterdir())
    slot.close()
    shared_memory.remove_abandoned_files()

    assert [each.name.startswith("tandem-slot-") for each in kept] == [True]
    assert not list(memory.iterdir())


def test_the_metrics_of_a_running_stack_stay(memory, tmp_path) -> None:
    """As long as a process has their directory locked, by the link of the run directory."""
    directory = memory / "tandem-prometheus-1"
    directory.mkdir()
    (directory / "counter_7.db").touch()
    (tmp_path / "prometheus-1").symlink_to(directory)
    shared_memory.lock_directory(tmp_path / "prometheus-1")
    age(memory)
    shared_memory.remove_abandoned_files()
    is_kept = directory.exists()
    os.close(shared_memory._locked.pop(directory))
    shared_memory.remove_abandoned_files()

    assert (is_kept, directory.exists()) == (True, False)


def test_a_directory_that_this_process_has_locked_is_removed(memory) -> None:
    """A reload ends the generation whose metrics it has."""
    directory = memory / "tandem-prometheus-1"
    directory.mkdir()
    shared_memory.lock_directory(directory)
    shared_memory.remove_directory(directory)

    assert not directory.exists()
    assert directory not in shared_memory._locked


def test_what_is_new_or_another_programs_stays(memory) -> None:
    """A process makes its file a moment before it locks it."""
    for name in ("sem.other", "PostgreSQL.1", "tandem-other"):
        (memory / name).touch()
    age(memory)
    (memory / "tandem-slot-new").touch()
    shared_memory.remove_abandoned_files()

    assert len(list(memory.iterdir())) == 4


def test_a_link_is_not_followed(memory, tmp_path) -> None:
    """Any user may make one in shared memory."""
    target = tmp_path / "target"
    target.mkdir()
    (memory / "tandem-slot-link").symlink_to(target)
    os.utime(memory / "tandem-slot-link", (LONG_AGO, LONG_AGO), follow_symlinks=False)
    shared_memory.remove_abandoned_files()

    assert target.exists()
