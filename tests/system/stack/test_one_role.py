"""Three roles, each one process without supervisord, as their containers run them."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import pytest

from django_tandem.runtime.probes import client
from harness.client import ask, wait_for
from harness.projects import with_channels
from harness.stack import Up, clean_environment, free_port, tandem

SETTINGS = """
TANDEM = {{
    "PEERS": {{
        "WSGI": ["127.0.0.1:{wsgi}"],
        "ASGI": ["127.0.0.1:{asgi}"],
        "SECRET": "0123456789abcdef0123456789abcdef",
    }},
    "WSGI": {{"BIND": "127.0.0.1:{wsgi}", "WORKERS": 1}},
    "ASGI": {{"BIND": "127.0.0.1:{asgi}", "WORKERS": 1}},
    "LOG_FORMAT": "json",
}}
CHANNEL_LAYERS = {{"default": {{"BACKEND": "mysite.layer.Layer"}}}}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.dummy"}}}}
"""
# One that reaches other hosts, as far as the checks know.
LAYER = (
    "from channels.layers import InMemoryChannelLayer\n\n\nclass Layer(InMemoryChannelLayer): ...\n"
)
PROGRAMS = {"wsgi": "wsgi-1", "asgi": "asgi-1", "edge": "nginx"}


@dataclass
class Roles:
    """The running roles by name, and the port of WSGI's address."""

    ups: dict[str, Up]
    wsgi_port: int

    def run_dir(self, role: str) -> Path:
        return self.ups[role].directory / role

    def tandem(self, role: str, *args: str):
        return tandem(self.ups[role].directory, *args, "--run-dir", str(self.run_dir(role)))


@pytest.fixture(scope="module")
def roles() -> Iterator[Roles]:
    with tempfile.TemporaryDirectory(prefix="tandem-") as path, contextlib.ExitStack() as stack:
        directory = with_channels(Path(path))
        ports = {"wsgi": free_port(), "asgi": free_port()}
        settings = directory / "mysite" / "settings.py"
        settings.write_text(settings.read_text() + SETTINGS.format(**ports))
        (directory / "mysite" / "layer.py").write_text(LAYER)
        environment = {"REDIS_URL": "redis://127.0.0.1:9/0"}
        places = ("--temp-dir", str(directory / "temp"))
        ups = {
            role: stack.enter_context(
                Up(
                    directory,
                    args=("--role", role, "--run-dir", str(directory / role), *places),
                    environment=environment,
                    ready=f"{program}: ",
                )
            )
            for role, program in PROGRAMS.items()
        }
        made = Roles(ups, ports["wsgi"])
        for role in ups:
            wait_for(lambda role=role: _is_ready(made.run_dir(role)), within_s=30)
        yield made


def _is_ready(run_dir: Path) -> bool:
    try:
        return client.failures(run_dir, "/readyz") == []
    except Exception:  # noqa: BLE001 - its companion starts
        return False


def test_the_edge_serves_both_stacks_of_other_processes(roles) -> None:
    """By the route table of one host, over their addresses."""
    edge = roles.ups["edge"]

    assert ask(edge.port, "/announce/?text=x").text == "WSGIRequest"
    assert asyncio.run(_echo(edge.url)) == "/echo/a/ hello"


async def _echo(url: str) -> str:
    headers = {"Origin": url}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/echo/a/", headers=headers) as socket,
    ):
        await socket.send_str("hello")
        return await socket.receive_str(timeout=10)


def test_large_bodies_are_where_the_option_names(roles) -> None:
    """Beside the run directory of the edge, which may be in memory."""
    run_dir = roles.run_dir("edge")
    temp_dir = run_dir.with_name("temp")

    assert temp_dir.stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in temp_dir.iterdir()) == ["tmp-body", "tmp-proxy"]
    assert not any((run_dir / name).exists() for name in ("tmp-body", "tmp-proxy"))


def test_a_stack_serves_its_edge_alone(roles) -> None:
    """A request of another host has no secret."""
    assert ask(roles.wsgi_port, "/announce/?text=x").status == 403
    assert ask(roles.wsgi_port, "/.tandem/ready").status == 200


def test_an_edge_logs_to_the_socket_of_a_journal(roles) -> None:
    """NGINX can't open one by its name; the last lines arrive, also those of its stop."""
    directory = roles.ups["edge"].directory
    port = free_port()
    argv = [sys.executable, "-m", "django_tandem", "up", "--role", "edge"]
    own = ("--run-dir", str(directory / "journal"), "--bind", f"127.0.0.1:{port}")
    ours, journal = socket.socketpair()
    with ours, journal:
        edge = subprocess.Popen(
            [*argv, *own],
            cwd=directory,
            env=clean_environment() | {"REDIS_URL": "redis://127.0.0.1:9/0"},
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=subprocess.PIPE,
        )
        journal.close()
        try:
            wait_for(lambda: edge.poll() is not None or _accepts(port), within_s=30)
            assert ask(port, "/announce/?text=x").status == 200
        finally:
            edge.send_signal(signal.SIGQUIT)
            _, errors = edge.communicate(timeout=30)
        ours.settimeout(30)
        with ours.makefile() as lines:
            logged = [line for line in lines if line.startswith("{")]

    assert edge.returncode == 0, errors
    assert [json.loads(line)["path"] for line in logged] == ["/announce/"]


def _accepts(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(("role", "program"), PROGRAMS.items())
def test_status_shows_the_one_process(roles, role, program) -> None:
    """By its lock and its state, without supervisord."""
    done = roles.tandem(role, "status")

    assert f"({program} has pid {roles.ups[role].process.pid})." in done.stdout
    assert f"\n{program} " in done.stdout
    assert done.returncode == 0


def test_what_needs_supervisord_is_refused(roles) -> None:
    """With what a container has instead."""
    logs, reload = roles.tandem("wsgi", "logs"), roles.tandem("wsgi", "reload")
    run_dir = roles.run_dir("wsgi")

    assert logs.stderr == (
        f"wsgi-1 logs to its standard output, and {run_dir} has no logs.\n"
        "  See them with `docker logs`, `kubectl logs` or `journalctl`.\n"
    )
    assert reload.stderr == (
        f"wsgi-1 runs in {run_dir} without supervisord, so it can't be reloaded.\n"
        "  Start a new container, and stop this one once the new one is ready.\n"
    )
    assert (logs.returncode, reload.returncode) == (1, 1)


def test_a_detached_role_is_refused(roles) -> None:
    """A container ends with its process 1."""
    done = tandem(
        roles.ups["wsgi"].directory,
        *("up", "--role", "wsgi", "--detach"),
        REDIS_URL="redis://127.0.0.1:9/0",
    )

    assert done.stderr.endswith(
        "`--detach` needs supervisord, and the role wsgi is one process here.\n"
        "  Leave it out, or add another role.\n"
    )


def keeper_of(up: Up) -> psutil.Process:
    """Return the process that starts the companion again."""
    (found,) = (
        each
        for each in psutil.Process(up.process.pid).children()
        if "django_tandem.monitor" in each.cmdline()
    )
    return found


def test_ctrl_c_leaves_the_companion_running(roles) -> None:
    """The probes and the metrics are answered until the program has drained."""
    (companion,) = keeper_of(roles.ups["asgi"]).children()
    status = Path(f"/proc/{companion.pid}/status").read_text()
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)

    assert ignored >> (signal.SIGINT - 1) & 1


def test_a_companion_that_ends_is_started_again(roles) -> None:
    """The probes would fail until the container is replaced."""
    run_dir = roles.run_dir("asgi")
    keeper = keeper_of(roles.ups["asgi"])
    (before,) = keeper.children()
    os.kill(before.pid, signal.SIGKILL)
    before.wait(10)

    wait_for(lambda: _is_ready(run_dir), within_s=20)

    assert keeper.children() != [before]


@pytest.mark.parametrize("role", ["edge", "asgi", "wsgi"])
def test_down_ends_the_process_with_0(roles, role) -> None:
    """The last test: as a preStop hook does; the companion ends, too."""
    up = roles.ups[role]
    below = psutil.Process(up.process.pid).children(recursive=True)

    done = roles.tandem(role, "down")

    assert done.stderr.endswith("Stopped.\n")
    assert (done.returncode, up.wait()) == (0, 0)
    assert psutil.wait_procs(below, timeout=5)[1] == []
