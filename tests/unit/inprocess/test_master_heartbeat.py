"""A master's heartbeat has an age for as long as its generation runs."""

from pathlib import Path

from django_tandem import environment
from django_tandem.inprocess import master_heartbeat
from django_tandem.inprocess.master_heartbeat import MasterHeartbeat


def test_a_heartbeat_has_an_age(tmp_path) -> None:
    """On the monotonic clock, which nobody sets."""
    assert master_heartbeat.age_s(tmp_path, 2) is None

    MasterHeartbeat(tmp_path, 2).beat()

    assert 0 <= master_heartbeat.age_s(tmp_path, 2) < 5
    assert master_heartbeat.age_s(tmp_path, 1) is None


def test_a_removed_run_directory_is_no_error(tmp_path) -> None:
    """Nor is a master without one."""
    MasterHeartbeat(tmp_path / "removed", 1).beat()
    MasterHeartbeat(None).beat()


def test_the_environment_names_the_file(tmp_path, monkeypatch) -> None:
    """As for each process of a stack."""
    monkeypatch.setenv(environment.RUN_DIR, str(tmp_path))
    monkeypatch.setenv(environment.GENERATION, "3")

    master_heartbeat.from_environment().beat()

    assert master_heartbeat.age_s(tmp_path, 3) is not None


def test_old_generations_leave_nothing(tmp_path) -> None:
    """The heartbeats of those that run stay."""
    for generation in (1, 2, 3):
        MasterHeartbeat(tmp_path, generation).beat()

    master_heartbeat.remove_all_but(tmp_path, {2, 3})

    assert sorted(map(_name, tmp_path.iterdir())) == ["heartbeat-2", "heartbeat-3"]


def _name(path: Path) -> str:
    return path.name
