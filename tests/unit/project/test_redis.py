"""The embedded Redis is offered to channel layers, and to nothing that may not understand it."""

import socket
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import AppRegistryNotReady
from django.test import override_settings

from django_tandem.errors import ProjectError
from django_tandem.project import redis
from django_tandem.project.location import Location
from django_tandem.project.redis import Trial, _accepts, decide_offer, read_address, redis_hosts

URL = "unix:///srv/project/.tandem/valkey.sock"
LOCATION = Location(directory=Path("/srv/project"), settings_module="mysite.settings")
LOCMEM = {"default": "django.core.cache.backends.locmem.LocMemCache"}
REDIS = {"default": "django.core.cache.backends.redis.RedisCache"}
SERVES = "REDIS_URL is not set, so `tandem up` starts a Valkey for CHANNEL_LAYERS."


def _trial(*takers: str, **changes) -> Trial:
    return Trial(**{"takers": list(takers), "caches": LOCMEM, "reaches_redis": False, **changes})


def _required(**changes) -> Trial:
    return _trial(error="'REDIS_URL'", **changes)


@pytest.mark.parametrize(
    ("without", "given"),
    [
        (_trial(), _trial("CHANNEL_LAYERS")),
        (_trial(), _trial("CHANNEL_LAYERS", "REDIS_URL")),
        (_required(), _trial("CHANNEL_LAYERS")),
        (_required(), _trial("CACHES", "CHANNEL_LAYERS", caches=REDIS)),
        (_trial(caches=REDIS), _trial("CACHES", "CHANNEL_LAYERS", caches=REDIS)),
    ],
)
def test_a_channel_layer_takes_it(without, given) -> None:
    """Also beside a cache that uses Redis in any case; the note names the setting."""
    found = decide_offer(LOCATION, URL, without, given)

    assert (found.url, found.note) == (URL, SERVES)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (_trial("CACHES", caches=REDIS), "CACHES"),
        (_trial("CACHES", "CHANNEL_LAYERS", caches=REDIS), "CACHES"),
        (_trial("CELERY_BROKER_URL", "CHANNEL_LAYERS"), "CELERY_BROKER_URL"),
        (_trial("RQ_QUEUES", "CELERY_BROKER_URL"), "CELERY_BROKER_URL, RQ_QUEUES"),
    ],
)
def test_it_switches_on_no_cache_and_no_queue(given, names) -> None:
    """The settings keep their defaults, and a note names what would have taken it."""
    found = decide_offer(LOCATION, URL, _trial(), given)

    assert found.url is None
    assert found.note == (
        "REDIS_URL is not set, and `tandem up` starts no Valkey: its own serves only "
        f"CHANNEL_LAYERS, and {names} would use it."
    )


def test_settings_that_need_redis_for_something_else_are_an_error() -> None:
    """Before anything is started."""
    with pytest.raises(ProjectError) as caught:
        decide_offer(LOCATION, URL, _required(), _trial("CELERY_BROKER_URL"))

    assert str(caught.value) == (
        'REDIS_URL is not set, and "mysite.settings" needs it.\n'
        "  Set it to the URL of a Redis server. The Valkey of `tandem up` serves only "
        "CHANNEL_LAYERS, and CELERY_BROKER_URL would use it."
    )


@pytest.mark.parametrize(
    ("without", "given"),
    [
        (_trial(reaches_redis=True), _trial("CHANNEL_LAYERS")),
        (_trial(), _trial()),
        (_trial(), _trial(error="no such module")),
    ],
)
def test_otherwise_nothing_changes(without, given) -> None:
    """A Redis of the project's default address runs, nothing takes the URL, or imports fail."""
    found = decide_offer(LOCATION, URL, without, given)

    assert (found.url, found.note) == (None, "")


@pytest.mark.parametrize("form", ["url", "pair", "mapping", "unix"])
def test_a_running_redis_is_found_at_each_form_of_host(form, tmp_path) -> None:
    """As channels_redis accepts them."""
    unix = tmp_path / "redis.sock"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local:
        port = tcp.getsockname()[1]
        local.bind(str(unix))
        local.listen()
        host = {
            "url": f"redis://:secret@127.0.0.1:{port}/1",
            "pair": ("127.0.0.1", port),
            "mapping": {"address": f"redis://127.0.0.1:{port}", "socket_timeout": None},
            "unix": f"unix://{unix}",
        }[form]

        assert _accepts(host)
    assert not _accepts(host)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("redis://:secret@10.0.0.5:6380/1", "10.0.0.5:6380"),
        ("rediss://cache.example", "cache.example:6379"),
        ("valkey://[::1]:7000", "[::1]:7000"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock"),
        (("localhost", 6379), "localhost:6379"),
        (["localhost", "6379"], "localhost:6379"),
        ({"address": "redis://10.0.0.5", "socket_timeout": None}, "10.0.0.5:6379"),
        ({"address": ("10.0.0.5", 1)}, "10.0.0.5:1"),
        ({"host": "10.0.0.5"}, "10.0.0.5:6379"),
    ],
)
def test_an_address_is_shown_without_its_password(given, shown) -> None:
    """As an administrator would write it."""
    assert str(read_address(given)) == shown


@pytest.mark.parametrize(
    "given",
    [None, 7, "", "10.0.0.5:6379", "redis://a:port", ("a",), {"sentinels": [], "master_name": "m"}],
)
def test_what_is_no_known_address_is_none(given) -> None:
    """Sentinel names the server at run time."""
    assert read_address(given) is None


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, ()),
        ({"CHANNEL_LAYERS": {"default": {"CONFIG": {"hosts": ["redis://layer/1"]}}}}, ("layer",)),
        (
            {
                "CACHES": {
                    "default": {"BACKEND": REDIS["default"], "LOCATION": "redis://a,redis://b"}
                }
            },
            ("a", "b"),
        ),
        ({"CELERY_BROKER_URL": "redis://broker:6379/0", "LOGIN_URL": "https://x/"}, ("broker",)),
        ({"RQ_QUEUES": {"a": {"HOST": "queue"}, "b": {"URL": "redis://queue/2"}}}, ("queue",)),
        ({"CELERY_BROKER_URL": "unix:///run/valkey.sock"}, ("",)),
    ],
)
def test_the_hosts_are_those_of_layers_caches_and_brokers(settings, hosts) -> None:
    """Each once, and empty for a Unix socket."""
    with override_settings(**settings):
        assert redis_hosts() == hosts


def test_a_settings_object_that_calls_nothing_overridden_is_read(monkeypatch) -> None:
    """As Dynaconf's does, which takes the place of Django's."""

    class Settings(LazySettings):
        def is_overridden(self, _: str) -> bool:
            return False

    settings = Settings()
    caches = {"default": {"BACKEND": REDIS["default"], "LOCATION": "redis://cache"}}
    settings.configure(CELERY_BROKER_URL="redis://broker/0", CACHES=caches)
    monkeypatch.setattr(redis, "django_settings", settings)

    assert redis_hosts() == ("cache", "broker")
    assert {name for name, _ in redis._own_settings()} >= {"CACHES", "CELERY_BROKER_URL"}


def test_settings_with_lazy_translations_take_it(monkeypatch) -> None:
    """Before the applications are loaded, Django raises for the text of one."""

    class Untranslated:
        def __repr__(self) -> str:
            raise AppRegistryNotReady

    layers = {"default": {"BACKEND": "", "CONFIG": {"hosts": [URL]}, "NAME": Untranslated()}}
    settings = LazySettings()
    settings.configure(CHANNEL_LAYERS=layers, LANGUAGES=[("en", Untranslated())])
    monkeypatch.setattr(redis, "django_settings", settings)
    monkeypatch.setattr(redis, "load_settings", lambda _: None)

    found = redis._imported(LOCATION, URL)

    assert (found["takers"], found["error"]) == (["CHANNEL_LAYERS"], "")
