"""`tandem up` serves a project as it is, with no change to its code or settings."""

import asyncio
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from harness.client import wait_for
from harness.projects import ONE_WORKER, SMALL, startproject, with_channels, without_asgi
from harness.stack import Up, free_port, tandem


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module", params=[startproject, without_asgi])
def fresh(request, tmp_path_factory) -> Iterator[Up]:
    """A project as it was made, which no test changes."""
    with Up(request.param(tmp_path_factory.mktemp("fresh"))) as up:
        yield up


def test_a_fresh_project_is_served_without_asgi(fresh) -> None:
    """With or without an asgi.py, nothing in it needs one, and a note reports that."""
    assert _get(f"{fresh.url}/")[0] == 200
    assert _get(f"{fresh.url}/admin/login/")[0] == 200
    assert _get(f"{fresh.url}/static/admin/css/base.css")[0] == 200

    assert "Nothing in this project needs ASGI" in fresh.output
    programs = json.loads(tandem(fresh.directory, "status", "--json").stdout)["processes"]
    assert [each["program"] for each in programs] == ["monitor", "nginx", "wsgi-1"]


def test_asgi_is_started_by_an_option(tmp_path) -> None:
    """A project with no asgi.py gets the one that Django makes."""
    with Up(without_asgi(tmp_path, **SMALL), args=("--asgi",)) as up:
        assert _get(f"{up.url}/")[0] == 200
        assert "asgi-1     ASGI  uvicorn" in up.output


@pytest.fixture(scope="module", params=[signal.SIGINT, signal.SIGTERM])
def conversing(request, tmp_path_factory) -> Iterator[tuple[Up, signal.Signals]]:
    """A project with WebSockets, and the signal that ends it."""
    with Up(with_channels(tmp_path_factory.mktemp("conversing"), **ONE_WORKER)) as up:
        yield up, request.param


def test_a_message_sent_on_wsgi_reaches_a_websocket_on_asgi(conversing) -> None:
    """Through the embedded Valkey, over real sockets."""

    async def talk(up: Up) -> list[str]:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{up.url}/echo/one/", origin=up.url) as ws,
        ):
            await ws.send_str("hello")
            heard = [await ws.receive_str(timeout=10)]
            async with session.get(f"{up.url}/announce/?text=news") as answer:
                heard.append(await answer.text())
            return [*heard, await ws.receive_str(timeout=10)]

    up, _ = conversing
    assert asyncio.run(talk(up)) == ["/echo/one/ hello", "WSGIRequest", "news"]
    assert "valkey" in up.output


def test_a_stop_ends_every_process_and_leaves_nothing_behind(conversing) -> None:
    """With a WebSocket open: no socket, no pid file, exit code 0. The stack's last test."""
    up, sent = conversing

    async def stop_while_open(up: Up) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{up.url}/echo/one/", origin=up.url) as ws,
        ):
            await ws.send_str("hello")
            await ws.receive_str(timeout=10)
            return await asyncio.to_thread(up.stop, sent)

    pids = _pids(up.directory)
    # supervisord and its programs, and at least a worker of each server.
    assert len(pids) > 5

    assert asyncio.run(stop_while_open(up)) == 0

    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    left = {path.name for path in up.run_dir.iterdir()}
    assert [name for name in left if name.endswith((".sock", ".pid"))] == []


def _pids(directory: Path) -> list[int]:
    status = json.loads(tandem(directory, "status", "--json").stdout)
    below = psutil.Process(status["pid"]).children(recursive=True)
    assert {each["pid"] for each in status["processes"]} <= {each.pid for each in below}
    return [status["pid"], *(each.pid for each in below)]


@pytest.mark.parametrize("fresh", [startproject], indirect=True, scope="module")
def test_a_second_up_names_the_first(fresh) -> None:
    """One run directory, one stack."""
    second = tandem(fresh.directory, "up", "--bind", "127.0.0.1:1")

    assert second.returncode == 2
    assert second.stderr.endswith(
        f"tandem is already running in {fresh.run_dir}, with pid {fresh.process.pid}.\n"
        "  Stop it with `tandem down`, or see it with `tandem status`.\n"
    )


def test_a_detached_stack_is_controlled_by_subcommands(tmp_path) -> None:
    """up --detach, status, logs and down, each with its exit code."""
    startproject(tmp_path, **SMALL)
    port = Up(tmp_path).port
    assert tandem(tmp_path, "status").returncode == 1

    started = tandem(tmp_path, "up", "--detach", "--bind", f"127.0.0.1:{port}")
    try:
        assert (started.returncode, f"Ready: http://127.0.0.1:{port}/" in started.stderr) == (
            0,
            True,
        )
        assert _get(f"http://127.0.0.1:{port}/")[0] == 200
        assert tandem(tmp_path, "status").returncode == 0
        # NGINX writes its access log once a second.
        assert wait_for(lambda: '"GET / HTTP/1.1" 200' in tandem(tmp_path, "logs", "nginx").stdout)
    finally:
        down = tandem(tmp_path, "down")
    assert down.returncode == 0
    assert tandem(tmp_path, "down").returncode == 1
    assert tandem(tmp_path, "status").stderr == (
        f"Nothing runs in {tmp_path}/.tandem.\n  Start it with `tandem up`.\n"
    )


THREADS = """
import atexit, pathlib, threading, time
from concurrent.futures import ThreadPoolExecutor

threading.Thread(target=time.sleep, args=(600,), name="poller").start()
ThreadPoolExecutor().submit(time.sleep, 600)
atexit.register(pathlib.Path(BASE_DIR, "at-exit").touch)
"""


def test_a_thread_of_the_project_does_not_keep_a_command_from_ending(project) -> None:
    """Such as one that polls a queue; what is registered for the exit still runs."""
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(THREADS)
    bind = f"127.0.0.1:{free_port()}"

    for command in (["plan"], ["explain", "/admin/"], ["up", "--detach", "--bind", bind]):
        done = tandem(project, *command)
        assert done.returncode == 0, done.stderr
        assert (project / "at-exit").exists()
        (project / "at-exit").unlink()
    try:
        done = tandem(project, "reload", "--wait", "--drain", "1")
        assert done.returncode == 0, done.stderr
    finally:
        assert tandem(project, "down").returncode == 0
    (project / "mysite" / "urls.py").write_text("broken(")
    assert tandem(project, "plan").returncode == 2
