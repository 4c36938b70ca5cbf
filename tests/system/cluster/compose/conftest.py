"""The example as compose.yaml runs it, with two WSGI containers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import images
from harness.compose import Compose, engine, make_servers
from harness.example import copied
from harness.projects import EVEN
from harness.stack import free_port, tandem

SETTINGS = """
TANDEM |= {
    "PEERS": {"WSGI": ["wsgi-1:9000", "wsgi-2:9000"], "ASGI": ["asgi:9001"]},
    "STOP_DELAY_S": 2,
}
BACKEND = "django.core.cache.backends.redis.RedisCache"
CACHES = {"default": {"BACKEND": BACKEND, "LOCATION": "redis://valkey"}}
"""
URLS = f"""
from django.core.cache import cache
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
{EVEN}

async def even(request, number):
    return HttpResponse(number)


def download(request, size):
    def pieces():
        try:
            for _ in range(size // 2**20):
                yield bytes(2**20)
        finally:
            cache.set("is-taken", "yes")

    return StreamingHttpResponse(pieces(), headers={{"Content-Length": size}})


def is_taken(request):
    return HttpResponse(cache.get("is-taken", "no"))


@csrf_exempt
def upload(request):
    return HttpResponse(sum(map(len, iter(lambda: request.read(2**16), b""))))


urlpatterns[:0] = [
    path("even/<even:number>/", even),
    path("download/<int:size>/", download),
    path("download/is-taken/", is_taken),
    path("upload/", upload),
]
"""
ENV = """
TANDEM_SECRET=of-the-tests-alone-0123456789abcdef
POSTGRES_PASSWORD=tandem
IMAGE={image}
"""
# A free port in place of that of the settings, and little memory for the run directory of the edge.
# Four containers start at once, on two CPUs.
OVERRIDE = """
x-slow: &slow {{healthcheck: {{start_period: 180s}}}}
services:
  edge:
    <<: *slow
    ports: !override ["127.0.0.1:{port}:8000"]
    tmpfs: !override ["/run:size=4m", "/tmp"]
  wsgi-1: *slow
  wsgi-2: *slow
  asgi: *slow
  workers: *slow
"""


@pytest.fixture(scope="session")
def compose(tmp_path_factory) -> Iterator[Compose]:
    """All services, healthy, with the sample data."""
    if os.geteuid() != 0:
        pytest.skip("only root can start these containers")
    directory = tmp_path_factory.mktemp("compose") / f"site{os.getpid()}"
    _write(copied(directory))
    rendered = tandem(directory, "render", "compose", DATABASE_URL="postgres://site@postgres/site")
    assert rendered.returncode == 0, rendered.stderr
    make_servers()
    image = images.build(directory, "cluster", (directory / "Dockerfile").read_text())
    port = free_port()
    (directory / ".env").write_text(ENV.format(image=image))
    (directory / "compose.override.yaml").write_text(OVERRIDE.format(port=port))
    with (
        engine(tmp_path_factory.mktemp("engine")) as environment,
        Compose(directory=directory, environment=environment, port=port) as running,
    ):
        running.execute("wsgi-1", "python", "manage.py", "sample_data")
        yield running


def _write(directory: Path) -> None:
    (directory / ".python-version").write_text(images.PYTHON)
    for name, more in (
        ("requirements.txt", "django-tandem[bundled]\n"),
        ("config/settings.py", SETTINGS),
        ("config/urls.py", URLS),
    ):
        with (directory / name).open("a") as file:
            file.write(more)
