"""What is installed is spoken of where it would serve the project, and has a known fault."""

from typing import Any

import pytest
from checks.saying import ids, told
from packaging.version import Version

from builders import websocket
from django_tandem.checks.facts import Facts
from django_tandem.checks.versions import (
    asgiref_does_not_deadlock,
    daphne_is_safe,
    gunicorn_does_not_leak,
    uvicorn_speaks_websocket,
)
from django_tandem.project.channels import Application
from django_tandem.settings import read_settings


def _facts(tandem: dict[str, Any] | None = None, *, on_asgi: bool = True, **versions: str) -> Facts:
    return Facts(
        settings=read_settings(tandem),
        application=Application(has_websocket=on_asgi),
        verdicts=(websocket("/ws/"),) if on_asgi else (),
        versions=tuple((name, Version(version)) for name, version in versions.items()),
    )


def test_a_vulnerable_daphne_that_serves_is_an_error() -> None:
    """The sentence names the version that is installed."""
    assert told(daphne_is_safe(_facts({"ASGI": {"SERVER": "daphne"}}, daphne="4.2.1"))) == [
        (
            "tandem.E005",
            "daphne",
            "daphne 4.2.1 is installed, and Daphne before 4.2.2 has two known vulnerabilities "
            "(CVEs 44545 and 44546).",
            'Run pip install "daphne>=4.2.2".',
        )
    ]


def test_a_vulnerable_daphne_among_the_programs_is_an_error() -> None:
    """It serves just the same when the user starts it."""
    programs = {"PROGRAMS": {"sockets": "daphne -b 127.0.0.1 config.asgi:application"}}

    assert ids(daphne_is_safe(_facts(programs, daphne="4.1"))) == ["tandem.E005"]


@pytest.mark.parametrize(
    ("tandem", "on_asgi", "versions"),
    [
        ({"ASGI": {"SERVER": "daphne"}}, True, {"daphne": "4.2.2"}),
        ({"ASGI": {"SERVER": "daphne"}}, True, {}),
        ({"ASGI": {"SERVER": "daphne"}}, False, {"daphne": "4.2.1"}),
        (None, True, {"daphne": "4.2.1"}),
    ],
    ids=["put right", "not installed", "nothing on ASGI", "another server"],
)
def test_a_daphne_that_is_safe_or_does_not_serve_is_left_alone(tandem, on_asgi, versions) -> None:
    """Installed is not in use."""
    assert daphne_is_safe(_facts(tandem, on_asgi=on_asgi, **versions)) == []


def test_an_asgiref_that_can_deadlock_is_an_error_on_asgi() -> None:
    """A request that hangs for good has no other cure."""
    assert told(asgiref_does_not_deadlock(_facts(asgiref="3.11.1"))) == [
        (
            "tandem.E006",
            "asgiref",
            "asgiref 3.11.1 is installed, and asgiref before 3.12 can deadlock on ASGI "
            "(its issue 535).",
            'Run pip install "asgiref>=3.12".',
        )
    ]
    assert asgiref_does_not_deadlock(_facts(asgiref="3.12.0")) == []
    assert asgiref_does_not_deadlock(_facts(asgiref="3.11.1", on_asgi=False)) == []


def test_a_pin_or_always_starts_an_asgi_server_too() -> None:
    """A route is not the only reason."""
    pinned = {"ROUTES": [("/live/", "asgi")]}
    always = {"ASGI": {"ALWAYS": True}}

    for tandem in (pinned, always):
        facts = _facts(tandem, on_asgi=False, asgiref="3.8")
        assert ids(asgiref_does_not_deadlock(facts)) == ["tandem.E006"]


def test_a_gunicorn_that_leaks_on_its_asgi_worker_is_an_error() -> None:
    """The sentence names the setting that chose the worker."""
    programs = {"PROGRAMS": {"api": "gunicorn -k asgi config.asgi:application"}}

    assert told(gunicorn_does_not_leak(_facts(programs, gunicorn="25.3.0"))) == [
        (
            "tandem.E007",
            "gunicorn",
            'TANDEM["PROGRAMS"]["api"] takes Gunicorn\'s ASGI worker, which leaks database '
            "connections in gunicorn 25.3.0 (its issue 3627, in 25.1 to 26.0).",
            'Run pip install "gunicorn>=26.1".',
        )
    ]


@pytest.mark.parametrize(
    "args",
    [
        ["--worker-class", "asgi"],
        ["--worker-class=gunicorn.workers.gasgi.ASGIWorker"],
        ["-kasgi"],
        ["-k", "sync", "-k", "asgi"],
    ],
)
def test_the_asgi_worker_is_known_however_it_is_written(args) -> None:
    """Gunicorn takes the last of them."""
    (message,) = gunicorn_does_not_leak(_facts({"WSGI": {"ARGS": args}}, gunicorn="25.1"))

    assert message.msg.startswith('TANDEM["WSGI"]["ARGS"] takes Gunicorn\'s ASGI worker')


@pytest.mark.parametrize(
    ("gunicorn", "leaks"),
    [("25.0.3", False), ("25.1.0", True), ("26.0.9", True), ("26.1.0", False), ("27.0.1", False)],
)
def test_the_leak_is_in_25_1_to_26_0(gunicorn, leaks) -> None:
    """Both ends count."""
    facts = _facts({"WSGI": {"ARGS": ["-k", "asgi"]}}, gunicorn=gunicorn)

    assert bool(gunicorn_does_not_leak(facts)) is leaks


@pytest.mark.parametrize(
    "tandem",
    [
        None,
        {"WSGI": {"ARGS": ["-k", "gthread"]}},
        {"WSGI": {"SERVER": "waitress", "ARGS": ["-k", "asgi"]}},
        {"PROGRAMS": {"work": "celery -A config worker -k asgi"}},
    ],
)
def test_another_worker_and_another_program_do_not_leak(tandem) -> None:
    """The fault is in one worker of one server."""
    assert gunicorn_does_not_leak(_facts(tandem, gunicorn="26.0")) == []


def test_uvicorn_without_its_websocket_library_is_an_error() -> None:
    """Every handshake would be refused, or Uvicorn not start."""
    chosen = _facts({"ASGI": {"ARGS": ["--ws=websockets-sansio"]}})

    assert ids(uvicorn_speaks_websocket(_facts())) == ["tandem.E008"]
    assert told(uvicorn_speaks_websocket(chosen)) == [
        (
            "tandem.E008",
            "uvicorn",
            "Uvicorn's --ws websockets-sansio needs the library websockets, which is not "
            "installed, and the project has WebSockets.",
            "Run pip install websockets.",
        )
    ]


@pytest.mark.parametrize(
    ("args", "library", "found"),
    [
        (["--ws", "wsproto"], "websockets", "needs the library wsproto"),
        (["--ws=auto"], None, "needs the library websockets"),
        (["--ws=none"], "websockets", "says --ws none"),
        (["--ws=wsproto"], "wsproto", None),
        (["--ws=auto"], "wsproto", None),
        (["--ws=config.sockets:Protocol"], None, None),
    ],
)
def test_the_library_is_the_one_that_the_arguments_choose(args, library, found) -> None:
    """A `--ws` of the user's own wins over ours."""
    facts = Facts(
        settings=read_settings({"ASGI": {"ARGS": args}}),
        application=Application(has_websocket=True),
        verdicts=(websocket("/ws/"),),
        importable=frozenset({library} - {None}),
    )
    messages = uvicorn_speaks_websocket(facts)

    assert [found in message.msg for message in messages] == ([True] if found else [])


def test_uvicorn_without_websockets_to_serve_is_left_alone() -> None:
    """And so is every other server."""
    assert uvicorn_speaks_websocket(_facts(on_asgi=False)) == []
    assert uvicorn_speaks_websocket(_facts({"ASGI": {"ALWAYS": True}}, on_asgi=False)) == []
    assert uvicorn_speaks_websocket(_facts({"ASGI": {"SERVER": "hypercorn"}})) == []
