"""The notes of a start are kept for the next reload."""

from django_tandem.cli.planning import NOTES, read_notes, write_notes


def test_kept_notes_are_read_again(tmp_path) -> None:
    """Each note whole."""
    notes = ["(tandem.W005) Any page may open them.\n\tHINT: Do not let it.", "Nothing."]
    write_notes(tmp_path, notes)

    assert read_notes(tmp_path) == notes


def test_without_a_readable_file_there_are_no_notes(tmp_path) -> None:
    """Also when a full disk left the file empty."""
    assert read_notes(tmp_path) == []
    (tmp_path / NOTES).touch()
    assert read_notes(tmp_path) == []
