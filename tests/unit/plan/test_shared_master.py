"""Gunicorn, Uvicorn and the Channels workers run under one master, unless something forbids it."""

import json

import pytest

from builders import plan, verdict, websocket
from django_tandem import output
from django_tandem.errors import SettingError
from django_tandem.model import Plan, Process, Stack, WorkerKind
from django_tandem.model.programs import MASTER_MODULE
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.state import read_state
from django_tandem.servers import shared_master

RUN_DIR = "/srv/project/.tandem"


def _plan(**tandem) -> Plan:
    settings = {"WSGI": {"WORKERS": 5}, "ASGI": {"WORKERS": 2}, **tandem}
    return plan(websocket("/ws/"), tandem=settings, channel_names=("lots", "mail"))


def _programs(found: Plan) -> list[str]:
    return [process.program for process in found.processes]


def _master(found: Plan) -> Process:
    return next(process for process in found.processes if process.name == "master")


def test_one_program_has_the_workers_of_both_stacks_and_of_channels() -> None:
    """Each kind with its own number and socket, by the names of a separate program."""
    found = _plan()

    assert _programs(found) == ["monitor", "master-1", "nginx"]
    assert _master(found).kinds == (
        WorkerKind(
            name="wsgi",
            stack=Stack.WSGI,
            description="gunicorn, 5 processes",
            socket=f"{RUN_DIR}/wsgi-1.sock",
            workers=5,
        ),
        WorkerKind(
            name="asgi",
            stack=Stack.ASGI,
            description="uvicorn, 2 processes",
            socket=f"{RUN_DIR}/asgi-1.sock",
            workers=2,
        ),
        WorkerKind(name="channels", description="Channels worker for lots, mail"),
    )
    assert _master(found).logs == ("wsgi-1", "asgi-1", "channels-1", "master-1")
    assert _master(found).description == "one master of wsgi, asgi and channels"


def test_a_project_without_channel_names_has_no_such_workers() -> None:
    """The master has two kinds then."""
    master = _master(plan(websocket("/ws/")))

    assert [kind.name for kind in master.kinds] == ["wsgi", "asgi"]
    assert master.description == "one master of wsgi and asgi"


def test_the_master_gets_what_each_server_would_get() -> None:
    """Arguments, the queue, and the environment of a server; no `nice` for the whole program."""
    master = _master(
        _plan(
            WSGI={"ARGS": ["--threads=2"], "QUEUE": 9, "NICE": 7, "WORKERS": 5},
            ASGI={"ARGS": ["--limit-concurrency=9"]},
            RECYCLE={"MEMORY": "400M", "AGE": "1d", "REQUESTS": 1000},
            PRELOAD=False,
            DRAIN_S=9,
        )
    )

    assert master.argv[:3] == ("/venv/bin/python", "-m", MASTER_MODULE)
    for argument in (
        *("--preload=never", "--channel=lots", "--channel=mail", "--wsgi-nice=7", "--drain=9"),
        *(f"--recycle-memory={400 * 1024**2}", "--recycle-age=86400", "--recycle-requests=1000"),
        *("--threads=2", "--backlog=8", "--workers=5", "--limit-concurrency=9"),
    ):
        assert argument in master.argv
    environment = dict(master.environment)
    assert environment["WEBSOCKETS_MAX_NUM_HEADERS"] == "1000"
    assert environment["TANDEM_PRELOAD"] == "0"


@pytest.mark.parametrize(
    "tandem",
    [
        {"SHARED_MASTER": False},
        {"WSGI": {"SERVER": "waitress"}},
        {"ASGI": {"SERVER": "daphne"}},
    ],
)
def test_other_servers_run_as_separate_programs(tandem) -> None:
    """And so do the Channels workers."""
    assert _programs(_plan(**tandem))[1:] == ["wsgi-1", "asgi-1", "channels-1", "nginx"]


def test_one_stack_alone_has_no_shared_master() -> None:
    """A project without async code keeps its one server."""
    found = plan(verdict("/"))

    assert _programs(found) == ["monitor", "wsgi-1", "nginx"]


def test_a_master_of_unknown_code_is_not_used(monkeypatch) -> None:
    """After an upgrade of Gunicorn, both servers run as separate programs."""
    monkeypatch.setattr(shared_master, "is_supported", lambda: False)

    assert _programs(_plan())[1:] == ["wsgi-1", "asgi-1", "channels-1", "nginx"]


@pytest.mark.parametrize(
    ("tandem", "message"),
    [
        (
            {"SHARED_MASTER": False},
            'TANDEM["RECYCLE"] is for the shared master, and TANDEM["SHARED_MASTER"] is False.\n'
            "  Remove one of them.",
        ),
        (
            {"ASGI": {"SERVER": "daphne"}},
            'TANDEM["RECYCLE"] is for the shared master, and TANDEM["WSGI"]["SERVER"] is gunicorn, '
            'TANDEM["ASGI"]["SERVER"] is daphne.\n'
            "  Remove it, or choose gunicorn and uvicorn.",
        ),
        (
            {"ASGI": {"SERVER": "gunicorn"}},
            'TANDEM["RECYCLE"] is for the shared master, and TANDEM["WSGI"]["SERVER"] is gunicorn, '
            'TANDEM["ASGI"]["SERVER"] is gunicorn.\n'
            "  Remove it, or choose gunicorn and uvicorn.",
        ),
        (
            {"WSGI": {"MAX_REQUESTS": 500}, "RECYCLE": {"REQUESTS": 1000}},
            'TANDEM["RECYCLE"]["REQUESTS"] is 1000, and TANDEM["WSGI"]["MAX_REQUESTS"] is 500.\n'
            "  Remove one: REQUESTS is for the workers of both stacks.",
        ),
    ],
)
def test_a_bound_that_nothing_would_keep_is_an_error(tandem, message) -> None:
    """Silently ignored, it would let workers grow."""
    with pytest.raises(SettingError) as caught:
        _plan(**{"RECYCLE": {"AGE": "1h"}, **tandem})

    assert str(caught.value) == message


def test_a_bound_on_wsgi_alone_is_an_error() -> None:
    """The hint has a way to have a master."""
    with pytest.raises(SettingError) as caught:
        plan(verdict("/"), tandem={"RECYCLE": {"AGE": 60}})

    assert str(caught.value) == (
        'TANDEM["RECYCLE"] is for the shared master, and WSGI alone is served here.\n'
        '  Remove it, or set TANDEM["ASGI"]["ALWAYS"] to True.'
    )


def test_the_kinds_of_a_master_are_kept_in_the_state(tmp_path) -> None:
    """The keys of a program with one server are empty, for a reader that knows no kinds."""
    state = planned_state(_plan())
    output.write([state_file(state)], tmp_path)

    assert read_state(tmp_path) == state
    (_monitor, entry, _nginx) = json.loads((tmp_path / "state.json").read_text())["processes"]
    assert (entry["stack"], entry["socket"], entry["workers"]) == (None, None, 1)
    assert [kind["name"] for kind in entry["kinds"]] == ["wsgi", "asgi", "channels"]
