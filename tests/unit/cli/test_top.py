"""`tandem top` in a real terminal, in a pipe, and where there is no monitor."""

import json
import os
import re
import signal
from dataclasses import fields

import pytest
from cli.json_page import documented_keys

from django_tandem.cli import main
from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.monitor.snapshot import SlowRequest, Snapshot, StackTraffic, Traffic
from harness.monitored import monitor_in, sample
from harness.terminals import TerminalSession

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    with monitor_in(directory, sample()):
        yield directory


@pytest.fixture
def top(run_dir):
    """The command in a terminal of 80 columns, once it shows the routes."""
    with TerminalSession(
        ["top", "--run-dir", str(run_dir), "--interval", "0.2"], run_dir
    ) as session:
        session.wait_for("/api/lots/")
        yield session


def first_route(lines: list[str]) -> str:
    return lines[[line.startswith("ROUTE") for line in lines].index(True) + 1].split()[0]


def test_keys_sort_filter_and_quit(top) -> None:
    """Each has its effect at once, and the terminal is given back as it was."""
    assert first_route(top.lines) == "/api/lots/"
    top.press("e")
    top.wait_until(lambda lines: first_route(lines) == "/reports/<int:year>/")
    top.press("/feed\r")
    top.wait_until(lambda lines: first_route(lines) == "/feed/")
    top.wait_for('"feed"  q quit')
    top.press("\x1b")
    top.wait_for('"feed"', gone=True)
    top.press(" ")
    top.wait_for("paused")
    top.press("?")
    top.wait_for("sort by busy workers")
    top.press("x")
    top.wait_for("sort by busy workers", gone=True)
    top.press("q")

    assert top.wait() == 0
    assert top.modes_after == top.modes
    assert top.received.endswith(b"\x1b[?25h\x1b[?1049l")


@pytest.mark.parametrize("sent", ["key", signal.SIGTERM])
def test_a_signal_gives_the_terminal_back(top, sent) -> None:
    """Ctrl-C, and SIGTERM from elsewhere."""
    if sent == "key":
        top.press("\x03")
    else:
        os.kill(top.pid, sent)

    assert top.wait() == 0
    assert top.modes_after == top.modes
    assert top.received.endswith(b"\x1b[?25h\x1b[?1049l")


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(top) -> None:
    """The screen is drawn anew."""
    begun = top.received.count(b"\x1b[?1049h")
    top.press("\x1a")
    top.wait_until(lambda _: top.received.count(b"\x1b[?1049h") > begun)

    left, _, after = top.received.rpartition(b"\x1b[?1049l")
    assert left.endswith(b"\x1b[?25h")
    assert after.startswith(b"\x1b[?1049h")
    top.wait_until(lambda lines: "/api/lots/" in "\n".join(lines) and lines[-1] != "")


def test_a_resized_terminal_is_filled(top) -> None:
    """Its foot moves to the last line, and columns are added or left out."""

    def is_filled(lines: list[str]) -> bool:
        return lines[-1].startswith("q quit")

    top.resize(120, 40)
    wide = top.wait_until(lambda lines: "HAND/S" in "\n".join(lines) and is_filled(lines))
    top.resize(50, 12)
    narrow = top.wait_until(lambda lines: "HAND/S" not in "\n".join(lines) and is_filled(lines))

    assert (len(wide), len(narrow)) == (40, 12)
    assert max(map(len, narrow)) <= 50 < max(map(len, wide))


def test_an_exported_width_is_not_that_of_the_terminal(run_dir) -> None:
    """An exported COLUMNS is that of the terminal in which it was set."""
    argv = ["top", "--run-dir", str(run_dir)]
    with TerminalSession(argv, run_dir, columns=120, COLUMNS="80", LINES="24") as session:
        lines = session.wait_for("HAND/S")

    assert max(map(len, lines)) > 80


def test_few_bytes_are_sent_where_nothing_changes(top) -> None:
    """Over SSH each update has only the lines that differ."""
    sent = len(top.received)
    for _ in range(3):
        top.press("/")
        top.wait_for("Filter:")
        top.press("\r")
        top.wait_for("Filter:", gone=True)

    assert len(top.received) - sent < 1500


def test_no_color_leaves_the_colors_out(run_dir) -> None:
    """Bold and reverse text stay."""
    argv = ["top", "--run-dir", str(run_dir)]
    with TerminalSession(argv, run_dir, NO_COLOR="1") as session:
        session.wait_for("/api/lots/")
        session.press("q")

        assert session.wait() == 0
        assert not re.search(rb"\x1b\[[0-9;]*\b(3|4|9)[0-9]m", session.received)
        assert b"\x1b[1m" in session.received


def test_a_dumb_terminal_gets_it_once(run_dir) -> None:
    """It knows no place on a screen."""
    argv = ["top", "--run-dir", str(run_dir)]
    with TerminalSession(argv, run_dir, TERM="dumb") as session:
        assert session.wait() == 0
        assert b"\x1b" not in session.received
        assert b"/ws/lots/<int:lot_id>/" in session.received


def test_a_monitor_that_ends_leaves_the_last_screen(tmp_path) -> None:
    """The title names the reason."""
    argv = ["top", "--run-dir", str(tmp_path), "--interval", "0.1"]
    with TerminalSession(argv, tmp_path, columns=200) as session:
        with monitor_in(tmp_path, sample()):
            session.wait_for("/api/lots/")
        session.wait_for(f"Nothing runs in {tmp_path}.")

        assert first_route(session.lines) == "/api/lots/"


def test_json_is_the_snapshot(run_dir, capsys) -> None:
    """With the keys of the monitor's own page."""
    assert main(["top", "--json", "--run-dir", str(run_dir)]) == 0

    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(sample().as_json()))


def test_the_keys_of_json_are_those_of_the_reference() -> None:
    """Each table is one of the snapshot's values."""
    values = (Snapshot, StackTraffic, Traffic, WorkerSlot, SlowRequest)
    documented = documented_keys("tandem top")

    assert documented == [{each.name for each in fields(value)} for value in values]


def test_a_pipe_gets_it_once_with_nothing_cut(run_dir, capsys) -> None:
    """As with --once."""
    assert main(["top", "--run-dir", str(run_dir)]) == 0
    printed = capsys.readouterr().out
    assert main(["top", "--once", "--run-dir", str(run_dir)]) == 0

    assert capsys.readouterr().out == printed
    assert len(printed.splitlines()) == 20
    assert "wsgi pid 4311     4.0 ms  GET /api/lots/\n" in printed
    assert "CPU HAND/S   KB/S\n" in printed


def test_nothing_runs(tmp_path, capsys) -> None:
    """The exit code is 1."""
    assert main(["top", "--run-dir", str(tmp_path)]) == 1

    expected = f"Nothing runs in {tmp_path}.\n  Start it with `tandem up`.\n"
    assert capsys.readouterr().err == expected
