"""Each process writes what it does to its slot, and other processes read it at any moment."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest

from django_tandem import environment
from django_tandem.inprocess import scoreboard, shared_memory, slot_file
from django_tandem.inprocess.access_log import CpuUse
from django_tandem.inprocess.scoreboard import ActiveRequest, Scoreboard
from django_tandem.inprocess.slot_file import PLACES
from django_tandem.model.scoreboard import InFlight, Mailboxes, Messages, Threads
from django_tandem.runtime.workers import ScoreboardReader, read_slots
from harness.client import wait_for

DETAILS = {
    "handler": "django-tandem",
    "threads": {"size": 4, "idle": 1, "queued": 2, "overflow": 3, "rejected": 5},
    "websockets": {"/ws/<room>/": 3},
    "streams": {"/events/": 1},
    "messages": {"received": 7, "sent": 8},
    "mailboxes": {"longest": 10, "dropped": 11, "closed": 12},
    "closes": {"1000": 2},
    "stream_ends": {"left": 6},
    "refused": 9,
}


@pytest.fixture
def board(tmp_path):
    """Open the slot of this process."""
    board = Scoreboard(tmp_path, "asgi", 3, lambda: DETAILS)
    board.start()
    yield board
    board.remove()


def read(board):
    """Return the one slot."""
    (slot,) = read_slots(board.run_dir)
    return slot


def test_an_open_slot_shows_its_process(board):
    """From its start on, before a request."""
    slot = read(board)

    assert (slot.pid, slot.stack, slot.generation) == (os.getpid(), "asgi", 3)
    assert time.time() - 60 < slot.started_at <= time.time()
    assert (slot.requests, slot.busy_s, slot.in_flight, slot.lag_s) == (0, 0.0, (), None)
    assert slot.threads == Threads(size=4, idle=1, queued=2, overflow=3, rejected=5)
    assert slot.messages == Messages(received=7, sent=8)
    assert slot.mailboxes == Mailboxes(longest=10, dropped=11, closed=12)
    assert (slot.websockets, slot.streams) == ({"/ws/<room>/": 3}, {"/events/": 1})
    assert (slot.closes, slot.stream_ends, slot.refused) == ({"1000": 2}, {"left": 6}, 9)


def test_a_slot_that_can_not_be_read_is_none(tmp_path):
    """It must not hide those of the other workers."""
    board = Scoreboard(tmp_path, "asgi", 3, lambda: {"messages": 5})
    board.start()
    found = read_slots(tmp_path)
    board.remove()

    assert found == ()


def test_a_request_in_progress_is_shown_until_it_ends(board):
    """Its route as soon as it is known."""
    request = board.begin("GET", "/é/", "id-1")
    before = read(board)
    request.note_route("/<name>/")
    after = read(board)
    board.end(request)
    ended = read(board)

    expected = {"method": "GET", "path": "/é/", "request_id": "id-1", "since": request.since}
    assert before.in_flight == (InFlight(**expected, route=""),)
    assert after.in_flight == (InFlight(**expected, route="/<name>/"),)
    assert (after.in_flight_count, after.requests) == (1, 0)
    assert (ended.in_flight, ended.in_flight_count, ended.requests) == ((), 0, 1)


def test_the_busy_time_counts_once_what_overlaps(board):
    """It goes on while a request is in progress, and stands still without one."""
    first, second = board.begin("GET", "/", ""), board.begin("GET", "/", "")
    board.end(first)
    threading.Event().wait(0.02)
    during = read(board).busy_s
    board.end(second)
    busy_s = read(board).busy_s

    assert 0.02 <= during <= busy_s < during + 10
    assert read(board).busy_s == busy_s


def test_more_requests_than_places_are_counted(board):
    """The places show as many as there are, and are used again."""
    requests = [board.begin("GET", f"/{number}/", "") for number in range(PLACES + 2)]
    full = read(board)
    for request in requests:
        board.end(request)
    board.begin("GET", "/last/", "")

    assert (full.in_flight_count, len(full.in_flight)) == (PLACES + 2, PLACES)
    assert [each.path for each in full.in_flight][::31] == ["/0/", "/31/"]
    assert [each.path for each in read(board).in_flight] == ["/last/"]


def test_a_long_response_leaves_those_in_progress(board):
    """It is among the streams; it is one request at its end."""
    request = board.begin("GET", "/events/", "")
    request.note_long()
    during = read(board)
    board.end(request)

    assert (during.in_flight_count, during.in_flight, during.requests) == (0, (), 0)
    assert read(board).requests == 1


@pytest.mark.parametrize("length", [200, 2000])
def test_long_texts_are_cut(board, length):
    """The path first; a request has a place of fixed size."""
    request = board.begin("GET", "/" + "p" * length, "i" * length)
    request.note_route("/" + "é" * length)
    (shown,) = read(board).in_flight

    assert shown.route.startswith("/ééé")
    assert shown.request_id in ("i" * 128)
    assert ("/" + "p" * length).startswith(shown.path)


def test_the_details_of_many_routes_fit(tmp_path):
    """The largest have their own count, the others one together."""
    routes = {f"/{'r' * 300}{number}/": number for number in range(1, 1000)}
    board = Scoreboard(tmp_path, "asgi", 1, lambda: {"websockets": routes, "streams": {"/": 1}})
    board.start()
    slot = read(board)
    board.remove()

    assert sum(slot.websockets.values()) == sum(routes.values())
    assert f"/{'r' * 300}999/" in slot.websockets
    assert slot.websockets["(other)"] > 0
    assert slot.streams == {"/": 1}


def test_a_route_whose_bodies_used_the_cpu_stays_listed(board, monkeypatch):
    """Counters do not fall, or what was counted among the others would be counted again."""
    routes = [f"/{'é' * 50}{number}/" for number in range(200)]

    def answer(route, used_s):
        monkeypatch.setattr(ActiveRequest, "body_cpu", lambda _: CpuUse(used_s, used_s / 2))
        request = board.begin("GET", "/", "id")
        request.note_route(route)
        board.end(request)
        board.write_details()
        return read(board)

    before = [answer(route, 0.002) for route in routes][-1]
    slot = answer(routes[-1], 500.0)

    assert list(slot.body_cpu_us) == list(before.body_cpu_us)
    assert slot.body_cpu_us.keys() == slot.body_delay_us.keys()
    assert slot.body_cpu_us[routes[0]] == 2_000
    assert sum(slot.body_cpu_us.values()) == 500_400_000
    assert slot.body_cpu_us["(other)"] - before.body_cpu_us["(other)"] == 500_000_000
    assert slot.body_delay_us["(other)"] - before.body_delay_us["(other)"] == 250_000_000


def test_details_that_do_not_fit_keep_those_before(tmp_path):
    """No process hangs in search of what could be left out."""
    closes = {"1000": 1}
    board = Scoreboard(tmp_path, "asgi", 1, lambda: {"closes": closes})
    board.start()
    closes.update({str(code): 1 for code in range(3000, 6000)})
    board.write_details()
    slot = read(board)
    board.remove()

    assert slot.closes == {"1000": 1}


def test_fields_of_a_newer_version_are_left_out(tmp_path):
    """A monitor keeps running while a reload starts workers of another version."""
    details = {"threads": {"size": 1, "new": 1}, "messages": {"new": 1}, "new": 1}
    board = Scoreboard(tmp_path, "asgi", 1, lambda: details)
    board.start()
    slot = read(board)
    board.remove()

    assert slot.threads == Threads(size=1)


def test_threads_write_the_details_one_after_the_other(tmp_path):
    """Two at once would leave a sequence number that is odd, and a slot that nobody reads."""
    inside = threading.Semaphore(1)

    def write(text):
        assert inside.acquire(blocking=False)
        time.sleep(0.01)
        inside.release()

    numbers = iter(range(100))
    board = Scoreboard(tmp_path, "wsgi", 1, lambda: {"refused": next(numbers)})
    board.start()
    with mock.patch.object(board._slot, "write_details", write), ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: board.write_details(), range(8)))
    board.remove()

    assert written == [None] * 8


def test_the_lag_of_a_blocked_loop_grows_while_it_is_blocked(board):
    """The reader sees that its timer is overdue."""

    async def run():
        board.start_on_loop()
        calm = read(board)
        threading.Event().wait(0.4)
        blocked = read(board)
        await asyncio.sleep(0.02)
        return calm, blocked, read(board)

    calm, blocked, after = asyncio.run(run())

    assert calm.lag_s == 0.0
    assert 0.14 < blocked.lag_s <= after.lag_s == after.lag_max_s


WRITER = """
import sys, time
from pathlib import Path
from django_tandem.inprocess.scoreboard import Scoreboard
size = iter(range(10**9))
def details():
    return {"websockets": {letter * 300: next(size) for letter in "abc" * 8}}
board = Scoreboard(Path(sys.argv[1]), "asgi", 1, details)
board.start()
print("ready", flush=True)
until = time.monotonic() + 60
while time.monotonic() < until:
    letter = "abcdef"[next(size) % 6]
    request = board.begin(letter * 20, letter * 300, letter * 100)
    request.note_route(letter * 90)
    board.write_details()
    board.end(request)
"""


@pytest.mark.processes
def test_a_reader_never_sees_half_of_a_write(tmp_path):
    """While another process writes all the time."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        reader = ScoreboardReader(tmp_path)
        # It has nothing to show for a slot that it never saw whole.
        wait_for(reader.read)
        found = [reader.read() for _ in range(300)]
        writer.kill()
    letters = set()
    for slots in found:
        (slot,) = slots
        for each in slot.in_flight:
            texts = each.method + each.request_id + each.path + each.route
            assert len(set(texts)) == 1
            letters.add(texts[0])
        assert {len(route) for route in slot.websockets} == {300}

    assert letters
    assert read_slots(tmp_path) == ()
    slot_file.remove_stale(tmp_path)
    assert list((tmp_path / "scoreboard").iterdir()) == []


def test_the_slots_of_killed_processes_are_left_out_and_removed(board):
    """A damaged file is nobody's."""
    directory = board.run_dir / "scoreboard"
    (directory / "4194303").symlink_to(f"/proc/{os.getpid()}/exe")
    (directory / "1").write_text("damaged")
    (directory / "4194302.new").write_text("")

    assert [slot.pid for slot in read_slots(board.run_dir)] == [os.getpid()]
    slot_file.remove_stale(board.run_dir)
    assert {path.name for path in directory.iterdir()} == {str(os.getpid()), "1"}
    assert Path(sys.executable).exists()


def test_a_younger_process_with_the_pid_is_not_that_of_the_slot(board, monkeypatch):
    """The kernel reuses the pid of one that was killed."""
    monkeypatch.setattr("django_tandem.runtime.workers.created_at", lambda pid: 1e12)

    assert read_slots(board.run_dir) == ()


def test_a_slot_is_removed_at_the_exit_with_its_shared_memory(board, monkeypatch):
    """A child of the worker leaves it alone."""
    path = board.run_dir / "scoreboard" / str(os.getpid())
    memory = path.readlink()
    with monkeypatch.context() as in_child:
        in_child.setattr(scoreboard.os, "getpid", lambda: 1)
        board.remove()
    kept = path.is_symlink()
    board.remove()

    assert kept
    assert not path.is_symlink()
    assert not memory.exists()


def test_without_shared_memory_the_slot_is_in_the_run_directory(tmp_path, monkeypatch):
    """As on a system that has none."""
    monkeypatch.setattr(shared_memory, "DIRECTORY", tmp_path / "none")
    board = Scoreboard(tmp_path, "wsgi", 1, dict)
    board.start()

    assert not (tmp_path / "scoreboard" / str(os.getpid())).is_symlink()
    assert read(board).stack == "wsgi"
    board.remove()


def test_where_shared_memory_is_full_the_slot_is_in_the_run_directory(tmp_path, monkeypatch):
    """Nothing is left there."""
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(shared_memory, "DIRECTORY", memory)
    write, written = os.write, []

    def first_is_full(handle, data):
        written.append(handle)
        return full() if len(written) == 1 else write(handle, data)

    monkeypatch.setattr(slot_file.os, "write", first_is_full)
    board = Scoreboard(tmp_path, "wsgi", 1, dict)
    board.start()

    assert read(board).stack == "wsgi"
    assert not list(memory.iterdir())
    board.remove()


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("is_removed", [True, False])
def test_a_request_is_served_without_a_slot(tmp_path, monkeypatch, is_removed):
    """On a full disk, and where the run directory was removed."""
    run_dir = tmp_path / "gone" if is_removed else tmp_path
    if not is_removed:
        monkeypatch.setattr(slot_file.os, "write", full)
    # Other processes make files in the real one.
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(shared_memory, "DIRECTORY", memory)
    board = Scoreboard(run_dir, "wsgi", 1, dict)
    board.start()
    request = board.begin("GET", "/", "")
    request.note_route("/")
    board.end(request)

    assert read_slots(run_dir) == ()
    assert list(memory.iterdir()) == []


def test_without_a_run_directory_nothing_is_written(monkeypatch):
    """The project serves itself, without `tandem up`."""
    monkeypatch.delenv(environment.RUN_DIR, raising=False)

    assert scoreboard.from_environment("wsgi", dict) is None
