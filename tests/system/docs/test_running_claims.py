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
A_FUNCTION = """
async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4000})
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


@pytest.mark.parametrize("extra", ["", 'TANDEM = {"ASGI": {"ALWAYS": True}}'])
def test_a_function_without_a_router_needs_a_word(extra, tmp_path) -> None:
    """As the pages for cookiecutter-django and for the 404 have it: it has no routes to read."""
    startproject(tmp_path)
    (tmp_path / "mysite/asgi.py").write_text(A_FUNCTION)
    settings = tmp_path / "mysite/settings.py"
    settings.write_text(settings.read_text() + CHANNELS + extra)

    planned = tandem(tmp_path, "plan")

    assert "  asgi  " not in planned.stdout
    assert ("Nothing in this project needs ASGI" in planned.stderr) == (extra == "")
