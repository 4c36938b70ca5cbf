"""The TANDEM setting is read as a whole, or rejected with the path to the mistake."""

from pathlib import Path

import pytest

from django_tandem.errors import SettingError
from django_tandem.model import ConnectionAges, DrainMode, DrainRule, Include, Pin, Stack
from django_tandem.settings import read_settings, read_stop_s


def test_every_option_has_a_default() -> None:
    """A project without TANDEM is served."""
    settings = read_settings(None)

    assert settings.bind == ("127.0.0.1:8000",)
    assert settings.wsgi.server == "gunicorn"
    assert settings.wsgi.workers is None
    assert settings.edge.tls is None
    assert settings.drain_s == 30


def test_an_option_replaces_its_own_default_only() -> None:
    """A nested dict names only what differs."""
    settings = read_settings(
        {
            "BIND": ["0.0.0.0:80", "[::]:80"],
            "WSGI": {"WORKERS": 4},
            "ROUTES": [("/ws/", "asgi", {"STRIP": True}), ["api:feed", "wsgi"]],
            "PROGRAMS": {"celery": "celery -A config worker"},
        }
    )

    assert settings.bind == ("0.0.0.0:80", "[::]:80")
    assert (settings.wsgi.server, settings.wsgi.workers) == ("gunicorn", 4)
    assert settings.routes == (
        Pin(target="/ws/", stack=Stack.ASGI, strip=True),
        Pin(target="api:feed", stack=Stack.WSGI),
    )
    ((name, program),) = settings.programs
    assert (name, program.command) == ("celery", ("celery", "-A", "config", "worker"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"WSGI": {"WROKERS": 2}},
            'TANDEM["WSGI"]["WROKERS"] is not an option.\n  Did you mean "WORKERS"?',
        ),
        (
            {"EDGE": {"QQQ": 1}},
            'TANDEM["EDGE"]["QQQ"] is not an option.\n  The options are "SERVER_NAMES", "TLS", '
            '"REDIRECT", "ACME_ROOT", "MAX_BODY", "TRUSTED_PROXIES", "MEDIA", "TEMP_DIR", '
            '"ERROR_PAGES", "NGINX", "INCLUDE".',
        ),
        (
            {"WSGI": {"WORKERS": 0}},
            'TANDEM["WSGI"]["WORKERS"]: Expected an integer of at least 1, or "auto", got 0.',
        ),
        (
            {"WSGI": {"QUEUE": 1025}},
            'TANDEM["WSGI"]["QUEUE"]: Expected an integer from 1 to 1024, or "auto", got 1025.',
        ),
        (
            {"WSGI": {"MAX_REQUESTS": "auto"}},
            'TANDEM["WSGI"]["MAX_REQUESTS"]: Expected an integer of at least 0, got \'auto\'.',
        ),
        (
            {"CHANNELS": {"MAILBOX": 0}},
            'TANDEM["CHANNELS"]["MAILBOX"]: Expected an integer of at least 1, got 0.\n'
            "  Leave it out for 1000, or set how many messages a consumer may be behind.",
        ),
        (
            {"CHANNELS": {"SLOW_CLIENT": "kick"}},
            'TANDEM["CHANNELS"]["SLOW_CLIENT"]: Expected "close", "drop_oldest" or "latest", got '
            "'kick'.\n"
            '  "close" closes such a WebSocket with 1013; "drop_oldest" and "latest" keep it open.',
        ),
        (
            {"CHANNELS": {"SLOW_CLIENT": "lastest"}},
            'TANDEM["CHANNELS"]["SLOW_CLIENT"]: Expected "close", "drop_oldest" or "latest", got '
            "'lastest'.\n"
            '  Did you mean "latest"?',
        ),
        (
            {"CHANNELS": {"COMPRESSION": 1}},
            'TANDEM["CHANNELS"]["COMPRESSION"]: Expected True or False, or "auto", got 1.\n'
            "  Leave it out, and Uvicorn compresses unless each channel layer is our RedisLayer.",
        ),
        ({"DRAIN_S": True}, 'TANDEM["DRAIN_S"]: Expected an integer of at least 1, got True.'),
        ({"HANDOVER": 1}, 'TANDEM["HANDOVER"]: Expected True or False, got 1.'),
        (
            {"USER": "www data"},
            'TANDEM["USER"]: Expected a user such as "www", "www:www-data" or 1000, or None, '
            "got 'www data'.",
        ),
        (
            {"METRICS": 9001},
            'TANDEM["METRICS"]: Expected an address such as "127.0.0.1:8002", or None, got 9001.',
        ),
        ({"RUN_DIR": b"x"}, "TANDEM[\"RUN_DIR\"]: Expected a string or a path, got b'x'."),
        (
            {"SHARED_MASTER": "auto"},
            "TANDEM[\"SHARED_MASTER\"]: Expected True or False, got 'auto'.",
        ),
        ({"PRELOAD": 1}, 'TANDEM["PRELOAD"]: Expected True or False, or "auto", got 1.'),
        (
            {"RECYCLE": {"MEMORY": "0"}},
            'TANDEM["RECYCLE"]["MEMORY"]: Expected a size such as "400M", or None, got \'0\'.',
        ),
        (
            {"RECYCLE": {"AGE": "1w"}},
            'TANDEM["RECYCLE"]["AGE"]: Expected seconds, or a duration such as "90s", "30m", "12h" '
            "or \"1d\", or None, got '1w'.",
        ),
        (
            {"ASGI": {"MAX_STREAMS": 0}},
            'TANDEM["ASGI"]["MAX_STREAMS"]: Expected an integer of at least 1, or "auto", got 0.',
        ),
        (
            {"ASGI": {"MAX_AGE_S": "1w"}},
            'TANDEM["ASGI"]["MAX_AGE_S"]: Expected a duration, or a dict such as '
            '{"WEBSOCKETS": "12h", "STREAMS": "1h"}, or None, got \'1w\'.',
        ),
        (
            {"ASGI": {"MAX_AGE_S": {"SOCKETS": 1}}},
            'TANDEM["ASGI"]["MAX_AGE_S"]["SOCKETS"] is not an option.\n'
            '  Did you mean "WEBSOCKETS"?',
        ),
        (
            {"RECYCLE": {"REQUESTS": -1}},
            'TANDEM["RECYCLE"]["REQUESTS"]: Expected an integer of at least 0, got -1.',
        ),
        (
            {"BIND": []},
            'TANDEM["BIND"]: Expected a string, or a list of strings that is not empty, got [].',
        ),
        ({"BIND": ["a", 1]}, 'TANDEM["BIND"][1]: Expected a string, got 1.'),
        (
            {"CHANNEL_WORKERS": "lots"},
            'TANDEM["CHANNEL_WORKERS"]: Expected a list of strings, or "auto", got \'lots\'.',
        ),
        (
            {"EDGE": {"MAX_BODY": "50 MB"}},
            'TANDEM["EDGE"]["MAX_BODY"]: Expected a size such as "50M", got \'50 MB\'.',
        ),
        (
            {"EDGE": {"TLS": {"CERTIFICATE": "a.pem"}}},
            'TANDEM["EDGE"]["TLS"]["KEY"] is missing.\n'
            "  Set it to the PEM file of its private key.",
        ),
        (
            {"EDGE": {"SERVER_NAMES": ["a.example", "http://a.example"]}},
            'TANDEM["EDGE"]["SERVER_NAMES"][1]: Expected a host name such as "www.example.com", '
            "got 'http://a.example'.",
        ),
        (
            {"EDGE": {"TRUSTED_PROXIES": ["nonsense"]}},
            'TANDEM["EDGE"]["TRUSTED_PROXIES"][0]: Expected an address or a network such as '
            "\"10.0.0.0/8\", got 'nonsense'.",
        ),
        (
            {"EDGE": {"ERROR_PAGES": {404: "404.html"}}},
            'TANDEM["EDGE"]["ERROR_PAGES"]: 404 is not a status with which NGINX itself answers.\n'
            "  Those are 400, 413, 414, 502, 503, 504; Django's templates are for the statuses of "
            "its views.",
        ),
        (
            {"PROGRAMS": {"master-1": "x"}},
            'TANDEM["PROGRAMS"]["master-1"] has the name of one of tandem\'s own programs.\n'
            "  Choose another name.",
        ),
        (
            {"PROGRAMS": {"a b": ["x"]}},
            "TANDEM[\"PROGRAMS\"]: 'a b' is not a name for a program.\n"
            "  A name has letters, digits, dots, dashes and underscores.",
        ),
        (
            {"PROGRAMS": {"x": "echo 'a"}},
            'TANDEM["PROGRAMS"]["x"]: "echo \'a" has a quote or a backslash that is not closed.\n'
            "  Close it, or write the command as a list of arguments.",
        ),
        (
            {"PROGRAMS": {"x": " "}},
            'TANDEM["PROGRAMS"]["x"]: Expected a command and its arguments, got \' \'.',
        ),
        (
            {"PROGRAMS": {"x": 1}},
            'TANDEM["PROGRAMS"]["x"]: Expected a list of strings or paths, got 1.',
        ),
        (
            {"PROGRAMS": {"x": {}}},
            'TANDEM["PROGRAMS"]["x"]["COMMAND"] is missing.\n'
            "  Set it to the command line, which no shell reads.",
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "REPLICA": 2}}},
            'TANDEM["PROGRAMS"]["x"]["REPLICA"] is not an option.\n  Did you mean "REPLICAS"?',
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "STOP_SIGNAL": "STERN"}}},
            'TANDEM["PROGRAMS"]["x"]["STOP_SIGNAL"]: Expected a signal such as "TERM" or "INT", '
            "got 'STERN'.\n  Did you mean \"TERM\"?",
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "STOP_S": 0}}},
            'TANDEM["PROGRAMS"]["x"]["STOP_S"]: Expected an integer of at least 1, or None, got 0.',
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "NICE": -5}}},
            'TANDEM["PROGRAMS"]["x"]["NICE"]: Expected an integer from 0 to 19, got -5.',
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "ENV": {"A-B": "1"}}}},
            'TANDEM["PROGRAMS"]["x"]["ENV"]: \'A-B\' is not a name for an environment variable.'
            "\n  A name has letters, digits and underscores, and does not begin with a digit.",
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "ENV": {"A": 1}}}},
            'TANDEM["PROGRAMS"]["x"]["ENV"]["A"]: Expected a string or a path, got 1.',
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "REPLICAS": 2}, "x-2": "y"}},
            'TANDEM["PROGRAMS"]["x-2"] has the name of a replica of "x".\n  Choose another name.',
        ),
        (
            {"LOG_FORMAT": "jsno"},
            'TANDEM["LOG_FORMAT"]: Expected "text" or "json", got \'jsno\'.\n'
            '  Did you mean "json"?',
        ),
        (
            {"PRELOAD": "atuo"},
            'TANDEM["PRELOAD"]: Expected True or False, or "auto", got \'atuo\'.\n'
            '  Did you mean "auto"?',
        ),
        (
            {"PROGRAMS": {"x": {"COMMAND": "x", "STOP_SIGNAL": "SIGTREM"}}},
            'TANDEM["PROGRAMS"]["x"]["STOP_SIGNAL"]: Expected a signal such as "TERM" or "INT", '
            "got 'SIGTREM'.\n  Did you mean \"SIGTERM\"?",
        ),
        ({"STOP_S": 1}, 'TANDEM["STOP_S"]: Expected an integer of at least 2, got 1.'),
        (
            {"DRAIN": "slowly"},
            'TANDEM["DRAIN"]: Expected "spread", "wait", or a list of pairs such as '
            '[("/ws/calls/", "wait")], got \'slowly\'.',
        ),
        (
            {"DRAIN": [("/ws/", "waits")]},
            'TANDEM["DRAIN"][0][1]: Expected "spread" or "wait", got \'waits\'.\n'
            '  Did you mean "wait"?',
        ),
        (
            {"DRAIN": [("ws/", "wait")]},
            'TANDEM["DRAIN"][0]: Expected a path prefix, got "ws/".\n'
            '  A prefix begins with a slash, such as "/ws/calls/".',
        ),
        (
            {"ROUTES": ["/ws/"]},
            'TANDEM["ROUTES"][0]: Expected a pin such as ("/ws/", "asgi"), or '
            '("/ws/", "asgi", {"STRIP": True}), got \'/ws/\'.',
        ),
        (
            {"ROUTES": [("/ws/", "asig")]},
            'TANDEM["ROUTES"][0][1]: Expected "wsgi" or "asgi", got \'asig\'.\n'
            '  Did you mean "asgi"?',
        ),
        (
            {"ROUTES": [("/ws", "asgi", {"STRIP": True})]},
            "TANDEM[\"ROUTES\"][0]: STRIP needs a path prefix, got '/ws'.\n"
            '  A prefix begins and ends with a slash, such as "/ws/".',
        ),
        (
            {"ROUTES": [("/ws/", "wsgi", {"STRIP": True})]},
            "TANDEM[\"ROUTES\"][0]: STRIP works for ASGI only, and '/ws/' is pinned to WSGI.\n"
            "  Remove STRIP: WSGI serves the paths of the URLconf.",
        ),
        (
            [],
            'TANDEM: Expected a dict, got [].\n  Its keys: "BIND", "RUN_DIR", "ENV_FILE", "WSGI", '
            '"ASGI", "ROUTES", "URLCONFS", "CHANNELS", "CHANNEL_WORKERS", "PROGRAMS", "EDGE", '
            '"PEERS", "HANDOVER", "DRAIN_S", "DRAIN", "STOP_S", "STOP_DELAY_S", "LOG_FORMAT", '
            '"SHARED_MASTER", "PRELOAD", "HEALTH", "MIGRATIONS", "MONITOR", "METRICS", '
            '"SLOW_S", "SHIFT", "RECYCLE", "USER", "RELOAD_GROUP", "KUBERNETES".',
        ),
    ],
)
def test_an_error_begins_with_the_path_to_the_mistake(given: object, message: str) -> None:
    """The first sentence quotes the user's value, and the hint says what to do."""
    with pytest.raises(SettingError) as caught:
        read_settings(given)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(90, 90), ("90", 90), ("90s", 90), ("30m", 1800), ("12h", 43_200), ("1d", 86_400)],
)
def test_a_duration_is_read_in_seconds(given: object, seconds: int) -> None:
    """Or with the unit that a person would write."""
    assert read_settings({"RECYCLE": {"AGE": given}}).recycle.age == seconds


@pytest.mark.parametrize("given", [0, "0h", True, -1, "", "1.5h", "d"])
def test_no_other_duration_is_read(given: object) -> None:
    """A worker of no age would be replaced at once."""
    with pytest.raises(SettingError):
        read_settings({"RECYCLE": {"AGE": given}})


@pytest.mark.parametrize(
    ("given", "count"), [("900", 900), ("4k", 4096), ("400M", 400 * 1024**2), ("1g", 1024**3)]
)
def test_a_memory_bound_is_read_in_bytes(given: str, count: int) -> None:
    """In NGINX's units, as MAX_BODY is."""
    assert read_settings({"RECYCLE": {"MEMORY": given}}).recycle.memory == count


@pytest.mark.parametrize(
    ("given", "ages"),
    [
        (None, ConnectionAges()),
        (3600, ConnectionAges(websockets_s=3600, streams_s=3600)),
        ("1h", ConnectionAges(websockets_s=3600, streams_s=3600)),
        ({"STREAMS": "30m"}, ConnectionAges(streams_s=1800)),
        ({"WEBSOCKETS": "12h", "STREAMS": None}, ConnectionAges(websockets_s=43_200)),
    ],
)
def test_an_age_is_one_for_both_kinds_or_one_for_each(given: object, ages: ConnectionAges) -> None:
    """A kind that is left out has no bound."""
    assert read_settings({"ASGI": {"MAX_AGE_S": given}}).asgi.max_age_s == ages


def test_every_path_may_be_a_pathlib_path() -> None:
    """As in the rest of a settings module, where BASE_DIR is one."""
    base = Path("/srv/site")
    settings = read_settings(
        {
            "RUN_DIR": base / "run",
            "WSGI": {"ARGS": ["--config", base / "gunicorn.conf.py"]},
            "PROGRAMS": {"beat": [base / "beat.sh", "-v"]},
            "EDGE": {
                "NGINX": base / "nginx",
                "INCLUDE": base / "edge.conf",
                "TLS": {"CERTIFICATE": base / "chain.pem", "KEY": base / "key.pem"},
            },
        }
    )

    assert settings.run_dir == "/srv/site/run"
    assert settings.wsgi.args == ("--config", "/srv/site/gunicorn.conf.py")
    ((_, program),) = settings.programs
    assert program.command == ("/srv/site/beat.sh", "-v")
    assert (settings.edge.nginx, settings.edge.include) == (
        "/srv/site/nginx",
        Include(server="/srv/site/edge.conf"),
    )
    assert settings.edge.tls is not None
    assert (settings.edge.tls.certificate, settings.edge.tls.key) == (
        "/srv/site/chain.pem",
        "/srv/site/key.pem",
    )


def test_a_program_may_be_a_dict() -> None:
    """Each key beside its command has a default."""
    given = {
        "COMMAND": "celery worker",
        "STOP_S": 60,
        "STOP_SIGNAL": "SIGINT",
        "NICE": 5,
        "ENV": {"QUEUE": "mail", "HOME": Path("/srv")},
        "REPLICAS": 2,
    }

    ((_, program),) = read_settings({"PROGRAMS": {"tasks": given}}).programs

    assert program.command == ("celery", "worker")
    assert (program.stop_s, program.stop_signal) == (60, "INT")
    assert (program.nice, program.replicas) == (5, 2)
    assert program.env == (("QUEUE", "mail"), ("HOME", "/srv"))


def test_a_drain_is_one_mode_or_one_for_each_prefix() -> None:
    """A mode alone is that of every path."""
    calls = DrainRule(prefix="/ws/calls/", mode=DrainMode.WAIT)

    assert read_settings({"DRAIN": [("/ws/calls/", "wait")]}).drain == (calls,)
    assert read_settings({"DRAIN": "wait"}).drain == (DrainRule(prefix="/", mode=DrainMode.WAIT),)


@pytest.mark.parametrize(("text", "stop_s"), [("28", 28), ("", None), (None, None)])
def test_the_environment_may_name_the_length_of_a_stop(text, stop_s) -> None:
    """An orchestrator knows it better than the project."""
    environ = {} if text is None else {"TANDEM_STOP_S": text}

    assert read_stop_s(environ) == stop_s


@pytest.mark.parametrize("text", ["1", "soon", "8.5"])
def test_a_wrong_length_of_a_stop_in_the_environment_is_an_error(text) -> None:
    """It names the variable."""
    with pytest.raises(SettingError) as caught:
        read_stop_s({"TANDEM_STOP_S": text})

    given = text if text.isdecimal() else f"'{text}'"
    assert str(caught.value) == f"TANDEM_STOP_S: Expected an integer of at least 2, got {given}."
