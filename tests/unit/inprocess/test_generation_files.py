"""Each file is named after its generation."""

import pytest

from django_tandem import environment
from django_tandem.inprocess.generation_files import GenerationFiles

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
