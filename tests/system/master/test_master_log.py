"""What the project adds to logging runs outside the master, which has no thread when it forks."""

import json
import os
import signal

import psutil
import pytest

from django_tandem.servers.gunicorn import GUNICORN, GUNICORN_ASGI
from harness.client import wait_for
from harness.collector import collecting
from harness.master import SITE, serving, wait_for_workers
from harness.server import serving as serving_alone

KINDS = ["wsgi", "asgi"]
PROJECT = {
    "PYTHONPATH": str(SITE),
    "DJANGO_SETTINGS_MODULE": "mastersite.settings",
    "TANDEM_WSGI_APPLICATION": "mastersite.wsgi.application",
    "TANDEM_ASGI_APPLICATION": "mastersite.asgi.application",
    "LEFTOVER": "exporter",
}


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def kill_worker(master, kind) -> int:
    """Kill the only worker of a kind and wait for the next; return the killed one's pid."""
    (killed,) = wait_for_workers(master, kind, 1)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: master.workers(kind) - {killed})
    return killed


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_of_the_projects_log_is_not_copied_to_the_next_worker(directory, kind) -> None:
    """The thread that holds it is not the master's."""
    with serving(directory, wsgi=1, asgi=1, environment={"LEFTOVER": "exporter"}) as master:
        killed = kill_worker(master, kind)
        response = master.ask(kind, timeout=10)
        exported = wait_for(lambda: lines_of(directory / "exported"))

    assert response.status == 200
    process, _, text = exported[0].partition(" ")
    assert int(process) != master.process.pid
    assert text == f"Worker (pid:{killed}) was sent SIGKILL! Perhaps out of memory?"


@pytest.mark.parametrize("server", [GUNICORN, GUNICORN_ASGI], ids=["wsgi", "asgi"])
def test_a_gunicorn_of_one_stack_does_not_copy_it_either(directory, server) -> None:
    """It too forks its workers from the loaded project."""
    with serving_alone(server, directory, environment=PROJECT) as running:
        (worker,) = psutil.Process(running.process.pid).children()
        worker.kill()
        worker.wait(10)
        response = running.ask(path="/process")

    assert response.status == 200
    assert json.loads(response.body)["pid"] != worker.pid


@pytest.mark.parametrize("kind", KINDS)
def test_sentry_has_what_the_master_logs_and_no_thread_in_it(directory, kind) -> None:
    """A killed worker is one event, and one line."""
    with collecting() as collector:
        environment = {"LEFTOVER": "sentry", "SENTRY_DSN": collector.dsn}
        with serving(directory, wsgi=1, asgi=1, environment=environment) as master:
            killed = kill_worker(master, kind)
            assert master.ask(kind).status == 200
            text = f"Worker (pid:{killed}) was sent SIGKILL! Perhaps out of memory?"
            wait_for(lambda: text in messages(collector))
            threads = psutil.Process(master.process.pid).num_threads()
            log = master.log()

    assert threads == 1
    assert messages(collector).count(text) == 1
    assert log.count(text) == 1


def messages(collector):
    entries = [each["logentry"] for each in collector.events if "logentry" in each]
    return [each["message"] % tuple(each["params"]) for each in entries]
