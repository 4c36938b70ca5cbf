"""One directory has all that the edge looks for at each request, and exists only with it."""

from pathlib import Path

import pytest

from django_tandem.runtime import diverted, mirrored


def test_the_directory_exists_while_something_is_in_it(tmp_path) -> None:
    """A split, or a mirror, whichever ends last."""
    split, target = tmp_path / ".shifts.new", tmp_path / diverted.DIRECTORY / "shifts"
    split.symlink_to("elsewhere")
    diverted.place(split, target)
    mirrored.begin(tmp_path, "/lots/")
    mirrored.end(tmp_path)

    assert [each.name for each in (tmp_path / diverted.DIRECTORY).iterdir()] == ["shifts"]
    target.unlink()
    diverted.remove_if_empty(tmp_path)
    diverted.remove_if_empty(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_another_process_removes_is_made_again(tmp_path, monkeypatch) -> None:
    """The mirror may end between the two steps by which a split begins."""
    source, target = tmp_path / "new", tmp_path / diverted.DIRECTORY / "shifts"
    source.symlink_to("elsewhere")
    make, made = Path.mkdir, []

    def make_and_lose(path, *arguments, **named):
        make(path, *arguments, **named)
        made.append(path)
        if len(made) == 1:
            path.rmdir()

    monkeypatch.setattr(Path, "mkdir", make_and_lose)
    diverted.place(source, target)

    assert target.is_symlink()
    assert len(made) == 2


def test_a_directory_that_is_removed_while_it_is_made_is_no_error(tmp_path, monkeypatch) -> None:
    """Path.mkdir(exist_ok=True) would find one, and then none."""
    source, target = tmp_path / "new", tmp_path / diverted.DIRECTORY / "shifts"
    source.symlink_to("elsewhere")
    target.parent.mkdir()
    is_dir = Path.is_dir

    def lose(path, **named):
        diverted.remove_if_empty(tmp_path)
        return is_dir(path, **named)

    monkeypatch.setattr(Path, "is_dir", lose)
    diverted.place(source, target)

    assert target.is_symlink()


def test_a_source_that_is_missing_is_an_error(tmp_path) -> None:
    """It is not taken for a directory that was removed."""
    with pytest.raises(FileNotFoundError):
        diverted.place(tmp_path / "new", tmp_path / diverted.DIRECTORY / "shifts")
