"""The documented container of an unknown user, with nothing writable and no capabilities."""

from collections.abc import Iterator

import pytest

from harness.client import ask, wait_for
from harness.containers import READ_ONLY, UNPRIVILEGED, Container

# The first of them builds the image, on a machine that runs other tests at the same time.
pytestmark = pytest.mark.timeout(600)

# OpenShift chooses such a number, and the group 0.
USER = ("--user", "12345:0")
BOUNDS = ("--memory", "400m", "--ulimit", "nofile=1024:1024")


@pytest.fixture(scope="module")
def container(image, tmp_path_factory) -> Iterator[Container]:
    """One that every test leaves serving; it has no HOME, no terminal, and its stdin is closed."""
    data = tmp_path_factory.mktemp("data")
    data.chmod(0o777)
    closed = ("sh", "-c", "unset HOME; exec tandem up --bind :8000 <&-")
    options = (*READ_ONLY, *UNPRIVILEGED, *USER, *BOUNDS, "--volume", f"{data}:/data")
    with Container(image=image, options=options, arguments=closed) as running:
        yield running


def test_the_user_is_the_one_of_the_container(container) -> None:
    """Of the servers and of process 1, which is supervisord; without HOME or a capability."""
    answer = ask(container.port, "/who/").json
    first = container.execute("cat", "/proc/1/cmdline", "/proc/1/status").stdout

    assert answer == {"ids": [12345, 0], "home": None, "writable": ["/run"]}
    assert "supervisor.supervisord" in first
    assert "Uid:\t12345\t12345\t12345\t12345" in first
    assert "CapEff:\t0000000000000000" in first


def test_the_workers_follow_the_memory_limit(container) -> None:
    """Half of 400 MB for WSGI and a quarter for ASGI, at 100 MB each, on any machine."""
    assert container.workers() == {"wsgi-1": 2, "asgi-1": 1}


def test_the_open_files_bound_the_connections(container) -> None:
    """And a line at the start has the limit."""
    assert (
        "A process may open 1024 files here, so each worker of NGINX takes at most 768 connections."
    ) in container.output


def test_status_shows_the_use_of_programs_below_process_1(container) -> None:
    """In the container, where it is the first process and may be looked at."""
    status = container.status()

    assert (status["pid"], status["is_ready"]) == (1, True)
    assert all(each["memory_rss_mb"] > 0 for each in status["processes"])


def test_the_health_check_of_the_image_passes(container) -> None:
    """As the container runtime runs it, without the project's environment."""
    done = container.podman("healthcheck", "run", container.name)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz"])
def test_a_probe_passes_by_the_address_of_the_container(path, container) -> None:
    """As a kubelet requests it: by an address that ALLOWED_HOSTS does not have."""
    answer = ask(8001, path, host=container.address)

    assert (answer.status, answer.json["status"]) == (200, "pass")


def test_the_output_is_that_of_every_program(container) -> None:
    """With each program's name in front."""
    ask(container.port, "/seen/")

    assert container.wait_for("GET /seen/").startswith("nginx ")


def test_process_1_collects_processes_without_a_parent(container) -> None:
    """None stays a zombie."""
    for _ in range(20):
        assert ask(container.port, "/orphan/").status == 200

    wait_for(lambda: not _zombies(container), within_s=10)


def _zombies(container: Container) -> list[str]:
    states = container.execute("sh", "-c", "cat /proc/[0-9]*/status").stdout
    return [line for line in states.splitlines() if line.startswith("State:\tZ")]


def test_a_worker_killed_for_its_memory_is_replaced(container) -> None:
    """Its own request gets 502; the container and the other workers keep serving."""
    before = _workers(container)

    answer = ask(container.port, "/eat/")

    assert answer.status == 502
    assert ask(container.port, "/who/").status == 200
    wait_for(lambda: len(_workers(container)) == 2, within_s=30)
    assert len(_workers(container) - before) == 1


def _workers(container: Container) -> set[str]:
    """Return where /proc has the WSGI workers."""
    look = "grep -l 'tandem: wsgi' /proc/[0-9]*/comm"
    return set(container.execute("sh", "-c", look).stdout.split())
