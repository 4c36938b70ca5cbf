"""The master imports what a first request would import, and reports none of its errors."""

import subprocess
import sys
from pathlib import Path

import pytest

# A site with messages, sessions and templates, and what its first request imports after the master.
SITE = """
import re
import sys
from django.conf import settings
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
        "django.contrib.messages.apps.MessagesConfig", *sys.argv[2:],
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    ROOT_URLCONF="site_urls",
    SECRET_KEY="secret",
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.contrib.messages.context_processors.messages"]},
    }],
)
import django
django.setup()
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory
import site_urls
application = get_wsgi_application()
from django_tandem.inprocess import first_request
first_request.prepare()
before = set(sys.modules)
stock, compiled = re._compiler.compile, []
re._compiler.compile = lambda pattern, *flags: compiled.append(pattern) or stock(pattern, *flags)
application(RequestFactory().get(sys.argv[1]).environ, lambda status, *_: print(status))
print(*sorted(set(sys.modules) - before), *map(repr, compiled))
"""
URLS = """
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.template import engines
from django.urls import path

def view(request):
    request.session["seen"] = True
    request.session.modified = False
    messages.info(request, "Hello")
    str(User.objects.all().query)
    page = engines["django"].from_string("{{ messages|length }}")
    return HttpResponse(page.render({}, request))

urlpatterns = [path("", view), path("plain/", lambda request: HttpResponse())]
"""


def test_the_first_request_imports_and_compiles_nothing_of_django(tmp_path: Path) -> None:
    """Neither the storage of messages, nor the templates, nor what compiles SQL, nor a pattern."""
    out = _run(tmp_path, "/")

    assert out.stdout.split() == ["200", "OK"], out.stderr


@pytest.fixture(params=["RuntimeError", "SystemExit"])
def broken(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Make an application whose template tags can't be imported; return its name and the error."""
    tags = tmp_path / "broken" / "templatetags"
    tags.mkdir(parents=True)
    for directory in (tags, tags.parent):
        (directory / "__init__.py").touch()
    (tags / "shown.py").write_text(f"raise {request.param}('not here')\n")
    return "broken", request.param


def test_an_error_is_left_to_the_request(tmp_path: Path, broken: tuple[str, str]) -> None:
    """A project serves its other pages although its template tags can't be imported."""
    name, error = broken
    assert _run(tmp_path, "/plain/", name).stdout.startswith("200 OK")

    # Python prints no name of a SystemExit, which is not the request's to handle.
    shown = "not here" if error == "SystemExit" else f"{error}: not here"
    # Django's, of the page for the error.
    assert _run(tmp_path, "/", name).stderr.endswith(f"{shown}\n")


def test_a_project_without_a_set_up_is_loaded(tmp_path: Path) -> None:
    """Its entry point may be of another framework, which never calls django.setup()."""
    out = _python(
        tmp_path,
        "from django.conf import settings\n"
        "settings.configure()\n"
        "from django_tandem.inprocess import first_request\n"
        "first_request.prepare()\n"
        "print('loaded')",
    )

    assert out.stdout == "loaded\n", out.stderr


def _python(directory: Path, code: str) -> subprocess.CompletedProcess[str]:
    (directory / "script.py").write_text(code)
    return subprocess.run(
        [sys.executable, "script.py"], cwd=directory, capture_output=True, text=True, check=False
    )


def _run(directory: Path, path: str, *applications: str) -> subprocess.CompletedProcess[str]:
    (directory / "site_urls.py").write_text(URLS)
    (directory / "site_run.py").write_text(SITE)
    return subprocess.run(
        [sys.executable, "site_run.py", path, *applications],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
