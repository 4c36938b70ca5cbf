"""Installed packages with a known fault are findings where they serve the project."""

from typing import Any

import pytest
from checks.gathered import facts
from checks.messages import contents, ids
from packaging.version import Version

from builders import verdict, websocket
from django_tandem.checks.facts import Facts
from django_tandem.checks.installed import (
    daphne_is_safe,
    gunicorn_does_not_leak,
    handler_knows_the_packages,
    option_value,
    runs,
    uvicorn_speaks_websocket,
)
from django_tandem.model import Stack
from django_tandem.project.asgi_routes import AsgiFacts


def _facts(tandem: dict[str, Any] | None = None, *, on_asgi: bool = True, **versions: str) -> Facts:
    return facts(
        *([websocket("/ws/")] if on_asgi else []),
        tandem=tandem,
        application=AsgiFacts(has_websocket=on_asgi),
        versions=tuple((name, Version(version)) for name, version in versions.items()),
    )


def test_a_vulnerable_daphne_that_serves_is_a_warning() -> None:
    """The sentence names the version that is installed."""
    assert contents(daphne_is_safe(_facts({"ASGI": {"SERVER": "daphne"}}, daphne="4.2.1"))) == [
        (
            "tandem.W014",
            "daphne",
            "daphne 4.2.1 is installed, and Daphne before 4.2.2 has two known vulnerabilities "
            "(CVEs 44545 and 44546).",
            'Run pip install "daphne>=4.2.2".',
        )
    ]


def test_a_vulnerable_daphne_among_the_programs_is_a_warning() -> None:
    """It serves just the same when the user starts it."""
    programs = {"PROGRAMS": {"sockets": "daphne -b 127.0.0.1 config.asgi:application"}}

    assert ids(daphne_is_safe(_facts(programs, daphne="4.1"))) == ["tandem.W014"]


@pytest.mark.parametrize(
    ("tandem", "on_asgi", "versions"),
    [
        ({"ASGI": {"SERVER": "daphne"}}, True, {"daphne": "4.2.2"}),
        ({"ASGI": {"SERVER": "daphne"}}, True, {}),
        ({"ASGI": {"SERVER": "daphne"}}, False, {"daphne": "4.2.1"}),
        (None, True, {"daphne": "4.2.1"}),
    ],
    ids=["fixed", "not installed", "nothing on ASGI", "another server"],
)
def test_a_daphne_that_is_safe_or_does_not_serve_is_left_alone(tandem, on_asgi, versions) -> None:
    """Installed is not in use."""
    assert ids(daphne_is_safe(_facts(tandem, on_asgi=on_asgi, **versions))) == []


def test_a_gunicorn_that_leaks_on_its_asgi_worker_is_an_error() -> None:
    """The sentence names the setting that chose the worker."""
    programs = {"PROGRAMS": {"api": "gunicorn -k asgi config.asgi:application"}}

    assert contents(gunicorn_does_not_leak(_facts(programs, gunicorn="25.3.0"))) == [
        (
            "tandem.E007",
            "gunicorn",
            'TANDEM["PROGRAMS"]["api"] runs Gunicorn\'s ASGI worker, which leaks database '
            "connections in gunicorn 25.3.0 (its issue 3627, in 25.1 to 26.0).",
            'Run pip install "gunicorn>=26.1".',
        )
    ]


def test_the_asgi_server_is_such_a_worker_where_it_serves() -> None:
    """A project on WSGI alone starts no ASGI server."""
    chosen = {"ASGI": {"SERVER": "gunicorn"}}
    (message,) = gunicorn_does_not_leak(_facts(chosen, gunicorn="25.3"))

    assert message.msg == (
        'TANDEM["ASGI"]["SERVER"] runs Gunicorn\'s ASGI worker, which leaks database connections '
        "in gunicorn 25.3 (its issue 3627, in 25.1 to 26.0)."
    )
    assert contents(gunicorn_does_not_leak(_facts(chosen, on_asgi=False, gunicorn="25.3"))) == []


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

    assert message.msg.startswith('TANDEM["WSGI"]["ARGS"] runs Gunicorn\'s ASGI worker')


@pytest.mark.parametrize(
    ("gunicorn", "leaks"),
    [("25.0.3", False), ("25.1.0", True), ("26.0.9", True), ("26.1.0", False), ("27.0.1", False)],
)
def test_the_leak_is_in_25_1_to_26_0(gunicorn, leaks) -> None:
    """Both ends count."""
    known = _facts({"WSGI": {"ARGS": ["-k", "asgi"]}}, gunicorn=gunicorn)

    assert bool(ids(gunicorn_does_not_leak(known))) is leaks


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
    assert ids(gunicorn_does_not_leak(_facts(tandem, gunicorn="26.0"))) == []


def test_uvicorn_without_its_websocket_library_is_an_error() -> None:
    """Every handshake would be refused, or Uvicorn not start."""
    chosen = _facts({"ASGI": {"ARGS": ["--ws=websockets-sansio"]}})

    assert ids(uvicorn_speaks_websocket(_facts())) == ["tandem.E008"]
    assert contents(uvicorn_speaks_websocket(chosen)) == [
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
        (["--ws=none"], "websockets", "has --ws none"),
        (["--ws=wsproto"], "wsproto", None),
        (["--ws=auto"], "wsproto", None),
        (["--ws=config.sockets:Protocol"], None, None),
    ],
)
def test_the_library_is_the_one_that_the_arguments_choose(args, library, found) -> None:
    """A `--ws` of the user's own wins over ours."""
    known = facts(
        websocket("/ws/"),
        tandem={"ASGI": {"ARGS": args}},
        application=AsgiFacts(has_websocket=True),
        importable=frozenset({library} - {None}),
    )
    messages = uvicorn_speaks_websocket(known)

    assert [found in message.msg for message in messages] == ([True] if found else [])


def test_uvicorn_without_websockets_to_serve_is_left_alone() -> None:
    """And so is every other server."""
    assert ids(uvicorn_speaks_websocket(_facts(on_asgi=False))) == []
    assert ids(uvicorn_speaks_websocket(_facts({"ASGI": {"ALWAYS": True}}, on_asgi=False))) == []
    assert ids(uvicorn_speaks_websocket(_facts({"ASGI": {"SERVER": "hypercorn"}}))) == []


@pytest.mark.parametrize(
    "argv",
    [
        ["daphne", "config.asgi:application"],
        ["/venv/bin/daphne"],
        ["python", "-m", "daphne"],
        ["nice", "-n", "10", "daphne"],
    ],
)
def test_a_program_is_known_by_path_by_module_and_below_another(argv) -> None:
    """Each of these runs Daphne."""
    assert runs(argv, "daphne")


def test_a_program_is_not_known_by_a_part_of_its_name() -> None:
    """`daphne-exporter` is another."""
    assert not runs(["daphne-exporter", "--of=daphne.sock"], "daphne")


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        (["--ws", "none"], "none"),
        (["--ws=none"], "none"),
        (["-w", "none"], "none"),
        (["-wnone"], "none"),
        (["--ws=auto", "--ws", "none"], "none"),
        (["--ws-ping=none"], None),
        (["--ws"], ""),
        ([], None),
    ],
)
def test_the_last_of_an_option_is_its_value(argv, value) -> None:
    """However it is written."""
    assert option_value(argv, "--ws", "-w") == value


def test_a_package_that_the_handler_does_not_know_is_a_warning() -> None:
    """The sentence names the package, its version and the handler that serves."""
    found = facts(verdict("/a/", Stack.ASGI), unknown_packages=("asgiref 3.11.0",))

    assert contents(handler_knows_the_packages(found)) == [
        (
            "tandem.W015",
            "django_tandem.asgi",
            "Django's own ASGI handler serves: the code of asgiref 3.11.0 differs from the "
            "versions that django-tandem's handler was written for.",
            "Upgrade to the latest patch release, or accept Django's handler with "
            'TANDEM["ASGI"]["HANDLER"] = "django".',
        )
    ]


@pytest.mark.parametrize(
    ("stack", "tandem", "unknown"),
    [
        (Stack.ASGI, None, ()),
        (Stack.WSGI, None, ("asgiref 3.11.0",)),
        (Stack.ASGI, {"ASGI": {"HANDLER": "django"}}, ("asgiref 3.11.0",)),
    ],
    ids=["known", "nothing on ASGI", "chosen"],
)
def test_an_unknown_package_matters_only_to_our_handler(stack, tandem, unknown) -> None:
    """Where it serves nothing, or Django's was chosen, nothing is slower than expected."""
    found = facts(verdict("/a/", stack), tandem=tandem, unknown_packages=unknown)

    assert ids(handler_knows_the_packages(found)) == []
