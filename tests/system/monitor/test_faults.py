"""Nothing that happens to the monitor delays, loses or recounts a request."""

import asyncio
import json
import os
import signal

import psutil
import pytest

from django_tandem.model import REQUESTS_FILE
from django_tandem.runtime import supervisord
from harness.client import ask, wait_for
from harness.stack import Up, free_port, tandem
from system.monitor.counting_load import Counts, Known, send_all
from system.monitor.metrics_page import counted, samples, total

REQUESTS = [
    Known("/sync/<int:number>/", "/sync/7/"),
    Known("/async/", "/async/"),
    Known("(unmatched)", "/no/such/path"),
] * 50


def monitor(up: Up) -> psutil.Process:
    return psutil.Process(wait_for(lambda: supervisord.pid_of(up.run_dir, "monitor")))


def send(up: Up) -> Counts:
    return asyncio.run(send_all(up.port, REQUESTS, at_a_time=4))


def reload(up: Up) -> None:
    done = tandem(up.directory, "reload", "--wait")
    assert done.returncode == 0, done.stderr


def is_served(port: int) -> bool:
    try:
        return ask(port, "/metrics").status == 200
    except OSError:
        return False


def answers(up: Up) -> bool:
    try:
        return bool(samples(up))
    except OSError:
        return False


def wait_for_count(up: Up, wanted: Counts) -> None:
    wait_for(lambda: answers(up) and counted(up).total() >= wanted.total())
    assert counted(up) == wanted


@pytest.fixture(autouse=True)
def settled(up) -> None:
    """Each test begins with a monitor that has read all lines."""
    wait_for(lambda: answers(up))
    # By a method that nothing else uses: lines of the test before may be read only now.
    marker = ("/sync/<int:number>/", "OPTIONS", 200)
    before = counted(up)[marker]
    ask(up.port, "/sync/1/", method="OPTIONS")
    wait_for(lambda: counted(up)[marker] > before)


def test_a_stopped_monitor_counts_the_requests_when_it_continues(up) -> None:
    """The edge serves meanwhile, and the stack is ready without it."""
    before, process = counted(up), monitor(up)
    process.suspend()
    try:
        sent = send(up)
        status = tandem(up.directory, "status", "--json")
    finally:
        process.resume()

    assert {status for *_, status in sent} == {200, 404}
    states = {each["program"]: each["state"] for each in json.loads(status.stdout)["processes"]}
    # supervisord calls it starting in its first seconds.
    assert states["monitor"] in ("silent", "starting")
    assert status.returncode == 0
    wait_for_count(up, before + sent)


def test_a_killed_monitor_loses_no_request_that_it_had_not_read(up) -> None:
    """The next one begins at zero, and counts what the other had left."""
    process = monitor(up)
    process.suspend()
    size = (up.run_dir / REQUESTS_FILE).stat().st_size
    sent = send(up)
    # Each process of the edge writes within a second.
    wait_for(lambda: _lines_since(up, size) == sent.total())
    process.kill()

    # supervisord may not have noticed yet.
    wait_for(lambda: supervisord.pid_of(up.run_dir, "monitor") not in (None, process.pid))
    wait_for_count(up, sent)
    assert counted(up) == sent


def test_a_removed_file_is_made_again(up) -> None:
    """NGINX opens it anew."""
    file = up.run_dir / REQUESTS_FILE
    inode = file.stat().st_ino
    before = counted(up)
    file.unlink()
    wait_for(lambda: file.exists() and file.stat().st_ino != inode)
    wait_for(lambda: _opened_by_edge(up, inode) == 0)

    expected = before + send(up)
    wait_for_count(up, expected)
    assert counted(up) == expected


def test_a_damaged_line_is_lost_and_counted(up) -> None:
    """What a full disk cuts is one line with the next."""
    lost, before = total(up, "tandem_monitor_lines_lost_total"), counted(up)
    with (up.run_dir / REQUESTS_FILE).open("ab") as file:
        file.write(b"1800000000.000\t200\tGE\n")

    expected = before + send(up)
    wait_for_count(up, expected)
    assert total(up, "tandem_monitor_lines_lost_total") == lost + 1


def test_a_reload_goes_on_counting(up) -> None:
    """The monitor is not replaced: its totals cover all generations."""
    before, pid = counted(up), monitor(up).pid
    reloads = total(up, "tandem_reloads_total")
    done = tandem(up.directory, "reload")

    assert done.returncode == 0, done.stderr
    wait_for(lambda: total(up, "tandem_reloads_total") == reloads + 1)
    assert monitor(up).pid == pid
    wait_for_count(up, before + send(up))


def test_a_reload_moves_the_address_and_ends_the_monitor(up) -> None:
    """Without one, the edge writes no line; the next reload starts another."""
    settings = up.directory / "mysite" / "settings.py"
    text, port = settings.read_text(), free_port()
    try:
        settings.write_text(f'{text}TANDEM["METRICS"] = "127.0.0.1:{port}"\n')
        reload(up)
        wait_for(lambda: is_served(port))
        assert b"tandem_generation" in ask(port, "/metrics").body

        settings.write_text(f'{text}TANDEM["MONITOR"] = False\n')
        reload(up)
        wait_for(lambda: supervisord.pid_of(up.run_dir, "monitor") is None)
        assert not is_served(port)
        assert REQUESTS_FILE not in (up.run_dir / "nginx.conf").read_text()
    finally:
        settings.write_text(text)
        reload(up)

    wait_for(lambda: answers(up))
    wait_for_count(up, counted(up) + send(up))


def test_a_monitor_that_fails_leaves_the_stack_ready(up) -> None:
    """`tandem status --check` is for the health of a container."""
    os.kill(monitor(up).pid, signal.SIGKILL)

    done = tandem(up.directory, "status", "--check")
    assert done.returncode == 0, done.stdout
    wait_for(lambda: answers(up) and restarts(up)["monitor"])
    assert restarts(up)["wsgi"] == restarts(up)["nginx"] == 0


def restarts(up: Up) -> dict[str, float]:
    return {labels["program"]: n for labels, n in samples(up)["tandem_restarts_total"]}


def _lines_since(up: Up, size: int) -> int:
    with (up.run_dir / REQUESTS_FILE).open("rb") as file:
        file.seek(size)
        return file.read().count(b"\n")


def _opened_by_edge(up: Up, inode: int) -> int:
    """Return how many processes of the edge still have the file with that number."""
    edge = psutil.Process(supervisord.pid_of(up.run_dir, "nginx"))
    found = 0
    for process in (edge, *edge.children()):
        for descriptor in os.scandir(f"/proc/{process.pid}/fd"):
            found += descriptor.stat().st_ino == inode
    return found
