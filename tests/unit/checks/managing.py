"""Real projects with faults, and their manage.py."""

import re
import subprocess
from pathlib import Path

from harness import forking
from harness.projects import startproject, with_channels
from harness.stack import DEADLINE_S, clean_environment

IN_MEMORY = """
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
ASGI_APPLICATION = "mysite.asgi.application"
INSTALLED_APPS += ["django_tandem"]
"""

ASYNC_URLS = """
from django.db import transaction
from django.http import HttpResponse
from django.urls import path


async def waits(request):
    return HttpResponse("waited")


@transaction.non_atomic_requests
async def exempt(request):
    return HttpResponse("waited")


urlpatterns = [path("waits/", waits), path("exempt/", exempt)]
"""


def manage(directory: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py to its end."""
    argv = ["manage.py", *args]
    return forking.run(argv, directory, clean_environment() | environment, timeout_s=DEADLINE_S)


def found(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The ids of our checks in the output, sorted."""
    return sorted(re.findall(r"\((tandem\.[EW]\d{3})\) ", done.stdout + done.stderr))


def installed(directory: Path, settings: str = "", urls: str = "") -> Path:
    """A fresh project with django_tandem among its apps."""
    startproject(directory)
    (directory / "mysite" / "settings.py").open("a").write(
        f'\nINSTALLED_APPS += ["django_tandem"]\n{settings}'
    )
    if urls:
        (directory / "mysite" / "urls.py").write_text(urls)
    return directory


def in_memory(directory: Path, settings: str = "") -> Path:
    """A project with a WebSocket whose channel layer stays in its process."""
    with_channels(directory)
    path = directory / "mysite" / "settings.py"
    before, _, _ = path.read_text().rpartition("CHANNEL_LAYERS = ")
    path.write_text(f"{before}{IN_MEMORY}{settings}")
    return directory
