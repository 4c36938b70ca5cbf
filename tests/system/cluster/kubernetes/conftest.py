"""The example in pods of each role, as the production overlay of its manifests has them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness import images
from harness.compose import make_servers
from harness.example import copied
from harness.kube_play import KubePlay, kustomize
from harness.stack import tandem

SETTINGS = """
TANDEM |= {
    "HEALTH": ":8001",
    "PEERS": {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]},
    "STOP_DELAY_S": 2,
    "KUBERNETES": {"IMAGE": "localhost/auction"},
}
if REDIS_URL:
    # One in memory is refused, for it is another one in each pod.
    BACKEND = "django.core.cache.backends.redis.RedisCache"
    CACHES = {"default": {"BACKEND": BACKEND, "LOCATION": REDIS_URL}}
"""
PRODUCTION = {
    "SECRET_KEY": "of the tests alone",
    "TANDEM_SECRET": "of-the-tests-alone-0123456789abcdef",
    "DATABASE_URL": "postgres://site:tandem@postgres/site",
    "REDIS_URL": "redis://valkey",
    "ALLOWED_HOSTS": "*",
    "UNDER_THE_HOOD": "1",
}


@dataclass(frozen=True, kw_only=True)
class Auction:
    """The running pods: the container of each role, by the role."""

    play: KubePlay
    containers: dict[str, str]

    @property
    def url(self) -> str:
        """Where the edge listens."""
        return f"http://{self.play.address(self.containers['edge'])}:8000"


@pytest.fixture(scope="module")
def auction(tmp_path_factory) -> Iterator[Auction]:
    """All roles, ready, with the migrations applied."""
    if os.geteuid() != 0:
        pytest.skip("only root can start these containers")
    directory = copied(tmp_path_factory.mktemp("auction") / "site")
    (directory / ".python-version").write_text(images.PYTHON)
    for name, more in (
        ("requirements.txt", "django-tandem[bundled]\n"),
        ("config/settings.py", SETTINGS),
    ):
        with (directory / name).open("a") as file:
            file.write(more)
    for target in ("compose", "kubernetes"):
        rendered = tandem(directory, "render", target, "--output", ".", **PRODUCTION)
        assert rendered.returncode == 0, rendered.stderr
    make_servers()
    image = images.build(directory, "auction", (directory / "Dockerfile").read_text())
    overlay = directory / "overlays" / "production"
    _choose_tag(overlay / "kustomization.yaml", image.rpartition(":")[2])
    own = tmp_path_factory.mktemp("play")
    with KubePlay(objects=kustomize(overlay), secret=PRODUCTION, directory=own) as play:
        yield _started(play)


def _choose_tag(kustomization, tag: str) -> None:
    text = kustomization.read_text()
    assert 'newTag: "1"' in text
    kustomization.write_text(text.replace('newTag: "1"', f'newTag: "{tag}"'))


def _started(play: KubePlay) -> Auction:
    play.serve(
        "postgres",
        "docker.io/library/postgres:17",
        5432,
        environment=("POSTGRES_USER=site", "POSTGRES_DB=site", "POSTGRES_PASSWORD=tandem"),
    )
    play.serve("valkey", "docker.io/valkey/valkey:8", 6379)
    migrate = play.play("Job", "auction-migrate")
    assert play.exit_code(migrate) == 0, play.logs(migrate)
    containers = {}
    for role, alias in (("wsgi", "wsgi"), ("asgi", "asgi"), ("workers", ""), ("edge", "")):
        containers[role] = play.play("Deployment", f"auction-{role}", alias=alias)
        if role != "workers":
            play.wait_until_ready(containers[role], 8001)
    return Auction(play=play, containers=containers)
