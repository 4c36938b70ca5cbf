"""Django projects made on the spot, the way their authors would."""

import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# A converter that rejects what its regex accepts: the edge sends it to WSGI.
EVEN = """
from django.urls import register_converter


class Even:
    regex = "[0-9]+"

    def to_python(self, value):
        if int(value) % 2:
            raise ValueError
        return int(value)

    def to_url(self, value):
        return str(value)


register_converter(Even, "even")
"""

CHANNELS_ASGI = """
import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django_tandem.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django_application = get_asgi_application()


class Echo(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("all", self.channel_name)
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=f"{self.scope['path']} {text_data}")

    async def announced(self, event):
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            URLRouter([path("echo/<slug:name>/", Echo.as_asgi())])
        ),
    }
)
"""

CHANNELS_URLS = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpResponse
from django.urls import path


def announce(request):
    message = {"type": "announced", "text": request.GET["text"]}
    async_to_sync(get_channel_layer().group_send)("all", message)
    return HttpResponse(type(request).__name__)


urlpatterns = [path("announce/", announce)]
"""

CHANNELS_SETTINGS = """
import os

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}
ASGI_APPLICATION = "mysite.asgi.application"
"""


# The middleware that is left sets Content-Length.
NO_APPS = """
INSTALLED_APPS = []
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
"""

ONE_VIEW = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("ok"))]
"""

# For tests that are not about workers. By default, WSGI alone has five on two CPUs, which take a
# tenth of the CPU time of a start and a stop.
ONE_WORKER = {"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 1}}
# For those that ask for no metrics either: the monitor takes a fifth of the CPU time of a start.
SMALL = {**ONE_WORKER, "MONITOR": False}


def startproject(directory: Path, **tandem: object) -> Path:
    """What `django-admin startproject mysite` makes; with options, it has a TANDEM setting."""
    made = _pristine()
    shutil.copytree(made.name, directory, dirs_exist_ok=True)
    if tandem:
        with (directory / "mysite" / "settings.py").open("a") as settings:
            settings.write(f"\nTANDEM = {tandem!r}\n")
    return directory


# One for all tests of this process: they change copies.
@functools.cache
def _pristine() -> tempfile.TemporaryDirectory[str]:
    made = tempfile.TemporaryDirectory(prefix="pristine-")
    argv = [sys.executable, "-m", "django", "startproject", "mysite", made.name]
    subprocess.run(argv, check=True)
    return made


def without_apps(directory: Path, **tandem: object) -> Path:
    """
    The same without Django's applications and their middleware, with one view at the root.

    For tests that ask for neither: they are a sixth of the CPU time of a start and of a reload.
    """
    startproject(directory)
    (directory / "mysite" / "urls.py").write_text(ONE_VIEW)
    with (directory / "mysite" / "settings.py").open("a") as settings:
        settings.write(NO_APPS)
        if tandem:
            settings.write(f"\nTANDEM = {tandem!r}\n")
    return directory


def without_asgi(directory: Path, **tandem: object) -> Path:
    """The same, from the days before there was an asgi.py."""
    startproject(directory, **tandem)
    (directory / "mysite" / "asgi.py").unlink()
    return directory


def with_channels(directory: Path, **tandem: object) -> Path:
    """The same with a WebSocket, a channel layer on REDIS_URL, and a view that sends to it."""
    return _add_channels(startproject(directory, **tandem))


def channels_alone(directory: Path, **tandem: object) -> Path:
    """That without Django's applications."""
    return _add_channels(without_apps(directory, **tandem))


def _add_channels(directory: Path) -> Path:
    (directory / "mysite" / "asgi.py").write_text(CHANNELS_ASGI)
    (directory / "mysite" / "urls.py").write_text(CHANNELS_URLS)
    settings = directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + CHANNELS_SETTINGS)
    return directory
