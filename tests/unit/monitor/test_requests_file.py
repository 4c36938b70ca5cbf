"""The edge's file is read without loss, and takes no space for what was read."""

import os
from pathlib import Path

import pytest

from django_tandem.monitor import requests_file
from django_tandem.monitor.requests_file import RequestsFile


def append(path: Path, text: str) -> None:
    # As NGINX does: it never looks where the file ends.
    with path.open("ab") as file:
        file.write(text.encode())


def no_holes(*_: object) -> int:
    return -1


@pytest.fixture(params=["holes", "no holes"])
def path(request, tmp_path, monkeypatch) -> Path:
    if request.param == "no holes":
        monkeypatch.setattr(requests_file._libc, "fallocate", no_holes)
    return tmp_path / "requests.tsv"


def test_lines_are_read_once(path) -> None:
    """A line that is not whole yet is read with its rest."""
    file = RequestsFile(path)
    assert file.read() == []

    append(path, "one\ntwo\nthr")
    assert file.read() == ["one", "two"]
    assert file.read() == []
    append(path, "ee\n")

    assert file.read() == ["three"]


def test_another_process_continues_behind_what_was_read(path) -> None:
    """A monitor that was killed loses nothing, and counts nothing twice."""
    append(path, "one\ntwo\nthr")
    RequestsFile(path).read()
    append(path, "ee\nfour\n")

    assert RequestsFile(path).read() == ["three", "four"]


@pytest.mark.parametrize("has_seek_data", [True, False])
def test_a_file_that_was_read_to_its_end_has_no_lines(tmp_path, monkeypatch, has_seek_data) -> None:
    """It is one hole, and has no line that was lost."""
    path = tmp_path / "requests.tsv"
    path.touch()
    os.truncate(path, 3 * requests_file.READ_BYTES)
    if not has_seek_data:
        monkeypatch.setattr(RequestsFile, "_first_data", lambda _: 0)
    file = RequestsFile(path)

    assert file.read() == []
    append(path, "one\n")
    assert file.read() == ["one"]


def test_what_was_read_takes_no_space(tmp_path) -> None:
    """Its blocks are freed, and its length stays: NGINX appends to it."""
    path = tmp_path / "requests.tsv"
    append(path, "x" * 99 + "\n")
    file = RequestsFile(path)
    for _ in range(20):
        append(path, ("x" * 99 + "\n") * 1000)
        file.read()

    found = path.stat()
    assert found.st_size == 2_000_100
    assert found.st_blocks * 512 <= 8192


def test_a_long_file_is_shortened_once_it_is_read(path, monkeypatch) -> None:
    """Its length has a limit, too."""
    monkeypatch.setattr(requests_file, "LONGEST", 1000)
    monkeypatch.setattr(requests_file, "LONGEST_WITH_HOLES", 1000)
    file = RequestsFile(path)
    append(path, "x" * 1000 + "\n")

    assert len(file.read()) == 1
    assert path.stat().st_size == 0
    append(path, "next\n")
    assert file.read() == ["next"]


def test_a_backlog_is_read_in_parts(path, monkeypatch) -> None:
    """Of a monitor that was stopped for an hour."""
    monkeypatch.setattr(requests_file, "READ_BYTES", 11)
    append(path, "one\ntwo\nthree\nfour\n")
    file = RequestsFile(path)

    assert [file.read() for _ in range(3)] == [["one", "two"], ["three", "four"], []]


def test_a_line_without_an_end_is_given_up(path, monkeypatch) -> None:
    """It is longer than a read."""
    monkeypatch.setattr(requests_file, "READ_BYTES", 10)
    append(path, "x" * 25 + "\nnext\n")
    file = RequestsFile(path)

    read = [line for _ in range(5) for line in file.read()]
    assert read[-1] == "next"


def test_a_truncated_file_is_read_from_its_beginning(path) -> None:
    """Somebody has made room on a full disk."""
    append(path, "one\ntwo\n")
    file = RequestsFile(path)
    file.read()
    os.truncate(path, 0)
    append(path, "three\n")

    assert file.read() == ["three"]


def test_a_removed_file_is_noticed_and_read_to_its_end(path) -> None:
    """NGINX writes to it until it has opened another."""
    append(path, "one\n")
    file = RequestsFile(path)
    with path.open("ab") as edge:
        file.read()
        path.unlink()
        edge.write(b"two\n")

    assert file.is_removed()
    assert file.read() == ["two"]
    file.close()
    append(path, "three\n")
    assert file.read() == ["three"]
    assert not file.is_removed()
