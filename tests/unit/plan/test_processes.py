"""A process is planned only when the project or a setting needs it."""

import pytest

from builders import host, plan, verdict, websocket
from django_tandem.errors import SettingError
from django_tandem.model import Process, Stack
from django_tandem.model.connections import MailboxLimits, SlowClient, read_mailbox_limits


def _named(found, name: str) -> Process:
    return next(process for process in found.processes if process.name == name)


def _names(found) -> list[str]:
    return [process.program for process in found.processes]


def test_a_project_without_async_code_starts_no_asgi_server() -> None:
    """A note names the ways to start one."""
    found = plan(verdict("/"))

    assert _names(found) == ["monitor", "wsgi-1", "nginx"]
    assert found.notes == (
        "Nothing in this project needs ASGI, so no ASGI server is started. Pin a route to it, "
        'or set TANDEM["ASGI"]["ALWAYS"] to True, to start one.',
    )


@pytest.mark.parametrize(
    "found",
    [
        plan(websocket("/ws/")),
        plan(verdict("/feed/", Stack.ASGI)),
        plan(verdict("/x/"), tandem={"ROUTES": [("/x/", "asgi")]}),
        plan(tandem={"ASGI": {"ALWAYS": True}}),
    ],
    ids=["a WebSocket", "an async view", "a pin", "the setting"],
)
def test_asgi_starts_when_something_needs_it(found) -> None:
    """A WebSocket, an async view, a pin, or ASGI["ALWAYS"]."""
    assert _names(found) == ["monitor", "master-1", "nginx"]
    assert list(found.served) == [Stack.WSGI, Stack.ASGI]
    assert found.notes == ()


def test_the_monitor_starts_first_and_outlives_a_reload() -> None:
    """It has no generation; the workers learn that the edge reads their headers."""
    found = plan(tandem={"SLOW_S": 1.5})

    monitor = _named(found, "monitor")
    assert monitor.program == "monitor"
    assert monitor.argv[1:] == ("-P", "-m", "django_tandem.monitor", "/srv/project/.tandem")
    assert monitor.priority == min(each.priority for each in found.processes)
    environment = dict(_named(found, "wsgi").environment)
    assert (environment["TANDEM_MONITOR"], environment["TANDEM_SLOW_S"]) == ("1", "1.5")


def test_without_the_monitor_nothing_is_collected() -> None:
    """Neither by the edge nor by the workers."""
    found = plan(tandem={"MONITOR": False})

    assert _names(found) == ["wsgi-1", "nginx"]
    assert "TANDEM_MONITOR" not in dict(_named(found, "wsgi").environment)


def test_one_channels_worker_consumes_all_channel_names() -> None:
    """As with `runworker`, where the servers share no master."""
    found = plan(channel_names=("lots", "mail"))

    assert _named(found, "channels").argv[1:] == (
        "-m",
        "django_tandem.inprocess.channels_worker",
        "lots",
        "mail",
    )


def test_channel_workers_replace_the_names_of_the_router() -> None:
    """An empty list starts no worker."""
    assert "channels-1" not in _names(plan(channel_names=("lots",), tandem={"CHANNEL_WORKERS": []}))


def test_valkey_starts_when_the_settings_use_it() -> None:
    """Each process that runs the project's code gets REDIS_URL."""
    found = plan(websocket("/ws/"), needs_redis=True, tandem={"PROGRAMS": {"beat": "celery beat"}})

    assert _names(found) == ["monitor", "valkey", "master-1", "beat-1", "nginx"]
    for name in ("master", "beat"):
        environment = dict(_named(found, name).environment)
        assert environment["REDIS_URL"] == "unix:///srv/project/.tandem/valkey.sock"


def test_daphne_runs_one_process() -> None:
    """ "auto" means one, and a higher number is an error."""
    one = plan(websocket("/ws/"), on=host(cpus=8), tandem={"ASGI": {"SERVER": "daphne"}})
    assert _named(one, "asgi").description == "daphne, 1 process"

    with pytest.raises(SettingError) as caught:
        plan(websocket("/ws/"), tandem={"ASGI": {"SERVER": "daphne", "WORKERS": 2}})

    assert str(caught.value) == (
        'TANDEM["ASGI"]["WORKERS"] is 2, and daphne runs one process.\n'
        '  Set it to "auto" or 1, or choose another server.'
    )


def test_nginx_workers_run_as_the_owner_of_the_sockets() -> None:
    """The sockets are the owner's alone."""
    assert plan(on=host(is_root=True, user="root")).edge.worker_user == "root"


def test_a_pin_that_matches_no_route_is_a_note() -> None:
    """It may be a misspelling, or match a path outside the URLconf, so it is not an error."""
    found = plan(verdict("/api/lots/"), tandem={"ROUTES": [("/api/", "asgi"), ("/pai/", "asgi")]})

    assert found.notes == (
        'TANDEM["ROUTES"][1]: no route begins with "/pai/". Did you mean "/api/"?',
    )


def test_the_choice_of_the_handler_reaches_the_processes() -> None:
    """By the environment; "auto" needs none."""
    for handler, variable in (("django", "django"), ("auto", None)):
        found = plan(websocket("/ws/"), tandem={"ASGI": {"HANDLER": handler}})
        environment = dict(_named(found, "master").environment)

        assert environment.get("TANDEM_HANDLER") == variable


def test_an_unknown_handler_is_an_error() -> None:
    """The error names the value."""
    with pytest.raises(SettingError) as caught:
        plan(websocket("/ws/"), tandem={"ASGI": {"HANDLER": "ours"}})

    assert str(caught.value) == (
        'TANDEM["ASGI"]["HANDLER"]: Expected "auto" or "django", got \'ours\'.'
    )


@pytest.mark.parametrize(
    ("cpus", "given", "threads"), [(0.5, "auto", "5"), (2.0, "auto", "6"), (2.0, 3, "3")]
)
def test_the_threads_of_the_handler_follow_the_cpus_of_the_container(cpus, given, threads) -> None:
    """The process alone would count those of the machine."""
    found = plan(websocket("/ws/"), tandem={"ASGI": {"THREADS": given}}, on=host(cpus=cpus))

    assert dict(_named(found, "master").environment)["TANDEM_THREADS"] == threads


def test_the_limits_of_the_mailboxes_reach_the_workers() -> None:
    """Where they are not the defaults."""
    given = {"CHANNELS": {"MAILBOX": 10, "SLOW_CLIENT": "latest"}}
    changed, usual = (plan(websocket("/ws/"), tandem=tandem) for tandem in (given, {}))

    text = dict(_named(changed, "master").environment)["TANDEM_MAILBOX"]
    assert read_mailbox_limits(text) == MailboxLimits(messages=10, slow_client=SlowClient.LATEST)
    assert "TANDEM_MAILBOX" not in dict(_named(usual, "master").environment)


OURS, OTHER = "django_tandem.channels.RedisLayer", "channels_redis.core.RedisChannelLayer"


@pytest.mark.parametrize(
    ("layers", "given", "is_compressed"),
    [
        ((), "auto", True),
        ((OTHER,), "auto", True),
        ((OURS,), "auto", False),
        ((OURS, OURS), "auto", False),
        ((OURS, OTHER), "auto", True),
        ((OURS,), True, True),
        ((OTHER,), False, False),
    ],
)
def test_websockets_are_not_compressed_where_each_layer_is_ours(
    layers, given, is_compressed
) -> None:
    """Unless a setting says otherwise."""
    found = plan(
        websocket("/ws/"), tandem={"CHANNELS": {"COMPRESSION": given}}, channel_layers=layers
    )

    argv = _named(found, "master").argv
    assert ("--ws-per-message-deflate=false" not in argv) is is_compressed


def test_a_program_has_its_own_signal_time_niceness_and_variables() -> None:
    """Its variables take precedence over those of every program."""
    tasks = {
        "COMMAND": "celery worker",
        "STOP_S": 60,
        "STOP_SIGNAL": "INT",
        "NICE": 5,
        "ENV": {"QUEUE": "mail", "PYTHONUNBUFFERED": "0"},
    }
    found = _named(plan(verdict("/"), tandem={"PROGRAMS": {"tasks": tasks}}), "tasks")

    assert found.argv == ("nice", "-n", "5", "celery", "worker")
    assert (found.stop_signal, found.stop_s) == ("INT", 60)
    environment = dict(found.environment)
    assert (environment["QUEUE"], environment["PYTHONUNBUFFERED"]) == ("mail", "0")
    assert environment["DJANGO_SETTINGS_MODULE"] == "config.settings"


def test_each_replica_is_a_program_with_its_number_before_its_generation() -> None:
    """A program that runs once has no such number."""
    programs = {"tasks": {"COMMAND": "x", "REPLICAS": 2}, "beat": "y"}
    found = plan(verdict("/"), tandem={"PROGRAMS": programs}, generation=3)

    assert _names(found)[1:] == ["wsgi-3", "tasks-1-3", "tasks-2-3", "beat-3", "nginx"]
    assert _named(found, "tasks").description == 'from TANDEM["PROGRAMS"], 1 of 2'


@pytest.mark.parametrize(("stop_s", "drain_s", "seconds"), [(8, 30, 30), (60, 30, 60)])
def test_a_program_has_the_longer_of_a_stop_and_a_drain_to_end(stop_s, drain_s, seconds) -> None:
    """A stop of the whole stack ends it earlier; a Channels worker has the same."""
    tandem = {"STOP_S": stop_s, "DRAIN_S": drain_s, "PROGRAMS": {"beat": "x"}}
    found = plan(verdict("/"), tandem=tandem, channel_names=("lots",))

    assert [_named(found, name).stop_s for name in ("beat", "channels")] == [seconds, seconds]


def test_the_length_of_a_stop_reaches_every_server_and_the_edge() -> None:
    """A server's own time for its requests, and supervisord's until SIGKILL."""
    found = plan(websocket("/ws/"), tandem={"STOP_S": 20})
    master = _named(found, "master")

    assert "--graceful-timeout=20" in master.argv
    assert "--timeout-graceful-shutdown=18" in master.argv
    assert (master.stop_s, _named(found, "nginx").stop_s) == (21, 21)
    assert found.edge.worker_shutdown_timeout_s == 30 + 40


def test_a_delay_that_leaves_no_time_to_stop_is_an_error() -> None:
    """It is a part of the whole."""
    with pytest.raises(SettingError) as caught:
        plan(verdict("/"), tandem={"STOP_DELAY_S": 7})

    assert str(caught.value) == (
        'TANDEM["STOP_DELAY_S"] is 7, and the whole stop takes STOP_S, 8.\n'
        "  Set STOP_S to 9 or more: the delay is a part of it."
    )


def test_a_drain_of_paths_that_lose_their_prefix_is_an_error() -> None:
    """The stack would look for the prefix, and close a socket that has to finish."""
    stripped = [("/ws/", "asgi", {"STRIP": True})]
    with pytest.raises(SettingError) as caught:
        plan(verdict("/"), tandem={"ROUTES": stripped, "DRAIN": [("/ws/calls/", "wait")]})

    assert str(caught.value) == (
        'TANDEM["DRAIN"] has "/ws/calls/", and TANDEM["ROUTES"] strips "/ws/".\n'
        '  Write the paths as the ASGI stack gets them, without "/ws/".'
    )
    for drain in ("wait", [("/calls/", "wait")]):
        plan(verdict("/"), tandem={"ROUTES": stripped, "DRAIN": drain})


def test_a_program_that_needs_longer_than_a_stop_is_a_note() -> None:
    """A reload leaves it its time."""
    tasks = {"COMMAND": "x", "STOP_S": 60}
    found = plan(websocket("/ws/"), tandem={"PROGRAMS": {"tasks": tasks}})

    assert found.notes == (
        'TANDEM["PROGRAMS"]["tasks"]["STOP_S"] is 60, and a stop of the stack kills it after 8 s, '
        'as TANDEM["STOP_S"] says; a reload does not.',
    )


def test_the_ways_in_which_connections_end_reach_the_processes() -> None:
    """By the environment; where all are spread, none is needed."""
    waits = plan(websocket("/ws/"), tandem={"DRAIN": [("/ws/calls/", "wait")]})
    spread = plan(websocket("/ws/"), tandem={"DRAIN": "spread"})

    environment = dict(_named(waits, "master").environment)
    assert environment["TANDEM_DRAIN"] == "%2Fws%2Fcalls%2F=wait"
    assert "TANDEM_DRAIN" not in dict(_named(spread, "master").environment)


def test_the_projects_own_metrics_have_a_directory_of_their_generation() -> None:
    """Where it has some, and the monitor reads them; a program counts for itself."""
    tandem = {"PROGRAMS": {"queue": "queue"}, "SHARED_MASTER": False}
    found = plan(websocket("/ws/"), tandem=tandem, generation=3, uses_prometheus=True)
    without = (
        plan(verdict("/")),
        plan(verdict("/"), tandem={"MONITOR": False}, uses_prometheus=True),
    )

    directories = {
        each.name: dict(each.environment).get("PROMETHEUS_MULTIPROC_DIR")
        for each in found.processes
    }
    directory = "/srv/project/.tandem/prometheus-3"
    assert {name for name, given in directories.items() if given == directory} == {"wsgi", "asgi"}
    others = [process for each in without for process in each.processes]
    assert all("PROMETHEUS_MULTIPROC_DIR" not in dict(each.environment) for each in others)
