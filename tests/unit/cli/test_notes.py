"""What was said at a start is known at the next reload."""

from django_tandem.cli import notes


def test_what_was_kept_is_read_again(tmp_path) -> None:
    """Each note whole."""
    told = ["(tandem.W005) Any page may open them.\n\tHINT: Do not let it.", "Nothing."]
    notes.keep(tmp_path, told)

    assert notes.kept(tmp_path) == told


def test_where_nothing_was_kept_all_is_new(tmp_path) -> None:
    """Nor where a disk was full."""
    assert notes.kept(tmp_path) == []
    (tmp_path / notes.NAME).touch()
    assert notes.kept(tmp_path) == []
