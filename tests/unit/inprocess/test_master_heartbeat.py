"""A master's heartbeat has an age for as long as its generation runs."""

from django_tandem.inprocess import master_heartbeat
from django_tandem.inprocess.master_heartbeat import FILES, MasterHeartbeat


def test_a_heartbeat_has_an_age(tmp_path) -> None:
    """On the monotonic clock, which nobody sets."""
    assert master_heartbeat.age_s(tmp_path, 2) is None

    MasterHeartbeat(FILES.path(tmp_path, 2)).beat()

    assert 0 <= master_heartbeat.age_s(tmp_path, 2) < 5
    assert master_heartbeat.age_s(tmp_path, 1) is None


def test_a_heartbeat_in_a_removed_run_directory_is_dropped(tmp_path) -> None:
    """The workers come first, and the directory stays removed."""
    MasterHeartbeat(FILES.path(tmp_path / "removed", 1)).beat()

    assert not list(tmp_path.iterdir())


def test_a_master_outside_of_a_stack_writes_no_heartbeat(tmp_path, monkeypatch) -> None:
    """It has no run directory, and its working directory is the project's."""
    monkeypatch.chdir(tmp_path)

    MasterHeartbeat(None).beat()

    assert not list(tmp_path.iterdir())
