"""What the pages say of a running stack, and no command on them shows, is so."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from docs.blocks import DOCS, blocks

from harness.client import ask
from harness.projects import startproject
from harness.stack import Up, tandem

SOCKETS = DOCS / "how-to/websocket-404-502.md"
UPLOADS = DOCS / "how-to/static-and-media.md"
HANDSHAKE = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
CHANNELS = '\nASGI_APPLICATION = "mysite.asgi.application"\n'
# Who is let in is Django's affair, and asked by none of this.
URLS = """
from django.urls import path

urlpatterns = [path("invoices/<str:name>/", invoice.__wrapped__)]
"""
SOCKETS_OF_A_FUNCTION = """
async def websockets(scope, receive, send):
    await send({"type": "websocket.close", "code": 4000})
"""
# As in cookiecutter-django's config/asgi.py.
DISPATCHER = """
from django.core.asgi import get_asgi_application
from mysite.sockets import websockets

django_application = get_asgi_application()


async def application(scope, receive, send):
    if scope["type"] == "http":
        await django_application(scope, receive, send)
    elif scope["type"] == "websocket":
        await websockets(scope, receive, send)
"""
IMPORTED_LATE = """
async def application(scope, receive, send):
    from mysite.sockets import websockets

    await websockets(scope, receive, send)
"""


def _with(text: str, page: Path) -> str:
    return next(each.text for each in blocks(page) if text in each.text)


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = startproject(tmp_path_factory.mktemp("claims"))
    (directory / "mysite/asgi.py").write_text(_with("class Broken", SOCKETS))
    (directory / "mysite/urls.py").write_text(_with("def invoice", UPLOADS) + URLS)
    with (directory / "mysite/settings.py").open("a") as settings:
        settings.write(CHANNELS + _with('"INCLUDE"', UPLOADS))
    include = _with("location /protected/", UPLOADS).replace("/srv/mysite", str(directory))
    (directory / "protected.conf").write_text(include)
    (directory / "media").mkdir()
    (directory / "media/may.txt").write_text("12 apples")
    with Up(directory) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/ws/caht/", "http://127.0.0.1", 404),
        ("/ws/chat", "http://127.0.0.1", 404),
        ("/ws/chat/", "http://evil.example", 403),
        ("/ws/broken/", "http://127.0.0.1", 500),
    ],
)
def test_a_handshake_is_answered_as_the_page_has_it(path, origin, status, up) -> None:
    """No such route, a slash too few, a foreign page, a consumer that raises."""
    answer = ask(up.port, path, headers=[*HANDSHAKE, ("Origin", origin)])

    assert answer.status == status


def test_without_its_header_it_is_a_request_like_any_other(up) -> None:
    """So the URLconf is asked, which has no such path."""
    without = [pair for pair in HANDSHAKE if pair[0] != "Upgrade"]

    assert ask(up.port, "/ws/chat/", headers=without).status == 404


def test_nginx_sends_what_a_view_names_and_nobody_else_gets_it(up) -> None:
    """With the type that the file has, and 404 for whoever asks for it by its own path."""
    sent = ask(up.port, "/invoices/may.txt/")

    assert (sent.status, sent.text) == (200, "12 apples")
    assert sent.headers["Content-Type"] == "text/plain"
    assert ask(up.port, "/protected/may.txt").status == 404


def test_each_file_of_a_running_stack_is_on_the_page_of_files(up) -> None:
    """By its name, or by one with another generation's number."""
    page = (DOCS / "reference/files.md").read_text()
    named = re.findall(r"`([^`\s]+)`", page)

    def is_named(name: str) -> bool:
        return any(fnmatch(re.sub(r"-\d+", "-1", name), each) for each in named)

    found = {path.name for path in up.run_dir.iterdir()}
    assert {name for name in found - {".gitignore"} if not is_named(name)} == set()


@pytest.mark.parametrize(
    ("application", "extra", "starts_asgi", "routes"),
    [
        (DISPATCHER, "", True, 1),
        (IMPORTED_LATE, "", False, 0),
        (IMPORTED_LATE, 'TANDEM = {"ASGI": {"ALWAYS": True}}', True, 0),
    ],
    ids=["a dispatcher", "imported late", "imported late, ALWAYS"],
)
def test_a_function_that_serves_websockets(
    application, extra, starts_asgi, routes, tmp_path
) -> None:
    """It is found unless it is imported late, as the pages for cookiecutter and the 404 have it."""
    startproject(tmp_path)
    (tmp_path / "mysite/asgi.py").write_text(application)
    (tmp_path / "mysite/sockets.py").write_text(SOCKETS_OF_A_FUNCTION)
    settings = tmp_path / "mysite/settings.py"
    settings.write_text(settings.read_text() + CHANNELS + extra)

    planned = tandem(tmp_path, "plan")

    assert f"WSGI, {routes} on ASGI" in planned.stderr
    assert ("Nothing in this project needs ASGI" in planned.stderr) != starts_asgi
