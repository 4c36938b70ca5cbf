"""The wait until all processes are healthy, and the failures that end it."""

from dataclasses import replace

from builders import plan
from django_tandem.inprocess import startup_failures
from django_tandem.inprocess.generation_files import RESTARTS, WorkerRestarts
from django_tandem.model import Status
from django_tandem.model.state import planned_state
from django_tandem.runtime import health_gate, logs
from django_tandem.runtime.health_gate import Failed, HealthGate, format_failure
from django_tandem.runtime.state import FAILED_FILE
from django_tandem.runtime.waiting import Deadline

STATE = planned_state(plan())
WSGI = next(process for process in STATE.processes if process.name == "wsgi")


def test_a_server_that_can_not_load_the_project_fails_at_once(tmp_path) -> None:
    """Its server may restart it forever."""
    (tmp_path / f"{WSGI.program}.failed").write_text("Traceback\nRuntimeError: no")

    assert health_gate._find_load_failure(STATE, tmp_path) == Failed(
        process=WSGI, reason="it can't load the project"
    )
    startup_failures.clear_startup_failures(tmp_path)
    assert health_gate._find_load_failure(STATE, tmp_path) is None


def test_a_server_that_ended_since_it_can_not_load_the_project_has_that_reason(tmp_path) -> None:
    """Its end alone would be "Exited too quickly", if it comes before the first look."""
    gate = HealthGate((WSGI,), STATE, tmp_path, Deadline(9))
    status = Status(name="wsgi-1", state="BACKOFF", pid=0, since_s=0, detail="Exited too quickly")
    statuses = {"wsgi-1": status}
    assert gate._find_failure(statuses) == Failed(process=WSGI, reason="Exited too quickly")

    (tmp_path / "wsgi-1.failed").write_text("RuntimeError: no")
    not_loaded = Failed(process=WSGI, reason="it can't load the project")
    assert gate._find_failure(statuses) == not_loaded
    (tmp_path / FAILED_FILE).write_text("wsgi-1\nExited too quickly")
    assert next(health_gate.wait_for_start(STATE, tmp_path, lambda: True)) == not_loaded


def test_a_new_master_whose_worker_ended_fails_at_once(tmp_path) -> None:
    """It replaces its workers without an end; those of another generation do not count."""
    master = replace(WSGI, name="master", generation=2)
    gate = HealthGate((master,), STATE, tmp_path, Deadline(9))
    statuses = {"master-2": Status(name="master-2", state="RUNNING", pid=7, since_s=3)}
    WorkerRestarts(RESTARTS.path(tmp_path, 1)).add("asgi")
    assert gate._find_failure(statuses) is None

    WorkerRestarts(RESTARTS.path(tmp_path, 2)).add("channels")
    assert gate._find_failure(statuses) == Failed(
        process=master, reason="its channels worker ended"
    )


def test_a_start_whose_worker_ends_each_time_fails(tmp_path) -> None:
    """As soon as a separate program would: the master restarts it without an end."""
    master = replace(WSGI, name="master", kinds=WSGI.kinds * 2)
    state, restarts = (
        replace(STATE, processes=(master,)),
        WorkerRestarts(RESTARTS.path(tmp_path, 1)),
    )
    for _ in range(3):
        restarts.add("channels")
    assert health_gate._find_ending_workers(state, tmp_path) is None

    restarts.add("channels")
    assert next(health_gate.wait_for_start(state, tmp_path, lambda: True)) == Failed(
        process=master, reason="its channels worker ended 4 times"
    )


def test_a_failure_is_reported_with_the_last_lines(tmp_path) -> None:
    """Those of the traceback if the project did not load, else of the log."""
    failed = Failed(process=WSGI, reason="it ended")
    assert format_failure(failed, tmp_path) == "wsgi-1 can't be started: it ended."

    (tmp_path / "wsgi-1.log").write_text("of an earlier start\n")
    logs.mark_start(tmp_path)
    with (tmp_path / "wsgi-1.log").open("a") as log:
        log.write("one\ntwo\n")
    assert format_failure(failed, tmp_path) == (
        "wsgi-1 can't be started: it ended. Its last lines:\n  one\n  two"
    )

    (tmp_path / "wsgi-1.failed").write_text("RuntimeError: no\n")
    assert format_failure(failed, tmp_path) == (
        "wsgi-1 can't be started: it ended. Its last lines:\n  RuntimeError: no"
    )


def test_the_end_of_supervisord_is_reported_without_a_program(tmp_path) -> None:
    """There is no log to show."""
    failed = Failed(process=None, reason="supervisord ended")

    assert format_failure(failed, tmp_path) == "Not started: supervisord ended."
