"""The workers, the queue and the priority of each server, and the limits of servers."""

import pytest

from builders import host, plan, verdict, websocket
from django_tandem import environment
from django_tandem.errors import SettingError
from django_tandem.model import ConnectionAges, ConnectionLimits, Stack, read_limits
from django_tandem.plan.capacity import auto_asgi, auto_connections, auto_wsgi


def _wsgi_argv(**wsgi) -> tuple[str, ...]:
    return next(
        each.argv for each in plan(verdict("/"), tandem={"WSGI": wsgi}).processes if each.stacks
    )


@pytest.mark.parametrize(
    ("changes", "asgi", "processes"),
    [
        ({}, {}, 2),
        ({"has_local_layer": True}, {}, 1),
        ({"has_local_layer": True}, {"WORKERS": 2}, 2),
        ({"has_local_layer": True, "routes": ()}, {}, 2),
    ],
    ids=["a shared layer", "in memory", "in memory, by the setting", "no WebSocket"],
)
def test_a_channel_layer_in_memory_has_one_asgi_process(changes, asgi, processes) -> None:
    """The sockets of a second process would miss what is sent in the first."""
    socket = websocket("/ws/")
    found = plan(socket, tandem={"ASGI": asgi}, **{"routes": (socket.route,), **changes})

    assert found.served[Stack.ASGI].workers == processes


@pytest.mark.parametrize(
    ("server", "workers", "timeout_s", "queue"),
    [
        ("gunicorn", 5, 30, 600),
        ("gunicorn", 1, 5, 64),
        ("gunicorn", 8, 3600, 1024),
        ("granian", 1, 30, 129),
    ],
)
def test_the_queue_follows_workers_and_timeout(server, workers, timeout_s, queue) -> None:
    """Four requests a second for each worker, at least a page's burst, at most 1024."""
    argv = _wsgi_argv(SERVER=server, WORKERS=workers, TIMEOUT_S=timeout_s)

    # The kernel's queue holds one more than the backlog.
    assert f"--backlog={queue - 1}" in argv


def test_the_client_gets_504_before_the_worker_is_killed() -> None:
    """The edge waits for TIMEOUT_S, and the server a little longer."""
    assert plan(verdict("/"), tandem={"WSGI": {"TIMEOUT_S": 7}}).edge.read_timeout_s == 7
    assert "--timeout=9" in _wsgi_argv(TIMEOUT_S=7)


@pytest.mark.parametrize(
    ("server", "after", "jitter"),
    [("gunicorn", "--max-requests=900", "200"), ("uwsgi", "--max-requests=900", "100")],
)
def test_workers_are_replaced_one_after_the_other(server, after, jitter) -> None:
    """A tenth more or less: at random on Gunicorn, by the worker's number on uWSGI."""
    argv = _wsgi_argv(SERVER=server, WORKERS=2, MAX_REQUESTS=1000)

    assert after in argv
    assert argv[argv.index(after) + 1].endswith(f"={jitter}")


@pytest.mark.parametrize("server", ["waitress", "granian"])
def test_max_requests_needs_a_server_that_replaces_workers(server) -> None:
    """The setting is not ignored."""
    with pytest.raises(SettingError) as caught:
        _wsgi_argv(SERVER=server, MAX_REQUESTS=1000)

    assert str(caught.value) == (
        f'TANDEM["WSGI"]["MAX_REQUESTS"] is 1000, and {server} can\'t replace its '
        "workers.\n  Set it to 0, or choose gunicorn or uwsgi."
    )


def test_a_queue_shorter_than_the_servers_shortest_is_an_error() -> None:
    """Granian replaces a shorter backlog by 128."""
    with pytest.raises(SettingError) as caught:
        _wsgi_argv(SERVER="granian", QUEUE=8)

    assert str(caught.value) == (
        'TANDEM["WSGI"]["QUEUE"] is 8, and the shortest queue of granian is 129.\n'
        '  Set it to "auto", or to 129 or more, or choose another server.'
    )


@pytest.mark.parametrize(
    ("cpus", "memory_mb", "wsgi", "asgi"),
    [(2, 4096, 5, 2), (0.5, 4096, 3, 1), (8, 512, 2, 1), (1, 64, 1, 1), (2.5, 8192, 7, 3)],
)
def test_workers_follow_cpus_and_memory(cpus, memory_mb, wsgi, asgi) -> None:
    """A part of a CPU counts as one, and half of the memory stays free."""
    machine = host(cpus=cpus, memory_mb=memory_mb)

    assert (auto_wsgi(machine), auto_asgi(machine)) == (wsgi, asgi)


@pytest.mark.parametrize(
    ("nice", "prefix"), [("auto", ("nice", "-n", "10")), (0, ()), (19, ("nice", "-n", "19"))]
)
def test_only_wsgi_has_a_lower_priority(nice, prefix) -> None:
    """The command line begins with `nice`, except for 0."""
    found = plan(websocket("/ws/"), tandem={"WSGI": {"NICE": nice}, "SHARED_MASTER": False})

    argvs = {each.name: each.argv for each in found.processes}
    assert argvs["wsgi"][: len(prefix) + 1] == (*prefix, host().python)
    assert argvs["asgi"][0] == host().python


@pytest.mark.parametrize(
    ("memory_mb", "open_files", "workers", "connections"),
    [
        (4096, 1_048_576, 1, 8192),
        (4096, 1_048_576, 4, 2048),
        (400, 1_048_576, 1, 800),
        (400, 1024, 1, 384),
        (65_536, 65_536, 2, 32_640),
        (64, 1024, 4, 32),
        (16, 256, 4, 16),
    ],
    ids=["memory", "workers", "container", "ulimit", "large", "small", "least"],
)
def test_auto_follows_the_memory_and_the_descriptors(
    memory_mb, open_files, workers, connections
) -> None:
    """A quarter of the memory at 128 kB each, and half of the descriptors for each kind."""
    machine = host(memory_mb=memory_mb, open_files=open_files)

    assert auto_connections(machine, workers) == connections


def test_a_setting_takes_precedence() -> None:
    """Each alone; the age is no bound unless it is set."""
    asgi = {"MAX_STREAMS": 5, "MAX_AGE_S": {"WEBSOCKETS": "12h"}, "WORKERS": 2}
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi})

    ages = ConnectionAges(websockets_s=12 * 3600)
    assert found.connections == ConnectionLimits(websockets=4096, streams=5, ages=ages)


def test_the_bounds_reach_the_servers() -> None:
    """In the environment of the process, from which the served project reads them."""
    found = plan(websocket("/ws/"), tandem={"ASGI": {"MAX_AGE_S": 60}})
    texts = [dict(each.environment).get(environment.CONNECTIONS) for each in found.processes]

    assert [read_limits(text) for text in texts if text] == [found.connections]


def test_without_asgi_there_are_none() -> None:
    """WSGI has no WebSockets, and its workers bound its streams."""
    assert plan(verdict("/", Stack.WSGI)).connections is None


@pytest.mark.parametrize(
    ("asgi", "open_files", "each"),
    [
        ({"MAX_WEBSOCKETS": 100, "MAX_STREAMS": 100}, 1_048_576, 4096),
        ({"MAX_WEBSOCKETS": 10_000, "MAX_STREAMS": 100}, 1_048_576, 10_356),
        ({"MAX_WEBSOCKETS": 10_000, "MAX_STREAMS": 100}, 8192, 8192),
    ],
)
def test_each_program_may_open_as_many_files_as_its_bounds_take(asgi, open_files, each) -> None:
    """Up to the hard limit of this machine."""
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi}, on=host(open_files=open_files))

    assert found.open_files == each


@pytest.mark.parametrize(
    ("asgi", "shown", "needed"),
    [
        ({"MAX_WEBSOCKETS": 10_000}, 'TANDEM["ASGI"]["MAX_WEBSOCKETS"] = 10000', 14_224),
        (
            {"MAX_WEBSOCKETS": 10_000, "MAX_STREAMS": 100},
            'TANDEM["ASGI"]["MAX_WEBSOCKETS"] = 10000 and TANDEM["ASGI"]["MAX_STREAMS"] = 100',
            10_356,
        ),
    ],
    ids=["one", "both"],
)
def test_bounds_above_the_limit_of_open_files_are_a_note(asgi, shown, needed) -> None:
    """With what to raise."""
    asgi = {"WORKERS": 1, **asgi}
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi}, on=host(open_files=8192))

    assert found.notes[-1] == (
        f"With {shown} an ASGI process may need {needed} open files, and 8192 are allowed here: "
        "connections fail before the bounds are reached. Lower the bounds, or raise the limit: "
        "`ulimit -n`, or LimitNOFILE= of a systemd unit."
    )


@pytest.mark.parametrize(
    ("asgi", "open_files"),
    [({}, 64), ({"MAX_WEBSOCKETS": 100, "MAX_STREAMS": 100}, 456), ({"MAX_AGE_S": 60}, 300)],
    ids=["auto, smallest", "exact", "age"],
)
def test_bounds_within_the_limit_of_open_files_are_none(asgi, open_files) -> None:
    """Nor those that tandem chose itself."""
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi}, on=host(open_files=open_files))

    assert not [note for note in found.notes if note.startswith("With TANDEM")]


@pytest.mark.parametrize(
    "limits",
    [
        ConnectionLimits(),
        ConnectionLimits(websockets=1, streams=2, ages=ConnectionAges(streams_s=3)),
    ],
)
def test_the_text_of_the_bounds_is_read_back(limits) -> None:
    """As the plan writes it, and the process reads it."""
    assert read_limits(limits.as_text()) == limits
