"""The checks find the faults of real projects."""

import sys
from importlib.metadata import version
from importlib.util import LazyLoader, module_from_spec, spec_from_file_location
from types import ModuleType

import pytest
from checks.managing import ASYNC_URLS, found, in_memory, installed, manage
from packaging.version import Version

from django_tandem.checks.findings import importers
from harness.projects import CHANNELS_ASGI, CHANNELS_URLS, with_channels

pytestmark = pytest.mark.processes

# That the embedded server's address is not offered makes what is found certain.
REDIS_URL = {"REDIS_URL": "redis://127.0.0.1:1"}
NO_DEBUG = "DEBUG, ALLOWED_HOSTS = False, ['www.example.com']"


def test_a_fresh_project_has_nothing_wrong(tmp_path) -> None:
    """As `django-admin startproject` makes it."""
    done = manage(installed(tmp_path), "check")

    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    )


def test_a_mistake_in_the_setting_is_found(tmp_path) -> None:
    """It is a message of the framework, with its hint."""
    done = manage(installed(tmp_path, 'TANDEM = {"BNID": ":80"}'), "check")

    assert done.returncode == 1
    assert (
        'TANDEM: (tandem.E001) TANDEM["BNID"] is not an option.\n\tHINT: Did you mean "BIND"?\n'
    ) in done.stderr


@pytest.mark.parametrize(
    ("tandem", "message"),
    [
        ({"ROUTES": [("no:such", "asgi")]}, '"no:such" is not a URL name, a namespace or a view'),
        ({"ASGI": {"SERVER": "uvcorn"}}, 'TANDEM["ASGI"]["SERVER"] is "uvcorn"'),
        ({"BIND": "here"}, '"here" is not an address to bind'),
    ],
)
def test_a_setting_that_can_not_be_carried_out_is_found(tandem, message, tmp_path) -> None:
    """Each of these has the right type, and no plan."""
    done = manage(installed(tmp_path, f"TANDEM = {tandem!r}"), "check")

    assert found(done) == ["tandem.E001"]
    assert message in done.stderr


@pytest.mark.parametrize(("debug", "ids"), [(False, ["tandem.W020"]), (True, [])])
def test_hosts_that_django_rejects_are_found(tmp_path, debug, ids) -> None:
    """`startproject` writes an empty list, with which DEBUG alone allows local hosts."""
    project = installed(tmp_path, f"DEBUG, STATIC_ROOT = {debug}, 'static'\n")
    (project / "static").mkdir()
    (project / "static" / "collected.css").touch()

    assert found(manage(project, "check")) == ids


def test_an_application_that_raises_is_found_with_its_place(tmp_path) -> None:
    """No traceback, and the other checks go on."""
    project = installed(tmp_path, NO_DEBUG)
    asgi = project / "mysite" / "asgi.py"
    asgi.write_text("\nimport no_such_package\n")
    done = manage(project, "check")

    assert found(done) == ["tandem.E002", "tandem.W003"]
    assert (
        "mysite.asgi.application: (tandem.E002) The ASGI application "
        '"mysite.asgi.application" can\'t be imported: '
        "ModuleNotFoundError: No module named 'no_such_package'\n"
        f"\tHINT: Raised at {asgi}, line 2. "
        "`python manage.py shell -c 'import mysite.asgi'` shows the whole traceback.\n"
    ) in done.stderr


def test_a_layer_in_memory_is_found(tmp_path) -> None:
    """As an error with its own REDIS_URL; without one `tandem up` may replace it."""
    project = in_memory(tmp_path)

    assert found(manage(project, "check", **REDIS_URL)) == ["tandem.E003"]
    assert found(manage(project, "check")) == ["tandem.W001"]


def test_an_open_websocket_and_a_sender_without_a_layer_are_found(tmp_path) -> None:
    """The module that sends is named."""
    project = installed(tmp_path, urls=CHANNELS_URLS)
    guarded = CHANNELS_ASGI.replace("AllowedHostsOriginValidator(", "(")
    (project / "mysite" / "asgi.py").write_text(guarded)
    done = manage(project, "check")

    assert found(done) == ["tandem.W002", "tandem.W005"]
    assert "get_channel_layer() is None in mysite.urls." in done.stderr


def test_a_channels_worker_without_a_layer_is_found(tmp_path) -> None:
    """The names come from the ChannelNameRouter."""
    project = installed(tmp_path)
    asgi = project / "mysite" / "asgi.py"
    asgi.write_text(
        "from channels.consumer import AsyncConsumer\n"
        "from channels.routing import ChannelNameRouter, ProtocolTypeRouter\n"
        "from django_tandem.asgi import get_asgi_application\n"
        'names = ChannelNameRouter({"mail": AsyncConsumer.as_asgi()})\n'
        'application = ProtocolTypeRouter({"http": get_asgi_application(), "channel": names})\n'
    )

    assert found(manage(project, "check")) == ["tandem.E004"]


DATABASE = """
DATABASES["default"]["ATOMIC_REQUESTS"] = True
DATABASES["default"]["CONN_MAX_AGE"] = None
"""


ROUTER = """
from channels.routing import ProtocolTypeRouter
from channels.sessions import CookieMiddleware
from django.core.asgi import get_asgi_application

application = ProtocolTypeRouter({{"http": {}}})
"""


def test_transactions_and_kept_connections_of_async_views_are_found(tmp_path) -> None:
    """One view is exempted from the transaction."""
    project = installed(tmp_path, DATABASE, ASYNC_URLS)
    assert found(manage(project, "check")) == ["tandem.W018"]

    asgi = project / "mysite" / "asgi.py"
    asgi.write_text(ROUTER.format("get_asgi_application()"))
    assert found(manage(project, "check")) == ["tandem.W018"]

    asgi.write_text(ROUTER.format("CookieMiddleware(get_asgi_application())"))
    done = manage(project, "check")

    assert found(done) == ["tandem.W006", "tandem.W009", "tandem.W018"]
    assert "mysite.asgi: (tandem.W009) mysite.asgi makes Django's own" in done.stderr
    assert "Django answers 500 at /waits/.\n" in done.stderr
    assert 'DATABASES["default"]["CONN_MAX_AGE"] is None' in done.stderr


def test_django_does_answer_500_at_those_views(tmp_path) -> None:
    """And 200 at the exempted view."""
    project = installed(tmp_path, f"{DATABASE}ALLOWED_HOSTS = ['*']\n", ASYNC_URLS)
    ask = (
        "from django.test import Client; client = Client(raise_request_exception=False); "
        "print([client.get(path).status_code for path in ('/waits/', '/exempt/')])"
    )

    assert manage(project, "shell", "-c", ask).stdout.splitlines()[-1] == "[500, 200]"


def test_static_files_are_found_until_they_are_collected(tmp_path) -> None:
    """The admin has static files."""
    project = installed(tmp_path, f'{NO_DEBUG}\nSTATIC_ROOT = BASE_DIR / "collected"\n')
    before = manage(project, "check")
    manage(project, "collectstatic", "--noinput")

    assert found(before) == ["tandem.W004"]
    assert f'STATIC_ROOT is "{tmp_path}/collected", which holds no files' in before.stderr
    assert manage(project, "check").stdout.startswith("System check identified no issues")


@pytest.mark.parametrize(
    "settings",
    [
        "DEBUG = True",
        'STATIC_URL = "https://cdn.example/static/"',
        "WHITENOISE_USE_FINDERS = True",
        'INSTALLED_APPS.remove("django.contrib.staticfiles")',
        'INSTALLED_APPS.remove("django.contrib.admin")',
    ],
    ids=["debug", "served elsewhere", "WhiteNoise", "no staticfiles", "no static file"],
)
def test_static_files_that_the_edge_need_not_serve_are_left_alone(settings, tmp_path) -> None:
    """There is no STATIC_ROOT in any of these."""
    project = installed(tmp_path, f"{NO_DEBUG}\n{settings}\n", "urlpatterns = []\n")
    done = manage(project, "check", "--tag", "tandem")

    assert (done.returncode, found(done)) == (0, [])


# redis-py gives up by default from version 8 on.
BY_DEFAULT = ["tandem.W007"] if Version(version("redis")) >= Version("8") else []


@pytest.mark.parametrize(
    ("host", "wrong"),
    [
        ('os.environ["REDIS_URL"]', BY_DEFAULT),
        ('("127.0.0.1", 6379)', BY_DEFAULT),
        ('{"address": os.environ["REDIS_URL"], "socket_timeout": 5}', ["tandem.W007"]),
        ('{"address": os.environ["REDIS_URL"], "socket_timeout": None}', []),
        ('{"address": os.environ["REDIS_URL"], "socket_timeout": 60}', []),
        ('os.environ["REDIS_URL"] + "?socket_timeout=60"', []),
        ('"no address"', []),
    ],
)
def test_a_layer_whose_client_times_out_is_found(host, wrong, tmp_path) -> None:
    """By the client that the layer would make with the installed redis-py."""
    settings = with_channels(tmp_path) / "mysite" / "settings.py"
    text = settings.read_text().replace('[os.environ["REDIS_URL"]]', f"[{host}]")
    settings.write_text(f'{text}INSTALLED_APPS += ["django_tandem"]\n')

    assert found(manage(tmp_path, "check", **REDIS_URL)) == wrong


@pytest.mark.parametrize("backend", ["pubsub.RedisPubSubChannelLayer", "no_such.Layer"])
def test_a_layer_that_does_not_wait_in_redis_is_left_alone(backend, tmp_path) -> None:
    """Channels itself reports one that can't be imported."""
    settings = with_channels(tmp_path) / "mysite" / "settings.py"
    text = settings.read_text().replace("core.RedisChannelLayer", backend)
    settings.write_text(f'{text}INSTALLED_APPS += ["django_tandem"]\n')

    assert found(manage(tmp_path, "check", **REDIS_URL)) == []


def test_entry_points_that_name_different_settings_are_found(tmp_path) -> None:
    """Neither is run, nor are the settings that only one of them names."""
    project = installed(tmp_path)
    asgi = project / "mysite" / "asgi.py"
    asgi.write_text(asgi.read_text().replace("mysite.settings", "mysite.live"))
    done = manage(project, "check")

    assert found(done) == ["tandem.W008"]
    assert (
        'mysite/wsgi.py names "mysite.settings", mysite/asgi.py names "mysite.live".'
    ) in done.stderr


SENDING_URLS = """
from django.http import HttpResponse
from django.urls import path
from django_eventstream.eventstream import send_event


def buy(request):
    send_event("sales", "message", {})
    return HttpResponse("bought")


urlpatterns = [path("buy/", buy)]
"""


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ("", ["tandem.E010"]),
        ('EVENTSTREAM_REDIS = {"host": "127.0.0.1"}', []),
        ('GRIP_URL = "http://127.0.0.1:5561"', []),
        ('GRIP_URL = os.environ.get("GRIP_URL")', ["tandem.E010"]),
    ],
)
def test_events_that_stay_in_their_process_are_found(settings, wrong, tmp_path) -> None:
    """A package of the same name stands in for django-eventstream."""
    apps = 'import os\nINSTALLED_APPS += ["django_eventstream"]\n'
    project = installed(tmp_path, f"{apps}{settings}\n", SENDING_URLS)
    package = project / "django_eventstream"
    package.mkdir()
    (package / "__init__.py").write_text("from django_eventstream.eventstream import send_event\n")
    (package / "eventstream.py").write_text("def send_event(channel, kind, data): ...\n")
    done = manage(project, "check")

    assert found(done) == wrong
    assert ("send_event() of mysite.urls reaches only" in done.stderr) is bool(wrong)


MEDIA_URLS = """
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.static import serve

from django.conf import settings
from django.http import HttpResponse

open_to_all = path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT})
guarded = path("media/<path:path>", login_required(serve), {"document_root": settings.MEDIA_ROOT})
beside = path("mediation/", lambda request: HttpResponse("no file"))
"""

EDGE = 'MEDIA_URL = "/media/"\nMEDIA_ROOT = BASE_DIR / "media"\nTANDEM = {"EDGE": {"MEDIA": %s}}\n'


@pytest.mark.parametrize(
    ("routes", "by_the_edge", "wrong"),
    [
        ("guarded", True, ["tandem.E011"]),
        ("guarded", False, []),
        ("open_to_all", True, []),
        ("beside", True, []),
    ],
)
def test_media_that_a_view_guards_is_found(routes, by_the_edge, wrong, tmp_path) -> None:
    """Django's own view alone guards nothing; a wrapper does."""
    urls = f"{MEDIA_URLS}urlpatterns = [{routes}]\n"
    done = manage(installed(tmp_path, EDGE % by_the_edge, urls), "check")

    assert found(done) == wrong
    assert ("/media/<path:path> (django.views.static.serve)" in done.stderr) is bool(wrong)


CACHING_URLS = """
from django.core.cache import cache
from django.http import HttpResponse
from django.urls import path


def counted(request):
    return HttpResponse(cache.get("count", 0))


urlpatterns = [path("", counted)]
"""
REDIS_CACHE = (
    'CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", '
    '"LOCATION": "redis://127.0.0.1:1"}}'
)
SESSIONS = "django.contrib.sessions.backends"
IN_MEMORY_SQLITE = 'DATABASES["default"]["NAME"] = ":memory:"'


@pytest.mark.parametrize(
    ("settings", "urls", "message"),
    [
        ("", CACHING_URLS, "most requests don't find what another stored (mysite.urls)."),
        (f'SESSION_ENGINE = "{SESSIONS}.cache"', "", "sessions get lost."),
        (f'SESSION_ENGINE = "{SESSIONS}.cached_db"', "", "sessions become stale."),
        (
            'REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": ["a.Throttle"]}',
            "",
            "each process counts throttled requests separately.",
        ),
        (f'{REDIS_CACHE}\nSESSION_ENGINE = "{SESSIONS}.cache"', CACHING_URLS, None),
    ],
)
def test_a_cache_of_one_process_is_found_where_it_must_be_shared(
    settings, urls, message, tmp_path
) -> None:
    """By who uses it: sessions, throttles, or the project's own modules."""
    done = manage(installed(tmp_path, f"{settings}\n", urls), "check")

    assert found(done) == (["tandem.W011"] if message else [])
    assert (f" of them serve the project: {message}\n" in done.stderr) is bool(message)


TOOLBAR = 'DEBUG = True\nINSTALLED_APPS += ["debug_toolbar"]\n'
DATABASE_STORE = (
    'DEBUG_TOOLBAR_CONFIG = {"TOOLBAR_STORE_CLASS": "debug_toolbar.store.DatabaseStore"}'
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TOOLBAR, "DEBUG_TOOLBAR_CONFIG: (tandem.W012) The store of django-debug-toolbar is kept"),
        (TOOLBAR + DATABASE_STORE, None),
        (IN_MEMORY_SQLITE, 'DATABASES: (tandem.W012) The SQLite database "default" is kept'),
        (
            'INSTALLED_APPS += ["django_prometheus"]\nTANDEM = {"MONITOR": False}',
            "INSTALLED_APPS: (tandem.W012) The registry of django-prometheus is kept",
        ),
        ('INSTALLED_APPS += ["django_prometheus"]', None),
    ],
    ids=["toolbar", "toolbar in the database", "sqlite", "prometheus", "prometheus monitored"],
)
def test_another_store_of_one_process_is_found(settings, message, tmp_path) -> None:
    """Packages of the same names stand in for the real ones."""
    project = installed(tmp_path, f"{settings}\n", "urlpatterns = []\n")
    for package in ("debug_toolbar", "django_prometheus"):
        (project / package).mkdir()
        (project / package / "__init__.py").touch()
    (project / "debug_toolbar" / "store.py").touch()
    done = manage(project, "check")

    assert found(done) == (["tandem.W012"] if message else [])
    assert (message or "no issues") in done.stdout + done.stderr


PROXIED = """
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
"""


def test_https_from_a_proxy_that_is_not_trusted_is_found(tmp_path) -> None:
    """Until the edge trusts it; visitors would be redirected forever."""
    project = installed(tmp_path, PROXIED)
    before = manage(project, "check")
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write('TANDEM = {"EDGE": {"TRUSTED_PROXIES": ["127.0.0.1"]}}\n')

    assert found(before) == ["tandem.W013"]
    assert 'SECURE_PROXY_SSL_HEADER reads "X-Forwarded-Proto"' in before.stderr
    assert "SECURE_SSL_REDIRECT redirects forever.\n" in before.stderr
    assert found(manage(project, "check")) == []


CHAT_ASGI = """
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path


class Chat(AsyncWebsocketConsumer):
    groups = ["all"]

    async def receive(self, text_data=None, bytes_data=None):
        await get_channel_layer().group_send("all", {"type": "say", "text": text_data})

    async def say(self, event):
        await self.send(event["text"])


sockets = URLRouter([path("ws/", Chat.as_asgi())])
application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": AllowedHostsOriginValidator(sockets)}
)
"""


def test_a_layer_in_memory_that_only_consumers_use_is_a_warning(tmp_path) -> None:
    """And the plan has one ASGI process, so that each message reaches all sockets."""
    project = in_memory(tmp_path)
    (project / "mysite" / "asgi.py").write_text(CHAT_ASGI)
    (project / "mysite" / "urls.py").write_text("urlpatterns = []\n")
    done = manage(project, "check", **REDIS_URL)

    assert found(done) == ["tandem.W010"]
    assert "so `tandem up` starts only one ASGI process.\n" in done.stderr


def test_a_module_that_is_loaded_lazily_stays_unloaded(tmp_path, monkeypatch) -> None:
    """The search for importers of a name runs the code of no module."""
    (tmp_path / "lazy.py").write_text("raise RuntimeError")
    spec = spec_from_file_location("lazy", tmp_path / "lazy.py")
    spec.loader = LazyLoader(spec.loader)
    lazy = module_from_spec(spec)
    spec.loader.exec_module(lazy)
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    own, home = ModuleType("own"), ModuleType("home")
    own.wanted = home.wanted = object()
    monkeypatch.setitem(sys.modules, "own", own)
    monkeypatch.setitem(sys.modules, "home", home)

    assert list(importers("wanted", "home")) == ["own"]
