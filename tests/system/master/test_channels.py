"""Channels workers of the shared master: when they are ready, and how they end."""

import functools
import signal
import time

import psutil
import pytest

from builders import plan, websocket
from django_tandem.inprocess import generation_files
from django_tandem.runtime.health import silent_kinds
from harness import master as harness
from harness.client import wait_for
from harness.master import wait_for_workers

# The health check reads the command line.
serving = functools.partial(harness.serving, may_fork=False)


def runs(pid):
    """Return whether the process runs; what adopts orphans here may leave them unreaped."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def silent(master):
    """Return the kinds of a running master that fail its health check."""
    found = plan(websocket("/ws/"), run_dir=str(master.directory), channel_names=("notes",))
    process = next(each for each in found.processes if each.name == "master")
    return silent_kinds(process, master.process.pid)


def silent_until(master, end_s):
    """Return every answer of the health check within that time."""
    until, found = time.monotonic() + end_s, []
    while time.monotonic() < until:
        found.append(silent(master))
        time.sleep(0.02)
    return found


def test_channels_workers_consume_beside_the_servers(directory, redis) -> None:
    """In a third kind of worker."""
    with serving(directory, environment=redis, channels=("notes",)) as master:
        (pid,) = wait_for_workers(master, "channels", 1)
        assert master.ask("asgi", "/note?text=hello").body == b"sent"
        noted = wait_for(lambda: (p := directory / "noted").exists() and p.read_text())

        assert noted == f"{pid} hello"
        wait_for(lambda: silent(master) == [])
        assert master.imports == [str(master.process.pid)]
        assert master.stop() == 0


def test_a_consumer_has_the_prefix_of_the_settings(directory, redis) -> None:
    """As runworker sets it, for `reverse`; the set-up of the servers leaves it to each request."""
    environment = {**redis, "FORCED_SCRIPT_NAME": "/shop"}
    with serving(directory, environment=environment, channels=("notes",)) as master:
        wait_for_workers(master, "channels", 1)
        assert master.ask("asgi", "/note?text=hello").body == b"sent"
        wait_for((directory / "noted").exists)

        assert (directory / "prefix").read_text() == "/shop/"


def test_a_channels_worker_that_can_not_be_made_is_silent(directory) -> None:
    """The master retries it forever; the failure is recorded as the master's."""
    environment = {"ASGI_SETTING": "mastersite.asgi.missing"}
    with serving(directory, environment=environment, channels=("notes",)) as master:
        wait_for(lambda: generation_files.read_restarts(directory, 1).get("channels", 0) >= 1)

        assert set(map(tuple, silent_until(master, 3))) == {("channels",)}
        failure = (directory / "master-1.failed").read_text()
        assert "ImproperlyConfigured" in failure


def test_a_channels_worker_that_ends_at_once_is_silent(directory) -> None:
    """It could be made, and ends when it connects to Redis."""
    environment = {"REDIS_URL": f"unix://{directory}/none.sock"}
    with serving(directory, environment=environment, channels=("notes",)) as master:
        wait_for(lambda: generation_files.read_restarts(directory, 1).get("channels", 0) >= 1)

        assert set(map(tuple, silent_until(master, 3))) == {("channels",)}
        assert not (directory / "master-1.failed").exists()


def test_a_killed_master_interrupts_no_consumer(directory, redis) -> None:
    """Its worker finishes the message that it has taken, and ends."""
    with serving(directory, environment=redis, channels=("notes",)) as master:
        (pid,) = wait_for_workers(master, "channels", 1)
        assert master.ask("asgi", "/note?text=late&s=2").body == b"sent"
        wait_for((directory / "taken").exists)
        master.process.kill()
        master.process.wait()
        noted = wait_for(lambda: (p := directory / "noted").exists() and p.read_text())

        assert noted == f"{pid} late"
        wait_for(lambda: not runs(pid), within_s=3)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_of_an_unknown_channels_ends_with_its_master(directory, redis, end) -> None:
    """Channels' own worker sets no signal handler."""
    environment = {**redis, "LEFTOVER": "unknown_channels"}
    with serving(directory, environment=environment, channels=("notes",)) as master:
        wait_for(lambda: silent(master) == [])
        (pid,) = master.workers("channels")
        assert "A stop interrupts the worker's consumers." in master.log("channels")
        master.process.send_signal(end)
        wait_for(lambda: not runs(pid), within_s=3)
        master.process.wait(3)
