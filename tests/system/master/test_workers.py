"""Workers of the shared master end and are replaced, by themselves or with their master."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from django_tandem.inprocess import generation_files
from harness.client import wait_for
from harness.master import serving, wait_for_workers, wait_until_ready
from harness.server import UnixConnection

TIMEOUT_S = 2
TIMEOUT_LINE = "WORKER TIMEOUT (pid:{}): no heartbeat for more than 2 s. Its call stack follows."


@pytest.fixture(scope="module")
def master(run_dir):
    with serving(run_dir, wsgi=2, asgi=1, timeout_s=TIMEOUT_S) as running:
        yield running


def runs(pid):
    """Return whether the process runs; what adopts orphans here may leave them unreaped."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def in_background(function, *arguments):
    """Call it on a thread, and ignore a lost connection."""

    def run():
        try:
            function(*arguments)
        except OSError:
            return

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_killed_worker_is_replaced_at_once(master, kind) -> None:
    """And counted; the workers of the other kind stay."""
    other = "asgi" if kind == "wsgi" else "wsgi"
    before, untouched = master.workers(kind), master.workers(other)
    restarts = generation_files.read_restarts(master.directory, 1).get(kind, 0)
    # Older than those whose replacement waits.
    time.sleep(2.1)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)

    wait_for(lambda: len(master.workers(kind) - {victim}) == len(before), within_s=3)
    assert before - {victim} <= master.workers(kind)
    assert master.workers(other) == untouched
    assert generation_files.read_restarts(master.directory, 1)[kind] == restarts + 1
    line = f"Worker {victim} ended and is replaced; the master's log has the reason."
    assert line in master.log(kind)
    assert f"Worker (pid:{victim}) was sent SIGKILL!" in master.log()
    assert master.ask(kind).status == 200


def test_an_event_loop_blocked_in_c_code_is_replaced_and_located(master) -> None:
    """The log has the stack of the blocked thread, although no handler of Python could run."""
    (blocked,) = wait_for_workers(master, "asgi", 1)
    since = time.monotonic()
    thread = in_background(master.ask, "asgi", "/block?s=30")
    wait_for(lambda: blocked not in master.workers("asgi"), within_s=TIMEOUT_S + 5)

    assert time.monotonic() - since > TIMEOUT_S
    log = master.log("asgi")
    line = TIMEOUT_LINE.format(blocked)
    assert line in log
    assert "in block_the_loop" in log.partition(line)[2]
    wait_until_ready(master)
    assert master.ask("asgi").status == 200
    thread.join()


def test_a_blocked_event_loop_is_replaced_though_the_view_catches_everything(master) -> None:
    """At the first timeout, and counted: an exception of the signal's handler would be caught."""
    (blocked,) = wait_for_workers(master, "asgi", 1)
    restarts = generation_files.read_restarts(master.directory, 1).get("asgi", 0)
    thread = in_background(master.ask, "asgi", "/catch?s=20")
    thread.join()
    wait_for(lambda: len(master.workers("asgi") - {blocked}) == 1, within_s=5)

    assert blocked not in master.workers("asgi")
    line = TIMEOUT_LINE.format(blocked)
    assert "in catch_everything" in master.log("asgi").partition(line)[2]
    assert generation_files.read_restarts(master.directory, 1)["asgi"] == restarts + 1
    wait_until_ready(master)


def test_a_request_on_wsgi_that_takes_too_long_is_located(master) -> None:
    """Its worker is replaced, which is a restart."""
    before = wait_for_workers(master, "wsgi", 2)
    restarts = generation_files.read_restarts(master.directory, 1).get("wsgi", 0)
    thread = in_background(master.ask, "wsgi", "/slow?s=20")
    wait_for(lambda: before - master.workers("wsgi"), within_s=TIMEOUT_S + 5)
    thread.join()

    (blocked,) = before - master.workers("wsgi")
    line = TIMEOUT_LINE.format(blocked)
    assert line in master.log("wsgi")
    assert "in slow" in master.log("wsgi").partition(line)[2]
    wait_for_workers(master, "wsgi", 2)
    assert generation_files.read_restarts(master.directory, 1)["wsgi"] == restarts + 1


def test_a_loop_that_waits_is_not_blocked(master) -> None:
    """A request may await for longer than the timeout."""
    pid = wait_for_workers(master, "asgi", 1)

    assert master.ask("asgi", f"/awaited?s={TIMEOUT_S + 2}").status == 200
    assert master.workers("asgi") == pid


def test_all_workers_end_with_a_killed_master(directory) -> None:
    """Within a second; a request in flight is finished."""
    with serving(directory, wsgi=2, asgi=2) as master, ThreadPoolExecutor() as pool:
        workers = master.workers("wsgi") | master.workers("asgi")
        slow = pool.submit(master.ask, "wsgi", "/slow?s=0.5")
        time.sleep(0.2)
        master.process.kill()
        master.process.wait()

        assert slow.result().status == 200
        wait_for(lambda: not any(map(runs, workers)), within_s=2)


def test_a_stop_finishes_what_is_in_flight(directory) -> None:
    """On both stacks, and the master ends with 0."""
    with serving(directory) as master, ThreadPoolExecutor() as pool:
        requests = [
            pool.submit(master.ask, "wsgi", "/slow?s=0.7"),
            pool.submit(master.ask, "asgi", "/awaited?s=0.7"),
        ]
        time.sleep(0.2)

        assert master.stop() == 0
        assert [each.result().status for each in requests] == [200, 200]


def test_a_stop_cancels_a_request_that_takes_too_long(directory) -> None:
    """Its cleanup and the end of the lifespan run, before the master kills what is left."""
    with serving(directory, asgi=1) as master:
        (pid,) = master.workers("asgi")
        thread = in_background(master.ask, "asgi", "/cleaned-up")
        time.sleep(0.5)

        assert master.stop() == 0
        thread.join()

    assert (directory / "cleaned-up").exists()
    assert f"{pid} lifespan.shutdown" in (directory / "lifespan").read_text()


def test_a_kind_that_ends_again_and_again_is_not_restarted_in_a_loop(directory) -> None:
    """The other kind serves on its socket meanwhile."""
    file = directory / "own.py"
    file.write_text(
        "import os, pathlib\n"
        f"broken = pathlib.Path({str(directory / 'broken')!r})\n"
        "def post_worker_init(worker):\n"
        "    if worker.kind.name == 'asgi' and broken.exists():\n"
        "        os._exit(3)\n"
        "def child_exit(server, worker):\n"
        f"    with open({str(directory / 'reaped')!r}, 'a') as file:\n"
        "        file.write(f'{worker.kind.name} ')\n"
    )
    with serving(directory, asgi=1, wsgi_args=(f"--config={file}",)) as master:
        (directory / "broken").touch()
        os.kill(min(master.workers("asgi")), signal.SIGKILL)
        time.sleep(5)
        restarts = generation_files.read_restarts(directory, 1)["asgi"]

        assert 2 <= restarts <= 4
        # Also with an exit code on which Gunicorn's arbiter would end.
        assert (directory / "reaped").read_text().split() == ["asgi"] * restarts
        assert master.ask("wsgi").status == 200
        (directory / "broken").unlink()
        wait_until_ready(master)


def test_keep_alive_connections_end_with_a_stop(directory) -> None:
    """An idle connection of the edge holds up no stop."""
    with serving(directory) as master:
        connection = UnixConnection(master.socket("asgi"))
        connection.request("GET", "/process")
        connection.getresponse().read()

        assert master.stop() == 0
        connection.close()
