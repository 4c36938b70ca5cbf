"""Files and links are replaced whole, and nothing is left beside them."""

import errno
import os
import time
from pathlib import Path

import pytest

from django_tandem import atomic_files
from django_tandem.atomic_files import (
    create_file,
    remove_abandoned,
    replace_file,
    replace_link,
    replacing,
)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_replaced_with_its_mode(tmp_path) -> None:
    """The umask does not limit it."""
    path = tmp_path / "state.json"
    before = os.umask(0o077)
    try:
        replace_file(path, "old")
        assert path.stat().st_mode & 0o777 == 0o600
        replace_file(path, b"new", mode=0o644, is_durable=True)
    finally:
        os.umask(before)

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(tmp_path) == ["state.json"]


def test_two_writers_do_not_meet(tmp_path) -> None:
    """Each has its own name until the rename, and the last rename counts."""
    path = tmp_path / "state.json"

    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        second.write_text("second")

    assert first != second
    assert path.read_text() == "first"
    assert names(tmp_path) == ["state.json"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path) -> None:
    """Nor is a part of the new one left beside it."""
    path = tmp_path / "state.json"
    path.write_text("old")

    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "half \ud800")

    assert path.read_text() == "old"
    assert names(tmp_path) == ["state.json"]


def test_a_second_name_of_the_same_file_leaves_nothing(tmp_path) -> None:
    """The kernel's rename keeps both names of one file."""
    path = tmp_path / "nginx.conf"
    path.write_text("same")

    with replacing(path) as new:
        os.link(path, new)

    assert names(tmp_path) == ["nginx.conf"]


def test_a_link_is_replaced(tmp_path) -> None:
    """No reader finds it missing."""
    replace_link(tmp_path / "wsgi.sock", "wsgi-1.sock")
    replace_link(tmp_path / "wsgi.sock", "wsgi-2.sock")

    assert (tmp_path / "wsgi.sock").readlink() == Path("wsgi-2.sock")
    assert names(tmp_path) == ["wsgi.sock"]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_is_created_once(tmp_path, monkeypatch, has_links) -> None:
    """Also on a file system without hard links."""
    if not has_links:

        def link(*_):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", link)

    assert create_file(tmp_path / "drain-1", "27\n")
    assert (tmp_path / "drain-1").read_text() == "27\n"
    if has_links:
        assert not create_file(tmp_path / "drain-1", "6\n")
        assert (tmp_path / "drain-1").read_text() == "27\n"
    assert names(tmp_path) == ["drain-1"]


def test_what_a_killed_writer_left_is_removed(tmp_path) -> None:
    """A writer that may still run keeps its file, and the user keeps theirs."""
    for name in (".a.0f.tandem-new", ".b.0f.tandem-new", ".c.new"):
        (tmp_path / name).touch()
    long_ago = time.time() - atomic_files.ABANDONED_S - 1
    for name in (".a.0f.tandem-new", ".c.new"):
        os.utime(tmp_path / name, (long_ago, long_ago))

    remove_abandoned(tmp_path)

    assert names(tmp_path) == [".b.0f.tandem-new", ".c.new"]
