"""The client reads the monitor's snapshot, and its errors name what is missing."""

import json
from dataclasses import asdict, replace
from http import HTTPStatus

import pytest

from builders import plan
from django_tandem.errors import RefusedError
from django_tandem.model.state import STATE_FILE, planned_state
from django_tandem.monitor.client import PROGRAM, UnansweredError, decode, read_snapshot
from django_tandem.monitor.snapshot import Snapshot
from django_tandem.runtime import lock
from django_tandem.runtime.probes.http_server import json_response
from django_tandem.runtime.state import METRICS_SOCKET
from harness.monitored import monitor_in, sample, serving


def test_a_snapshot_is_the_one_that_the_monitor_has(tmp_path) -> None:
    """With each of its values, over JSON and back."""
    with monitor_in(tmp_path, sample()):
        assert read_snapshot(tmp_path) == sample()


def test_fields_of_a_newer_monitor_are_left_out() -> None:
    """At every depth; those that an older one does not have get their defaults."""
    newer = json.loads(json.dumps(sample().as_json()))
    newer["moon"] = "full"
    newer["stacks"][0]["traffic"]["tides"] = 2
    del newer["workers"][0]["slot"]["closes"]

    assert decode(Snapshot, newer) == sample()


def test_nothing_runs(tmp_path) -> None:
    """There is no lock."""
    with pytest.raises(RefusedError) as error:
        read_snapshot(tmp_path)

    assert str(error.value) == f"Nothing runs in {tmp_path}.\n  Start it with `tandem up`."


@pytest.fixture
def running(tmp_path):
    """A run directory whose stack runs, and a function that writes its programs."""
    handle = lock.take(tmp_path)

    def write(*programs: str) -> None:
        process = plan().processes[0]
        processes = tuple(replace(process, name=name) for name in programs)
        state = replace(planned_state(plan()), processes=processes)
        (tmp_path / STATE_FILE).write_text(json.dumps(asdict(state)))

    yield write
    lock.release(handle)


def test_a_stack_without_a_monitor(tmp_path, running) -> None:
    """The setting is named."""
    running("wsgi-1")

    with pytest.raises(RefusedError) as error:
        read_snapshot(tmp_path)

    assert str(error.value) == (
        f"The stack in {tmp_path} runs without a monitor.\n"
        '  Set TANDEM["MONITOR"] to True, its default, and restart the stack.'
    )


def test_a_monitor_that_has_ended(tmp_path, running) -> None:
    """It is one of the programs, and its log is named."""
    running("wsgi-1", PROGRAM)

    with pytest.raises(UnansweredError) as error:
        read_snapshot(tmp_path)

    assert str(error.value) == (
        f"The monitor in {tmp_path} does not answer.\n"
        "  supervisord restarts it when it fails; `tandem logs monitor` shows why."
    )


def test_a_monitor_that_fails(tmp_path) -> None:
    """The status is named."""

    async def broken(_):
        return json_response(HTTPStatus.INTERNAL_SERVER_ERROR, {})

    with (
        serving({"/snapshot.json": broken}, str(tmp_path / METRICS_SOCKET)),
        pytest.raises(UnansweredError) as error,
    ):
        read_snapshot(tmp_path)

    assert str(error.value) == "The monitor answers /snapshot.json with 500."
