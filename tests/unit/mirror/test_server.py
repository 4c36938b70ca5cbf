"""The mirror answers its copies at once, and compares what both stacks respond."""

import asyncio
import http.client
import itertools
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from mirror.stacks import Answer, http_response, stack

from django_tandem.mirror import Difference, Ignored, MirrorReport
from django_tandem.mirror import server as module
from django_tandem.mirror.server import MIRROR_SOCKET, Mirror, next_start, serving
from harness.client import wait_for


def _copy(run_dir: Path, target: str) -> int:
    """Send a copy as the edge does, and return the status."""
    connection = http.client.HTTPConnection("lots.example", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(run_dir / MIRROR_SOCKET))
    connection.request("GET", target, headers={"Cookie": "sessionid=a"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def _mirrored(
    run_dir: Path, home: Answer, other: Answer, send: Callable[[Mirror], object]
) -> MirrorReport:
    mirror = Mirror(run_dir / "home.sock", run_dir / "other.sock", Ignored())
    with (
        stack(run_dir / "home.sock", home),
        stack(run_dir / "other.sock", other),
        serving(run_dir, mirror),
    ):
        send(mirror)
    # Its end has waited for the last comparison.
    assert not (run_dir / MIRROR_SOCKET).exists()
    return mirror.report()


def test_both_stacks_get_the_request_and_differences_are_reported(tmp_path, monkeypatch) -> None:
    """With the target, whose query may have a secret."""
    monkeypatch.setattr(module, "MOST_PER_SECOND", 1e9)

    def answer(stack_name: str) -> Answer:
        def respond(target: str, headers: dict[str, str]) -> bytes:
            name = stack_name if target.startswith("/differs/") else "both"
            value = json.dumps({"stack": name, "cookie": headers["cookie"]})
            return http_response(value, "Content-Type: application/json")

        return respond

    def send(mirror: Mirror) -> None:
        assert _copy(tmp_path, "/same/") == 204
        wait_for(lambda: mirror.report().compared)
        # After a pause.
        while mirror.report().compared == 1:
            assert _copy(tmp_path, "/differs/?q=a") == 204

    report = _mirrored(tmp_path, answer("wsgi"), answer("asgi"), send)

    assert report.equal == 1
    assert report.differing == report.compared - 1 >= 1
    (finding,) = report.findings
    assert (finding.target, finding.example.name) == ("/differs/?q=…", "$.stack")
    assert (finding.example.home, finding.example.other) == ('"wsgi"', '"asgi"')


def test_a_page_that_the_home_stack_changes_itself_is_unstable(tmp_path) -> None:
    """It is requested there a second time."""
    numbers = itertools.count()

    def answer(*_: object) -> bytes:
        return http_response(str(next(numbers)), "Content-Type: text/plain")

    report = _mirrored(tmp_path, answer, answer, lambda _: _copy(tmp_path, "/"))

    assert (report.compared, report.unstable, report.differing) == (1, 1, 0)
    assert report.findings == ()


def test_copies_beyond_the_rate_are_counted(tmp_path, monkeypatch) -> None:
    """The client of none of them waits."""
    monkeypatch.setattr(module, "MOST_PER_SECOND", 1e-9)

    def answer(*_: object) -> bytes:
        return http_response("ok")

    def send(_: Mirror) -> None:
        assert [_copy(tmp_path, "/") for _ in range(3)] == [204] * 3

    report = _mirrored(tmp_path, answer, answer, send)

    assert (report.compared, report.dropped) == (1, 2)


def test_copies_are_answered_while_a_stack_hangs(tmp_path, monkeypatch) -> None:
    """One is compared at a time, and the others counted."""
    monkeypatch.setattr(module, "MOST_PER_SECOND", 1e9)
    reached, answered = threading.Event(), threading.Event()

    def hanging(*_: object) -> bytes:
        reached.set()
        answered.wait(30)
        return http_response("ok")

    def send(mirror: Mirror) -> None:
        assert _copy(tmp_path, "/") == 204
        assert reached.wait(30)
        assert [_copy(tmp_path, "/") for _ in range(2)] == [204, 204]
        wait_for(lambda: mirror.report().dropped == 2)
        answered.set()

    report = _mirrored(tmp_path, hanging, hanging, send)

    assert (report.compared, report.dropped) == (1, 2)


def test_a_slow_view_has_half_of_the_time_at_most() -> None:
    """A stack has few workers, and its clients need them; fast ones are bounded by their number."""
    assert next_start(10.0, 13.0) == 16.0
    assert next_start(10.0, 10.01) == 10.1


def test_the_end_does_not_wait_for_a_stack_that_hangs(tmp_path, monkeypatch) -> None:
    """Its request is counted as one that was not compared."""
    monkeypatch.setattr(module, "FINISH_S", 0)
    reached, released = threading.Event(), threading.Event()

    def hanging(*_: object) -> bytes:
        reached.set()
        released.wait(30)
        return http_response("ok")

    mirror = Mirror(tmp_path / "home.sock", tmp_path / "other.sock", Ignored())
    with stack(tmp_path / "home.sock", hanging), stack(tmp_path / "other.sock", hanging):
        with serving(tmp_path, mirror):
            assert _copy(tmp_path, "/") == 204
            assert reached.wait(30)
        report = mirror.report()
        released.set()

    assert report == MirrorReport(dropped=1)


def test_a_comparison_that_fails_leaves_the_others(tmp_path, monkeypatch, caplog) -> None:
    """Its traceback is logged, and the report has what was compared."""
    monkeypatch.setattr(module, "MOST_PER_SECOND", 1e9)

    def compare(*given: object) -> tuple[Difference, ...]:
        monkeypatch.setattr(module, "compare", before)
        raise LookupError("a bug")

    before = module.compare
    monkeypatch.setattr(module, "compare", compare)

    def answer(*_: object) -> bytes:
        return http_response("ok")

    def send(mirror: Mirror) -> None:
        while not mirror.report().compared:
            assert _copy(tmp_path, "/") == 204

    report = _mirrored(tmp_path, answer, answer, send)

    assert report.equal == report.compared
    assert report.dropped
    assert "LookupError: a bug" in caplog.text


def test_a_stack_without_a_response_is_counted(tmp_path) -> None:
    """It is no difference: a reload may be under way."""

    def broken(*_: object) -> bytes:
        return b""

    def answer(*_: object) -> bytes:
        return http_response("ok")

    report = _mirrored(tmp_path, answer, broken, lambda _: _copy(tmp_path, "/"))

    assert report == MirrorReport(failed=1)


def test_the_socket_of_a_mirror_that_was_killed_is_replaced(tmp_path) -> None:
    """And only the user of the stack may connect to it."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / MIRROR_SOCKET))
    mirror = Mirror(tmp_path / "home.sock", tmp_path / "other.sock", Ignored())
    with serving(tmp_path, mirror):
        assert _copy(tmp_path, "/") == 204
        assert (tmp_path / MIRROR_SOCKET).stat().st_mode & 0o777 == 0o600


def test_a_report_can_be_read_while_the_mirror_compares() -> None:
    """By the command, once a second."""
    mirror = Mirror(Path("home"), Path("other"), Ignored())

    assert mirror.report() == MirrorReport()
    asyncio.run(mirror.finish())
