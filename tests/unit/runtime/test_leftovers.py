"""A stop leaves nothing behind that only a running stack needs."""

from django_tandem.inprocess import shared_memory, slot_file
from django_tandem.runtime.leftovers import remove_leftovers


def test_the_slots_of_killed_workers_are_removed(tmp_path, monkeypatch) -> None:
    """With their files in shared memory, which nothing else names."""
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(shared_memory, "DIRECTORY", memory)
    slot_file.map_slot(tmp_path).close()
    remove_leftovers(tmp_path)

    assert list(memory.iterdir()) == list((tmp_path / "scoreboard").iterdir()) == []


def test_files_of_the_user_and_what_outlives_a_stop_stay(tmp_path) -> None:
    """A link is removed although its target does not exist."""
    for name in ("drain-1", "state.json.next", "handovers.json", "shifts.json", "drain.txt"):
        (tmp_path / name).touch()
    (tmp_path / "wsgi.sock").symlink_to("wsgi-1.sock")

    remove_leftovers(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["drain.txt", "shifts.json"]
