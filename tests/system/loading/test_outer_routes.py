"""Applications that asgi.py puts in front of Django are served by ASGI, as on Uvicorn alone."""

import json
import urllib.error
import urllib.request

import pytest
from websockets.sync.client import connect

from harness.projects import startproject
from harness.stack import Up, tandem

ASGI = """
import os

import socketio
from django.core.asgi import get_asgi_application
from fastapi import FastAPI, WebSocket

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django = get_asgi_application()
api = FastAPI()


@api.get("/items/{item}")
async def item(item: int):
    return item


@api.websocket("/live/{name}")
async def live(websocket: WebSocket, name: str):
    await websocket.accept()
    await websocket.send_text(name)


async def dispatch(scope, receive, send):
    if scope["type"] == "http" and scope["path"].startswith("/mcp/"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"mcp"})
    else:
        await django(scope, receive, send)


api.mount("/", dispatch)
application = socketio.ASGIApp(socketio.AsyncServer(async_mode="asgi"), api)
"""
URLS = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("s/", lambda request: HttpResponse(type(request).__name__))]
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    # Without a number of ASGI workers: the start says how many it chooses.
    small = {"WSGI": {"WORKERS": 1}, "MONITOR": False}
    directory = startproject(tmp_path_factory.mktemp("outer"), **small)
    (directory / "mysite" / "asgi.py").write_text(ASGI)
    (directory / "mysite" / "urls.py").write_text(URLS)
    with Up(directory) as up:
        yield up


def _get(up: Up, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(up.url + path) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/items/7", (200, "7")), ("/mcp/x", (200, "mcp")), ("/s/", (200, "WSGIRequest"))],
)
def test_a_path_reaches_the_application_that_serves_it(up, path, answer) -> None:
    """A route of FastAPI, a path named in a function's code, and Django's own."""
    assert _get(up, path) == answer


def test_a_websocket_of_fastapi_is_served(up) -> None:
    """Though no router of Channels' has it."""
    with connect(f"ws://127.0.0.1:{up.port}/live/a") as socket:
        assert socket.recv() == "a"


def test_a_session_of_socket_io_stays_in_one_process(up) -> None:
    """With two, every second poll would be a 400."""
    path = "/socket.io/?EIO=4&transport=polling"
    _, opened = _get(up, path)
    session = json.loads(opened[1:])["sid"]
    for _ in range(8):
        sent = urllib.request.Request(f"{up.url}{path}&sid={session}", data=b"40")
        assert urllib.request.urlopen(sent).status == 200


def test_the_start_says_what_is_not_known(up) -> None:
    """The function is named, what was found of it, and the pin that is wanted."""
    assert (
        "mysite.asgi.dispatch (mysite/asgi.py:24) chooses by the path itself, so the paths that it "
        "serves without Django are not known. ASGI gets those that its code names: /mcp/. Pin "
        'the others in TANDEM["ROUTES"], such as ("/path/", "asgi").' in up.output
    )
    assert "needs ASGI" not in up.output
    assert "one ASGI process is started" in up.output


def test_explain_does_not_call_such_a_path_a_404(up) -> None:
    """The function may serve it; a pin to ASGI is no longer without effect."""
    done = tandem(up.directory, "explain", "/other/")

    assert done.returncode == 1
    assert "mysite.asgi.dispatch (mysite/asgi.py:24) may answer it on ASGI" in done.stderr
