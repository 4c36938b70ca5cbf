"""Several processes count into one file, and none writes at each request."""

import fcntl
import resource
import subprocess
import sys
import threading

import pytest

from django_tandem.inprocess.handover_counts import (
    LOCK,
    NAME,
    WRITE_EVERY_S,
    HandoverCount,
    HandoverCounter,
    read,
)
from harness.client import wait_for


def test_what_is_counted_is_read_the_most_frequent_first(tmp_path) -> None:
    """The first is written at once, the rest within a second, though nothing else is counted."""
    counts = HandoverCounter(tmp_path)
    counts.add("/once/", "wsgi")
    wait_for(lambda: read(tmp_path), within_s=WRITE_EVERY_S)
    assert read(tmp_path) == (HandoverCount(route="/once/", to="wsgi", count=1),)

    for _ in range(3):
        counts.add("/often/ with <blank>/", "asgi")
    assert len(read(tmp_path)) == 1
    wait_for(lambda: len(read(tmp_path)) == 2)

    assert read(tmp_path) == (
        HandoverCount(route="/often/ with <blank>/", to="asgi", count=3),
        HandoverCount(route="/once/", to="wsgi", count=1),
    )


def test_nothing_was_handed_over_where_there_is_no_file(tmp_path) -> None:
    """As on every stack whose table is right."""
    assert read(tmp_path) == ()


def test_a_run_directory_that_is_gone_does_not_fail_a_request(tmp_path) -> None:
    """A count is worth less than an answer, and is no reason to make the directory again."""
    counts = HandoverCounter(tmp_path / "gone")
    counts.add("/", "asgi")
    counts.write()

    assert not (tmp_path / "gone").exists()
    assert read(tmp_path / "gone") == ()


@pytest.mark.parametrize(
    "text", ["", '{"asgi /', "[]", "null", '{"asgi /": "1"}', '{"asgi /": null}', "\xff\x00"]
)
def test_a_damaged_file_is_as_good_as_none(tmp_path, text) -> None:
    """It fails neither who reads it nor a request, and counting begins anew."""
    (tmp_path / NAME).write_bytes(text.encode("latin-1"))
    assert read(tmp_path) == ()

    HandoverCounter(tmp_path).add("/", "asgi")

    assert wait_for(lambda: read(tmp_path)) == (HandoverCount(route="/", to="asgi", count=1),)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path) -> None:
    """What can't be written whole is not written at all, and fails no request."""
    counts = HandoverCounter(tmp_path)
    counts.add("/", "asgi")
    before = wait_for(lambda: read(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Every write to a file fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        counts.add("/", "asgi")
        counts.write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert read(tmp_path) == before


def test_what_counts_waits_for_nothing(tmp_path) -> None:
    """Neither for the disk nor for another process, which the event loop may not."""
    counts = HandoverCounter(tmp_path)
    with (tmp_path / LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        counts.add("/", "wsgi")
        counts.add("/", "wsgi")
        assert read(tmp_path) == ()

    assert wait_for(lambda: read(tmp_path) == (HandoverCount(route="/", to="wsgi", count=2),))


def test_a_thread_that_can_not_start_is_no_reason_to_fail_or_to_stop(tmp_path, monkeypatch) -> None:
    """As where a container has as many as it may have."""
    counts = HandoverCounter(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        counts.add("/", "wsgi")
    counts.add("/", "wsgi")

    assert wait_for(lambda: read(tmp_path) == (HandoverCount(route="/", to="wsgi", count=2),))


def refuse(_thread) -> None:
    raise RuntimeError("can't start new thread")


def test_processes_at_once_lose_no_count(tmp_path) -> None:
    """Each adds to what the others wrote, and writes what waits when it ends."""
    code = (
        "import pathlib, sys; from django_tandem.inprocess.handover_counts import HandoverCounter;"
        "counts = HandoverCounter(pathlib.Path(sys.argv[1]));"
        "[(counts.add('/', 'asgi'), counts.write()) for _ in range(50)]; counts.add('/', 'asgi')"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(timeout=30) for process in started] == [0, 0, 0, 0]

    assert read(tmp_path) == (HandoverCount(route="/", to="asgi", count=204),)
