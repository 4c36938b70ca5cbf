"""Each file is named after its generation."""

import pytest

from django_tandem import environment
from django_tandem.inprocess import generation_files
from django_tandem.inprocess.generation_files import (
    HEARTBEAT,
    RESTARTS,
    GenerationFiles,
    MasterHeartbeat,
    WorkerRestarts,
)

FILES = GenerationFiles("restarts")


@pytest.fixture(autouse=True)
def files(tmp_path) -> None:
    for name in (
        "restarts-1",
        "restarts-2",
        "restarts-3",
        ".restarts-2.0f.tandem-new",
        "restarts-12",
        "restarts.txt",
    ):
        (tmp_path / name).touch()


def test_the_files_of_generations_that_ended_are_removed(tmp_path) -> None:
    """Other files stay, and what a generation is writing at that moment."""
    FILES.remove_all_but(tmp_path, {2, 12})

    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [".restarts-2.0f.tandem-new", "restarts-12", "restarts-2", "restarts.txt"]


def test_the_file_of_one_generation_is_removed(tmp_path) -> None:
    """A missing one is no error."""
    FILES.remove(tmp_path, 1)
    FILES.remove(tmp_path, 1)

    assert not FILES.path(tmp_path, 1).exists()
    assert FILES.path(tmp_path, 12).exists()


def test_the_environment_names_the_file(tmp_path, monkeypatch) -> None:
    """As for each process of a stack; a process outside of one has no file."""
    monkeypatch.delenv(environment.RUN_DIR, raising=False)
    assert FILES.path_of_process() is None

    monkeypatch.setenv(environment.RUN_DIR, str(tmp_path))
    monkeypatch.setenv(environment.GENERATION, "3")
    assert FILES.path_of_process() == tmp_path / "restarts-3"


def test_each_restart_is_counted_by_kind(tmp_path) -> None:
    """By generation: a new one begins at none, though an abandoned one had its number."""
    restarts = WorkerRestarts(RESTARTS.path(tmp_path, 2))
    for kind in ("wsgi", "asgi", "wsgi"):
        restarts.add(kind)

    assert generation_files.read_restarts(tmp_path, 2) == {"wsgi": 2, "asgi": 1}
    assert generation_files.read_restarts(tmp_path, 1) == {}
    WorkerRestarts(RESTARTS.path(tmp_path, 2))
    assert generation_files.read_restarts(tmp_path, 2) == {}


def test_a_count_without_a_run_directory_is_dropped(tmp_path) -> None:
    """The workers come first."""
    WorkerRestarts(RESTARTS.path(tmp_path / "none", 1)).add("wsgi")

    assert generation_files.read_restarts(tmp_path / "none", 1) == {}


def test_a_heartbeat_has_an_age(tmp_path) -> None:
    """On the monotonic clock, which nobody sets."""
    assert generation_files.heartbeat_age_s(tmp_path, 2) is None

    MasterHeartbeat(HEARTBEAT.path(tmp_path, 2)).beat()

    assert 0 <= generation_files.heartbeat_age_s(tmp_path, 2) < 5
    assert generation_files.heartbeat_age_s(tmp_path, 1) is None


def test_a_heartbeat_in_a_removed_run_directory_is_dropped(tmp_path) -> None:
    """The workers come first, and the directory stays removed."""
    MasterHeartbeat(HEARTBEAT.path(tmp_path / "removed", 1)).beat()

    assert not (tmp_path / "removed").exists()


def test_a_master_outside_of_a_stack_writes_no_heartbeat(tmp_path, monkeypatch) -> None:
    """It has no run directory, and its working directory is the project's."""
    monkeypatch.chdir(tmp_path)

    MasterHeartbeat(None).beat()

    assert not list(tmp_path.glob("*heartbeat*"))
