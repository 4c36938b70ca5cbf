"""The TANDEM setting is read whole, or refused with the path to the mistake."""

import pytest

from django_tandem.errors import SettingError
from django_tandem.model import Pin, Stack
from django_tandem.settings import read_settings


def test_an_absent_setting_serves() -> None:
    """Every option has a default."""
    settings = read_settings(None)

    assert settings.bind == ("127.0.0.1:8000",)
    assert settings.wsgi.server == "gunicorn"
    assert settings.wsgi.workers is None
    assert settings.edge.tls is None
    assert settings.drain_s == 30


def test_what_is_given_replaces_the_default_and_nothing_else() -> None:
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
    assert settings.programs == (("celery", ("celery", "-A", "config", "worker")),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"WSGI": {"WROKERS": 2}},
            'TANDEM["WSGI"]["WROKERS"] is not an option.\n  Did you mean "WORKERS"?',
        ),
        (
            {"EDGE": {"QQQ": 1}},
            'TANDEM["EDGE"]["QQQ"] is not an option.\n  It takes "SERVER_NAMES", "TLS", '
            '"MAX_BODY", "TRUSTED_PROXIES", "MEDIA", "NGINX", "INCLUDE".',
        ),
        (
            {"WSGI": {"WORKERS": 0}},
            'TANDEM["WSGI"]["WORKERS"] is 0.\n  It takes a whole number from 1 on, or "auto".',
        ),
        (
            {"WSGI": {"QUEUE": 1025}},
            'TANDEM["WSGI"]["QUEUE"] is 1025.\n'
            '  It takes a whole number from 1 to 1024, or "auto".',
        ),
        (
            {"WSGI": {"MAX_REQUESTS": "auto"}},
            'TANDEM["WSGI"]["MAX_REQUESTS"] is \'auto\'.\n  It takes a whole number from 0 on.',
        ),
        (
            {"WSGI": {"NICE": -5}},
            'TANDEM["WSGI"]["NICE"] is -5.\n  It takes a whole number from 0 to 19, or "auto".',
        ),
        ({"DRAIN_S": True}, 'TANDEM["DRAIN_S"] is True.\n  It takes a whole number from 1 on.'),
        (
            {"EDGE": {"MAX_BODY": "50 MB"}},
            'TANDEM["EDGE"]["MAX_BODY"] is \'50 MB\'.\n  It takes a size such as "50M".',
        ),
        (
            {"EDGE": {"TLS": {"CERTIFICATE": "a.pem"}}},
            'TANDEM["EDGE"]["TLS"]["KEY"] is missing.\n  It takes the PEM file of its private key.',
        ),
        (
            {"EDGE": {"SERVER_NAMES": ["a.example", "http://a.example"]}},
            'TANDEM["EDGE"]["SERVER_NAMES"][1] is \'http://a.example\'.\n'
            '  It takes a host name such as "www.example.com".',
        ),
        (
            {"EDGE": {"TRUSTED_PROXIES": ["nonsense"]}},
            'TANDEM["EDGE"]["TRUSTED_PROXIES"][0] is \'nonsense\'.\n'
            '  It takes an address or a network such as "10.0.0.0/8".',
        ),
        (
            {"PROGRAMS": {"wsgi-1": "x"}},
            'TANDEM["PROGRAMS"]["wsgi-1"] has the name of a program that tandem runs itself.\n'
            "  Give it another name.",
        ),
        (
            {"ROUTES": [("/ws/", "asig")]},
            'TANDEM["ROUTES"][0][1] is \'asig\'.\n  It takes "wsgi" or "asgi".',
        ),
        (
            {"ROUTES": [("/ws", "asgi", {"STRIP": True})]},
            "TANDEM[\"ROUTES\"][0] strips '/ws', which is not a prefix.\n  Only a prefix "
            'that begins and ends with a slash, such as "/ws/", can be.',
        ),
        (
            {"PROGRAMS": {"a b": ["x"]}},
            "A name in TANDEM[\"PROGRAMS\"] is 'a b'.\n  It takes letters, digits, dots, dashes "
            "and underscores.",
        ),
        (
            [],
            'TANDEM is [].\n  It takes a dict with keys among "BIND", "RUN_DIR", "WSGI", '
            '"ASGI", "ROUTES", "CHANNEL_WORKERS", "PROGRAMS", "EDGE", "HANDOVER", "DRAIN_S".',
        ),
    ],
)
def test_a_mistake_is_told_with_its_path_and_a_way_out(given: object, message: str) -> None:
    """The first sentence names the user's own value, the second says what to do."""
    with pytest.raises(SettingError) as caught:
        read_settings(given)

    assert str(caught.value) == message
