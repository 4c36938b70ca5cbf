"""What is wrong with a real project is found in it."""

import pytest

from checks.managing import ASYNC_URLS, found, in_memory, installed, manage
from stack.projects import CHANNELS_ASGI, CHANNELS_URLS

# That the embedded server's address is not offered makes what is found certain.
REDIS_URL = {"REDIS_URL": "redis://127.0.0.1:1"}


def test_a_fresh_project_has_nothing_wrong(tmp_path) -> None:
    """As `django-admin startproject` makes it."""
    done = manage(installed(tmp_path), "check")

    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    )


def test_a_mistake_in_the_setting_is_found(tmp_path) -> None:
    """It is a message of the check like any other, with its hint."""
    done = manage(installed(tmp_path, 'TANDEM = {"BNID": ":80"}'), "check")

    assert done.returncode == 1
    assert (
        'TANDEM: (tandem.E001) TANDEM["BNID"] is not an option.\n\tHINT: Did you mean "BIND"?\n'
    ) in done.stderr


@pytest.mark.parametrize(
    ("tandem", "told"),
    [
        ({"ROUTES": [("no:such", "asgi")]}, '"no:such" is no URL name of this project'),
        ({"ASGI": {"SERVER": "uvcorn"}}, 'TANDEM["ASGI"]["SERVER"] is "uvcorn"'),
        ({"BIND": "here"}, '"here" is not an address to bind'),
    ],
)
def test_a_setting_that_can_not_be_carried_out_is_found(tandem, told, tmp_path) -> None:
    """Each of these is well written, and refused later on."""
    done = manage(installed(tmp_path, f"TANDEM = {tandem!r}"), "check")

    assert found(done) == ["tandem.E001"]
    assert told in done.stderr


def test_an_application_that_raises_is_found_with_its_place(tmp_path) -> None:
    """No traceback, and the other checks go on."""
    project = installed(tmp_path, "DEBUG = False")
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
    """For sure with a REDIS_URL of its own; without one `tandem up` may put it right."""
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
        "from django.core.asgi import get_asgi_application\n"
        'names = ChannelNameRouter({"mail": AsyncConsumer.as_asgi()})\n'
        'application = ProtocolTypeRouter({"http": get_asgi_application(), "channel": names})\n'
    )

    assert found(manage(project, "check")) == ["tandem.E004"]


DATABASE = """
DATABASES["default"]["ATOMIC_REQUESTS"] = True
DATABASES["default"]["CONN_MAX_AGE"] = None
"""


def test_what_async_views_can_not_have_is_found(tmp_path) -> None:
    """A transaction, of which one view is exempted, and a connection that is never closed."""
    done = manage(installed(tmp_path, DATABASE, ASYNC_URLS), "check")

    assert found(done) == ["tandem.E009", "tandem.W006"]
    assert "Django answers 500 at /waits/.\n" in done.stderr
    assert 'DATABASES["default"]["CONN_MAX_AGE"] is None' in done.stderr


def test_django_does_answer_500_where_it_is_said(tmp_path) -> None:
    """And 200 at the view that is exempted."""
    project = installed(tmp_path, f"{DATABASE}ALLOWED_HOSTS = ['*']\n", ASYNC_URLS)
    ask = (
        "from django.test import Client; client = Client(raise_request_exception=False); "
        "print([client.get(path).status_code for path in ('/waits/', '/exempt/')])"
    )

    assert manage(project, "shell", "-c", ask).stdout.splitlines()[-1] == "[500, 200]"


def test_static_files_are_found_until_they_are_collected(tmp_path) -> None:
    """The admin's own count."""
    project = installed(tmp_path, 'DEBUG = False\nSTATIC_ROOT = BASE_DIR / "collected"\n')
    before = manage(project, "check")
    manage(project, "collectstatic", "--noinput")

    assert found(before) == ["tandem.W004"]
    assert f'STATIC_ROOT is "{tmp_path}/collected", where there are no files' in before.stderr
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
    project = installed(tmp_path, f"DEBUG = False\n{settings}\n", "urlpatterns = []\n")
    done = manage(project, "check", "--tag", "tandem")

    assert (done.returncode, found(done)) == (0, [])
