"""Each process is started for a reason, and only then."""

import pytest

from builders import host, plan, verdict, websocket
from django_tandem.errors import SettingError
from django_tandem.model import Process, Stack


def _named(found, name: str) -> Process:
    return next(process for process in found.processes if process.name == name)


def _names(found) -> list[str]:
    return [process.program for process in found.processes]


def test_nothing_async_starts_no_asgi_process_and_says_so() -> None:
    """A project that needs no ASGI does not pay for it."""
    found = plan(verdict("/"))

    assert _names(found) == ["wsgi-1", "nginx"]
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
    """A WebSocket, an async view, a pin, or the user's word."""
    assert _names(found) == ["wsgi-1", "asgi-1", "nginx"]
    assert found.notes == ()


def test_channel_names_get_one_worker_for_all_of_them() -> None:
    """As the reference has it: one runworker, beside the servers."""
    found = plan(channel_names=("lots", "mail"))

    assert _named(found, "channels").argv[1:] == (
        "-m",
        "django_tandem.inprocess.channels_worker",
        "lots",
        "mail",
    )


def test_the_names_set_replace_those_found() -> None:
    """An empty list means none."""
    assert "channels-1" not in _names(plan(channel_names=("lots",), tandem={"CHANNEL_WORKERS": []}))


def test_valkey_starts_when_the_settings_point_at_it_and_everyone_is_told_where() -> None:
    """REDIS_URL reaches each process that runs the project's code."""
    found = plan(websocket("/ws/"), needs_redis=True, tandem={"PROGRAMS": {"beat": "celery beat"}})

    assert _names(found) == ["valkey", "wsgi-1", "asgi-1", "beat-1", "nginx"]
    for name in ("wsgi", "asgi", "beat"):
        environment = dict(_named(found, name).environment)
        assert environment["REDIS_URL"] == "unix:///srv/project/.tandem/valkey.sock"


def test_daphne_is_not_asked_for_processes_it_does_not_have() -> None:
    """One process on "auto"; a number over one is refused with a way out."""
    one = plan(websocket("/ws/"), on=host(cpus=8), tandem={"ASGI": {"SERVER": "daphne"}})
    assert _named(one, "asgi").role == "daphne, 1 process"

    with pytest.raises(SettingError) as caught:
        plan(websocket("/ws/"), tandem={"ASGI": {"SERVER": "daphne", "WORKERS": 2}})

    assert str(caught.value) == (
        'TANDEM["ASGI"]["WORKERS"] is 2, and daphne runs one process.\n'
        '  Take "auto" or 1, or another server for more processes.'
    )


def test_as_root_the_workers_are_root_too() -> None:
    """For nobody else may connect to the sockets."""
    assert plan(on=host(is_root=True, user="root")).edge.worker_user == "root"


def test_a_pin_of_no_route_is_told() -> None:
    """It may be a misspelling, or speak of what is outside the URLconf: so it is no error."""
    found = plan(verdict("/api/lots/"), tandem={"ROUTES": [("/api/", "asgi"), ("/pai/", "asgi")]})

    assert found.notes == ('TANDEM["ROUTES"][1]: no route lies at "/pai/".',)
