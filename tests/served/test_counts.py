"""Several processes count into one file, and none writes at each request."""

import subprocess
import sys

from django_tandem.served.counts import Counts, Handovers, read


def test_what_is_counted_is_read_the_most_frequent_first(tmp_path) -> None:
    """The first is written at once, the rest with the next write."""
    counts = Counts(tmp_path)
    counts.add("/once/", "wsgi")
    assert read(tmp_path) == (Handovers(route="/once/", to="wsgi", count=1),)

    for _ in range(3):
        counts.add("/often/ with <blank>/", "asgi")
    counts.write()

    assert read(tmp_path) == (
        Handovers(route="/often/ with <blank>/", to="asgi", count=3),
        Handovers(route="/once/", to="wsgi", count=1),
    )


def test_nothing_was_handed_over_where_there_is_no_file(tmp_path) -> None:
    """As on every stack whose table is right."""
    assert read(tmp_path) == ()


def test_a_run_directory_that_is_gone_does_not_fail_a_request(tmp_path) -> None:
    """A count is worth less than an answer."""
    Counts(tmp_path / "gone").add("/", "asgi")


def test_processes_at_once_lose_no_count(tmp_path) -> None:
    """Each adds to what the others wrote, and writes what waits when it ends."""
    code = (
        "import pathlib, sys; from django_tandem.served.counts import Counts;"
        "counts = Counts(pathlib.Path(sys.argv[1]));"
        "[(counts.add('/', 'asgi'), counts.write()) for _ in range(50)]; counts.add('/', 'asgi')"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(timeout=30) for process in started] == [0, 0, 0, 0]

    assert read(tmp_path) == (Handovers(route="/", to="asgi", count=204),)
