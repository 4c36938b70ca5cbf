"""A start in the foreground that fails is stopped, however early it fails."""

import json
from collections.abc import Iterator

import pytest

from builders import plan, websocket
from django_tandem import output
from django_tandem.model.readiness import MIGRATIONS_UNREAD
from django_tandem.model.state import STOPPING_FILE, planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime import announce, supervisord
from django_tandem.runtime.health_gate import Failed, Healthy
from django_tandem.runtime.state import READY_FILE


def test_each_kind_of_a_master_has_a_line(tmp_path, monkeypatch, capsys) -> None:
    """As though it were a separate program."""
    tandem = {"WSGI": {"WORKERS": 5}, "ASGI": {"WORKERS": 1}, "MONITOR": False}
    starting = planned_state(plan(websocket("/ws/"), tandem=tandem, channel_names=("lots",)))
    healthy = [Healthy(process=each, reason="answers on its socket") for each in starting.processes]
    monkeypatch.setattr(announce, "wait_for_start", lambda *_: iter(healthy))
    (tmp_path / supervisord.SOCKET).touch()

    announce.announce(starting, tmp_path, lambda: True, 1)

    assert (tmp_path / READY_FILE).exists()
    assert capsys.readouterr().err.splitlines() == [
        "wsgi-1     WSGI  gunicorn, 5 processes: answers on its socket",
        "asgi-1     ASGI  uvicorn, 1 process: answers on its socket",
        "channels-1       Channels worker for lots: runs",
        "nginx            NGINX 1.22.1: answers on its socket",
        "Ready: http://127.0.0.1:8000/",
    ]


def test_the_addresses_of_the_probes_and_the_metrics_are_named(
    tmp_path, monkeypatch, capsys
) -> None:
    """The first one of each, before the line that says that the stack is ready."""
    starting = planned_state(plan(tandem={"HEALTH": "127.0.0.1:8001", "METRICS": ":9001"}))
    monkeypatch.setattr(announce, "wait_for_start", lambda *_: iter([]))
    (tmp_path / supervisord.SOCKET).touch()

    announce.announce(starting, tmp_path, lambda: True, 1)

    assert capsys.readouterr().err.splitlines() == [
        "Probes: http://127.0.0.1:8001/readyz",
        "Metrics: http://0.0.0.0:9001/metrics",
        "Ready: http://127.0.0.1:8000/",
    ]


@pytest.mark.parametrize(
    ("failures", "last"),
    [
        ([], ["Ready: http://127.0.0.1:8000/"]),
        (
            ["migrations: 1 is unapplied, in polls."],
            [
                "Started: http://127.0.0.1:8000/",
                "Not ready: migrations: 1 is unapplied, in polls.",
            ],
        ),
    ],
    ids=["applied", "unapplied"],
)
def test_a_stack_whose_migrations_are_unapplied_is_not_called_ready(
    failures, last, tmp_path, monkeypatch, capsys
) -> None:
    """Where they are checked, /readyz fails until they are applied."""
    starting = planned_state(plan(tandem={"MIGRATIONS": "check"}))
    # The first probe may come before they have been read.
    answers = iter([[f"migrations: {MIGRATIONS_UNREAD}"], failures])
    monkeypatch.setattr(announce, "wait_for_start", lambda *_: iter([]))
    monkeypatch.setattr(announce.client, "failures", lambda *_: next(answers))
    (tmp_path / supervisord.SOCKET).touch()

    assert announce.announce(starting, tmp_path, lambda: True, 1) is None

    assert capsys.readouterr().err.splitlines() == last


@pytest.mark.parametrize("has_ended", [False, True], ids=["stopping", "stopped"])
def test_a_stack_that_stops_meanwhile_is_not_ready(
    has_ended, tmp_path, monkeypatch, capsys
) -> None:
    """Its stop removes the file that says so, and may have done so already."""
    starting = planned_state(plan())
    healthy = [Healthy(process=each, reason="runs") for each in starting.processes]

    def wait_for_start(*_: object) -> Iterator[Healthy]:
        yield from healthy
        if has_ended:
            (tmp_path / supervisord.SOCKET).unlink()
        else:
            (tmp_path / STOPPING_FILE).touch()

    monkeypatch.setattr(announce, "wait_for_start", wait_for_start)
    (tmp_path / supervisord.SOCKET).touch()

    assert announce.announce(starting, tmp_path, lambda: True, 1) is None

    assert not (tmp_path / READY_FILE).exists()
    assert "Ready" not in capsys.readouterr().err


def test_as_json_each_line_is_an_object_and_a_failure_an_error(
    tmp_path, monkeypatch, capsys
) -> None:
    """A collector reads them beside the lines of the programs."""
    starting = planned_state(plan(tandem={"LOG_FORMAT": "json", "MONITOR": False}))
    output.write([state_file(starting)], tmp_path)
    server, nginx = starting.processes
    results = [Healthy(process=server, reason=""), Failed(process=nginx, reason="no answer")]
    monkeypatch.setattr(announce, "wait_for_start", lambda *_: iter(results))
    monkeypatch.setattr(supervisord, "give_up", lambda *_: None)

    assert announce.main([str(tmp_path), "1"]) == 1

    ready, failed = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ready["program"], ready["level"]) == ("tandem", "info")
    assert ready["message"].startswith("wsgi-1     WSGI  gunicorn")
    assert failed["level"] == "error"
    assert "no answer" in failed["message"]


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_stack_is_given_up_once_supervisord_answers(refusals, tmp_path, monkeypatch) -> None:
    """Its socket is opened some time after the process that announces the stack has started."""
    starting = planned_state(plan(run_dir=str(tmp_path)))
    output.write([state_file(starting)], tmp_path)
    failed = Failed(process=starting.processes[0], reason="no answer within 1 s")
    attempts: list[str] = []

    def give_up(_run_dir: object, program: str, because: str) -> None:
        attempts.append(f"{program}: {because}")
        if len(attempts) <= refusals:
            raise supervisord.GoneError("supervisord does not answer")

    monkeypatch.setattr(supervisord, "give_up", give_up)
    monkeypatch.setattr(announce, "wait_for_start", lambda *_: iter([failed]))

    assert announce.main([str(tmp_path), "1"]) == 1
    assert attempts == [f"{failed.process.program}: no answer within 1 s"] * (refusals + 1)
