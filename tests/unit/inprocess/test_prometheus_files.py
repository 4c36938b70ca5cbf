"""The directories of a project's own metrics, one for each generation."""

import pytest
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from django_tandem.inprocess import prometheus_files, shared_memory
from django_tandem.inprocess.prometheus_files import VARIABLE


@pytest.fixture(autouse=True)
def run_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("TANDEM_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("TANDEM_GENERATION", "2")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "prometheus-2"))
    monkeypatch.setattr(values, "MmapedDict", MmapedDict)
    return tmp_path


@pytest.mark.parametrize("has_shared_memory", [True, False])
def test_the_directory_is_made_for_the_user_alone(run_dir, monkeypatch, has_shared_memory) -> None:
    """Once, by whichever process is first, and removed with its files."""
    (run_dir / "memory").mkdir()
    memory = run_dir / "memory" if has_shared_memory else run_dir / "missing"
    monkeypatch.setattr(shared_memory, "DIRECTORY", memory)
    prometheus_files.make_directory()
    prometheus_files.make_directory()
    directory = run_dir / "prometheus-2"
    (directory / "counter_7.db").touch()

    assert directory.stat().st_mode & 0o777 == 0o700
    assert len(list((run_dir / "memory").rglob("*.db"))) == has_shared_memory
    prometheus_files.remove(run_dir, 2)
    assert not directory.is_symlink()
    assert not list(run_dir.rglob("*.db"))


def test_a_link_into_memory_that_is_lost_is_made_anew(run_dir, monkeypatch) -> None:
    """The run directory outlives a restart of the machine."""
    monkeypatch.setattr(shared_memory, "DIRECTORY", run_dir)
    (run_dir / "prometheus-2").symlink_to(run_dir / "tandem-prometheus-lost")
    prometheus_files.make_directory()

    assert (run_dir / "prometheus-2").is_dir()


def test_a_full_shared_memory_is_not_used(run_dir, monkeypatch, caplog) -> None:
    """A container has 64 MB of it, and a project may have filled them."""
    (run_dir / "memory").mkdir()
    monkeypatch.setattr(shared_memory, "DIRECTORY", run_dir / "memory")
    monkeypatch.setattr(shared_memory, "free_bytes", lambda: prometheus_files.LEAST_BYTES - 1)
    prometheus_files.make_directory()

    assert (run_dir / "prometheus-2").is_dir()
    assert not (run_dir / "prometheus-2").is_symlink()
    assert [record.getMessage() for record in caplog.records] == [
        f"{run_dir / 'memory'} is full: the project's Prometheus metrics are in the run directory."
    ]


def test_a_directory_of_the_project_is_left_to_it(run_dir, monkeypatch) -> None:
    """It may want an error where it is missing."""
    monkeypatch.setenv(VARIABLE, str(run_dir / "own"))
    prometheus_files.make_directory()

    assert not list(run_dir.iterdir())


def test_without_its_directory_a_process_counts_in_memory(run_dir, monkeypatch, caplog) -> None:
    """With the variable, the project's first metric would fail."""
    monkeypatch.setenv("TANDEM_RUN_DIR", str(run_dir / "removed"))
    monkeypatch.setenv(VARIABLE, str(run_dir / "removed" / "prometheus-2"))
    prometheus_files.make_directory()

    assert VARIABLE not in prometheus_files.os.environ
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "The project's Prometheus metrics are not on the monitor's page: [Errno 2] "
    )


def test_generations_that_have_ended_are_left_to_the_monitor(run_dir) -> None:
    """Once; a stop removes them with all files in them, and nothing of another name."""
    for name in ("prometheus-1", "prometheus-2", "prometheus-3"):
        (run_dir / name).mkdir()
        (run_dir / name / "counter_7.db").touch()
    (run_dir / "prometheus-rules.yml").touch()
    prometheus_files.end_all_but(run_dir, {2})
    prometheus_files.end_all_but(run_dir, {2})

    assert {each.name for each in run_dir.glob("prometheus-[0-9]*")} == {
        "prometheus-1.ended",
        "prometheus-2",
        "prometheus-3.ended",
    }
    prometheus_files.remove_all(run_dir)
    assert {each.name for each in run_dir.iterdir()} == {"prometheus-rules.yml"}


def test_the_gauges_of_a_process_that_has_ended_are_forgotten(run_dir) -> None:
    """Those of running processes, and not what it has counted."""
    directory = run_dir / "prometheus-2"
    directory.mkdir()
    for name in ("gauge_liveall_7.db", "gauge_liveall_8.db", "gauge_all_7.db", "counter_7.db"):
        (directory / name).touch()
    prometheus_files.forget_process(7)

    left = {each.name for each in directory.iterdir()}
    assert left == {"gauge_liveall_8.db", "gauge_all_7.db", "counter_7.db"}
