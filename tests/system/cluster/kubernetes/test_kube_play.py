"""The example serves from the pods of its manifests, as restricted as they say, and stops."""

import asyncio
import urllib.error
import urllib.request

import aiohttp
import pytest

from harness.kube_play import USER

# The first of them builds the image.
pytestmark = pytest.mark.timeout(600)

LOOK = """
import os, pathlib
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
places = ("/", "/app", "/venv", "/run", "/tmp", "/var/tmp")
writable = [each for each in places if os.access(each, os.W_OK)]
print(os.getuid(), int(status["CapEff"], 16), status["NoNewPrivs"].strip(), *writable)
"""


def get(url: str) -> tuple[int, str | None]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.headers["X-Stack"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["X-Stack"]


@pytest.mark.parametrize(
    ("path", "stack"), [("/", "wsgi"), ("/api/lots/", "wsgi"), ("/hood/plan/", "asgi")]
)
def test_a_page_is_from_the_pod_of_its_stack(path, stack, auction) -> None:
    """By the name that its Service has."""
    assert get(auction.url + path) == (200, stack)


def test_static_files_are_from_the_pod_of_the_edge(auction) -> None:
    """Which has the image of all."""
    with urllib.request.urlopen(auction.url, timeout=20) as answer:
        page = answer.read().decode()
    path = next(part for part in page.split('"') if part.startswith("/static/"))

    assert get(auction.url + path) == (200, None)


def test_a_websocket_is_from_the_pod_of_asgi(auction) -> None:
    """Through the edge."""

    async def first() -> str:
        async with (
            aiohttp.ClientSession(auction.url) as session,
            session.ws_connect("/ws/lots/1/") as socket,
        ):
            return (await socket.receive_json())["type"]

    auction.play.execute(auction.containers["wsgi"], "python", "manage.py", "sample_data")
    assert asyncio.run(first()) == "lot"


@pytest.mark.parametrize(("role", "port"), [("wsgi", 9000), ("asgi", 9001)])
def test_a_stack_serves_the_edge_alone(role, port, auction) -> None:
    """Who reaches its pod without the secret gets 403."""
    address = auction.play.address(auction.containers[role])

    assert get(f"http://{address}:{port}/") == (403, None)


@pytest.mark.parametrize("role", ["edge", "wsgi", "asgi", "workers"])
def test_a_pod_is_as_restricted_as_its_manifest(role, auction) -> None:
    """Any user, without a capability, who writes to /run, /tmp and a disk of the edge alone."""
    seen = auction.play.execute(auction.containers[role], "python", "-c", LOOK)

    disk = " /var/tmp" if role == "edge" else ""
    assert seen == f"{USER} 0 1 /run /tmp{disk}"


def test_each_pod_stops_with_exit_code_0(auction) -> None:
    """The edge by its preStop, the others by SIGTERM; the edge first, which uses them."""
    play, containers = auction.play, auction.containers
    play.podman("exec", containers["edge"], "tandem", "down", "--run-dir", "/run/tandem")
    for role in ("wsgi", "asgi", "workers"):
        play.run("kill", "--signal", "TERM", containers[role])

    assert {role: play.exit_code(name) for role, name in containers.items()} == dict.fromkeys(
        containers, 0
    ), "\n".join(map(play.logs, containers.values()))
