"""A file starts the drain of a generation."""

import os
import time
from pathlib import Path

import pytest

from django_tandem.inprocess import drain_window
from django_tandem.model import DrainMode


def test_a_generation_without_a_file_does_not_drain(tmp_path):
    """No file, no window."""
    assert drain_window.version(tmp_path, 7) is None
    assert drain_window.read(tmp_path, 7) is None


def test_the_window_is_written_and_read(tmp_path):
    """One line, and nothing beside the file."""
    drain_window.write(tmp_path, 7, 27)

    assert drain_window.read(tmp_path, 7).window_s == 27
    assert (tmp_path / "drain-7").read_text() == "27\n"
    assert [path.name for path in tmp_path.iterdir()] == ["drain-7"]


def test_another_generation_does_not_drain(tmp_path):
    """Each has its own file."""
    drain_window.write(tmp_path, 7, 27)

    assert drain_window.read(tmp_path, 8) is None


def test_the_window_runs_from_its_start(tmp_path):
    """A later reader has less time."""
    drain_window.write(tmp_path, 7, 30)
    long_ago = time.time() - 10
    os.utime(tmp_path / "drain-7", (long_ago, long_ago))

    assert drain_window.read(tmp_path, 7).remaining_s() == pytest.approx(20, abs=1)


@pytest.mark.parametrize(("since_s", "left_s"), [(-3600, 30), (3600, 0)])
def test_a_clock_that_was_set_does_no_harm(tmp_path, since_s, left_s):
    """The rest is never more than the window, and never negative."""
    drain_window.write(tmp_path, 7, 30)
    when = time.time() - since_s
    os.utime(tmp_path / "drain-7", (when, when))

    assert drain_window.read(tmp_path, 7).remaining_s() == left_s


def test_a_removed_file_drains_nothing(tmp_path):
    """It may be removed twice."""
    drain_window.write(tmp_path, 7, 27)
    drain_window.FILES.remove(tmp_path, 7)
    drain_window.FILES.remove(tmp_path, 7)

    assert drain_window.read(tmp_path, 7) is None


def test_a_file_without_a_number_drains_nothing(tmp_path):
    """It is not ours."""
    (tmp_path / "drain-7").write_text("soon")

    assert drain_window.read(tmp_path, 7) is None


def test_a_mode_is_written_and_read(tmp_path):
    """Without one, the settings of the generation hold."""
    drain_window.write(tmp_path, 7, 27, DrainMode.WAIT)
    drain_window.write(tmp_path, 8, 27)

    assert (tmp_path / "drain-7").read_text() == "27\nwait\n"
    assert drain_window.read(tmp_path, 7).window_s == 27
    assert drain_window.read(tmp_path, 7).mode is DrainMode.WAIT
    assert drain_window.read(tmp_path, 8).mode is None
    assert drain_window.read(tmp_path, 9) is None


def test_a_mode_that_is_not_known_is_none(tmp_path):
    """Another version may have written it: the generation drains as its settings have it."""
    (tmp_path / "drain-7").write_text("27\nof_tomorrow\n")

    assert drain_window.read(tmp_path, 7).window_s == 27
    assert drain_window.read(tmp_path, 7).mode is None


def test_an_open_window_is_opened_once(tmp_path):
    """That of a stop, which is shorter, does not change; no other file is left."""
    drain_window.open_once(tmp_path, 8, 27, DrainMode.WAIT)
    drain_window.write(tmp_path, 7, 6)
    drain_window.open_once(tmp_path, 7, 27)

    assert drain_window.read(tmp_path, 8).mode is DrainMode.WAIT
    assert drain_window.read(tmp_path, 7).window_s == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drain-7", "drain-8"]


def test_each_write_is_another_version(tmp_path):
    """Also two within one tick of the clock for files."""
    drain_window.write(tmp_path, 7, 27)
    before = drain_window.version(tmp_path, 7)
    drain_window.write(tmp_path, 7, 6)
    os.utime(tmp_path / "drain-7", ns=(before[0], before[0]))

    assert drain_window.version(tmp_path, 7) != before


def test_two_processes_may_write_it_at_once(tmp_path, monkeypatch):
    """As a stop does that begins while the drainer writes: neither fails, and the file is whole."""
    replace, seen = Path.replace, []

    def replace_later(new, target):
        if not seen:
            seen.append(new)
            drain_window.write(tmp_path, 7, 6)
        return replace(new, target)

    monkeypatch.setattr(Path, "replace", replace_later)

    drain_window.write(tmp_path, 7, 27)

    assert drain_window.read(tmp_path, 7).window_s == 27
    assert [path.name for path in tmp_path.iterdir()] == ["drain-7"]
