"""`tandem bench` as a user runs it, and a project to run it on."""

import subprocess
import sys
import threading
from pathlib import Path

from django_tandem.runtime.waiting import wait_until
from harness.projects import startproject
from harness.stack import clean_environment

URLS = """
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def written(request):
    return HttpResponse(request.method)


async def awaited(request):
    return HttpResponse(type(request).__name__)


urlpatterns = [path("", written), path("async/", awaited)]
"""
ASGI = """
import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
websockets = URLRouter([path("ws/", AsyncWebsocketConsumer.as_asgi())])
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(websockets),
    }
)
"""
SETTINGS = """
ASGI_APPLICATION = "mysite.asgi.application"
TANDEM = {"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 1}}
"""
# As short as anything can be measured.
SHORT = ("--duration", "0.3", "--connections", "2", "--rounds", "1")


def made_in(directory: Path, settings: str = "") -> Path:
    """Make a project with a view for each stack, a WebSocket, and further settings."""
    startproject(directory)
    site = directory / "mysite"
    (site / "urls.py").write_text(URLS)
    (site / "asgi.py").write_text(ASGI)
    kept = (site / "settings.py").read_text()
    (site / "settings.py").write_text(kept + SETTINGS + settings)
    return directory


class Bench:
    """A running `tandem bench`."""

    def __init__(self, directory: Path, *args: str) -> None:
        self._stderr: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "django_tandem", "bench", *args],
            cwd=directory,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A test signals it alone, or its process group as a terminal does.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Its stderr so far."""
        return "".join(self._stderr)

    def wait_for(self, text: str) -> None:
        """Wait until it has printed ``text``."""
        wait_until(lambda: text in self.output or self.process.poll() is not None, 90)
        assert text in self.output, self.output

    def end(self) -> tuple[int, str]:
        """Wait for its exit, and return the exit code and stdout."""
        printed = self.process.stdout.read()
        code = self.process.wait(60)
        self._reader.join()
        return code, printed

    def stop(self) -> None:
        """Make sure that it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _read(self) -> None:
        self._stderr.extend(self.process.stderr)
