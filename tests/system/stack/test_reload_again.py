"""A reload after a killed one, and one while another generation drains."""

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from django_tandem.runtime import supervisord
from django_tandem.runtime.state import read_state
from harness.client import ask, wait_for
from harness.projects import channels_alone, without_apps
from harness.stack import Up, free_port, started, tandem

PAUSE_S = 0.02
VIEWS = """

def where(request):
    return HttpResponse("first")


urlpatterns += [path("where/", where)]
"""

# Two on WSGI: one may serve a slow request.
FEW_WORKERS = {"WSGI": {"WORKERS": 2}, "ASGI": {"WORKERS": 1}, "MONITOR": False}


def make(directory: Path, **setting: object) -> Path:
    """A project with WebSockets and a view."""
    channels_alone(directory)
    with (directory / "mysite" / "urls.py").open("a") as urls:
        urls.write(VIEWS)
    configure(directory, **{"DRAIN_S": 3, **setting})
    return directory


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    """One stack, which the tests reload."""
    with Up(make(tmp_path_factory.mktemp("again"))) as running:
        yield running


@pytest.fixture
def site(up) -> Iterator[Path]:
    """Its project, whose code is afterwards as it was before."""
    code = {path: path.read_text() for path in (up.directory / "mysite").glob("*.py")}
    yield up.directory
    for path, text in code.items():
        path.write_text(text)


@pytest.fixture
def apart(tmp_path) -> Path:
    """A project for a separate stack, in its own directory below tmp_path."""
    return make(tmp_path / "site")


@pytest.fixture
def on_wsgi(tmp_path) -> Path:
    """One that needs no ASGI."""
    directory = without_apps(tmp_path)
    with (directory / "mysite" / "urls.py").open("a") as urls:
        urls.write(VIEWS)
    return directory


def configure(directory: Path, **setting: object) -> None:
    settings = directory / "mysite" / "settings.py"
    text = settings.read_text().partition("\nTANDEM =")[0]
    settings.write_text(f"{text}\nTANDEM = {FEW_WORKERS | setting!r}\n")


def change(directory: Path, old: str, new: str) -> None:
    urls = directory / "mysite" / "urls.py"
    urls.write_text(urls.read_text().replace(old, new))


def programs(up: Up) -> set[str]:
    return {each.name for each in supervisord.statuses(up.run_dir)}


def kill_reload_at(directory: Path, step: str) -> None:
    """Start a reload, and kill it as soon as it prints ``step``."""
    process = started(directory, "reload")
    for line in process.stderr:
        if step in line:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()


def is_reconciled(up: Up) -> bool:
    state = read_state(up.run_dir)
    return programs(up) == {each.program for each in state.processes}


async def stays_open(up: Up, seconds: float) -> bool:
    """Open a WebSocket, and return whether nobody closes it for so long."""
    async with (
        aiohttp.ClientSession(headers={"Origin": up.url}) as session,
        session.ws_connect(f"{up.url}/echo/a/") as opened,
    ):
        try:
            await opened.receive(timeout=seconds)
        except TimeoutError:
            return True
        return False


def test_a_drain_does_not_outlive_its_generation(up, site) -> None:
    """The number of a killed reload is used again; its drain file is not."""
    candidate = read_state(up.run_dir).generation + 1
    kill_reload_at(site, f"master-{candidate}: answers")
    wait_for(lambda: is_reconciled(up), within_s=20)

    assert tandem(site, "reload", "--wait").returncode == 0

    assert read_state(up.run_dir).generation == candidate
    assert asyncio.run(stays_open(up, 1.5))
    assert not list(up.run_dir.glob("drain-*"))


def test_an_uncommitted_configuration_is_never_used(up, site) -> None:
    """A reload is killed and the code rolled back: the next reload renders its own rules."""
    before = (up.run_dir / "nginx.conf").read_text()
    change(site, "def where", "async def where")
    kill_reload_at(site, "Starting")
    change(site, "async def where", "def where")

    assert tandem(site, "reload", "--wait").returncode == 0

    assert (up.run_dir / "nginx.conf").read_text() == before
    assert not list(up.run_dir.glob("*.next"))


def test_new_routes_during_a_drain_lose_no_request(apart) -> None:
    """The drain of one reload stops no program that still gets new connections."""
    configure(apart, DRAIN_S=20)
    with Up(apart) as up, Asking(up) as asking:
        # Each drain has something to wait for.
        held = hold_open(up)
        for old, new in (("def", "async def"), ("async def", "def")) * 2:
            change(apart, f"{old} where", f"{new} where")
            assert tandem(apart, "reload").returncode == 0
        held.set()

    assert asking.count > 50
    assert asking.failures == []


class Asking:
    """One request after the other, on a thread, until the end of the block."""

    def __init__(self, up: Up) -> None:
        self._port = up.port
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.count = 0
        self.failures: list[object] = []

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _ask(self) -> None:
        # A short pause leaves the CPUs to the reloads.
        while not self._is_over.wait(PAUSE_S):
            self.count += 1
            try:
                status = ask(self._port, "/where/").status
            except OSError as error:
                status = error
            if status != 200:
                self.failures.append(status)


def hold_open(up: Up) -> threading.Event:
    """Keep a WebSocket open, again and again, until the event is set."""
    over = threading.Event()

    async def hold() -> None:
        async with aiohttp.ClientSession(headers={"Origin": up.url}) as session:
            while not over.is_set():
                async with session.ws_connect(f"{up.url}/echo/a/") as opened:
                    while not opened.closed and not over.is_set():
                        try:
                            await opened.receive(timeout=0.2)
                        except TimeoutError:
                            continue

    threading.Thread(target=lambda: asyncio.run(hold()), daemon=True).start()
    return over


def test_a_program_that_fails_after_the_commit_is_reported(on_wsgi) -> None:
    """It starts only when its predecessor has ended; the site keeps serving."""
    code = "import time; time.sleep(600)"
    configure(on_wsgi, DRAIN_S=3, PROGRAMS={"beat": [sys.executable, "-c", code]})
    with Up(on_wsgi) as up:
        configure(on_wsgi, DRAIN_S=3, PROGRAMS={"beat": [sys.executable, "-c", "broken("]})

        done = tandem(on_wsgi, "reload", "--wait")

        assert done.returncode == 1
        assert "Generation 2 is live, but not all of its programs stay up." in done.stderr
        assert "beat-2" in done.stderr
        for _ in range(5):
            up.wait_for("beat-2 failed")
        assert ask(up.port, "/where/").status == 200


def test_a_server_that_ends_before_the_commit_fails_the_reload(up, site) -> None:
    """Even if it passed its health check: it may end while the other one loads."""
    configure(site, SHARED_MASTER=False)
    asgi = site / "mysite" / "asgi.py"
    asgi.write_text(f"import time\ntime.sleep(5)\n{asgi.read_text()}")
    process = started(site, "reload")
    lines = iter(process.stderr)
    first = next(line.split(":")[0] for line in lines if ": answers" in line)
    os.kill(supervisord.pid_of(up.run_dir, first), signal.SIGKILL)

    assert f"{first} can't be started" in "".join(lines)
    assert process.wait() == 1
    assert ask(up.port, "/where/").status == 200


def test_a_run_directory_may_have_an_indirect_path(apart) -> None:
    """Its connections are counted all the same: a reload does not close all at once."""
    configure(apart, RUN_DIR="../run", DRAIN_S=60)
    with Up(apart) as up:

        async def count_open_after_reload() -> int:
            async with (
                aiohttp.ClientSession(headers={"Origin": up.url}) as session,
                session.ws_connect(f"{up.url}/echo/a/") as first,
                session.ws_connect(f"{up.url}/echo/b/") as second,
            ):
                # From the start, for receive() also answers the server's pings.
                closes = [asyncio.create_task(each.receive()) for each in (first, second)]
                assert (await asyncio.to_thread(tandem, apart, "reload")).returncode == 0
                _, is_open = await asyncio.wait(closes, timeout=3)
                return len(is_open)

        # One of the two closes in the second half of the window: 27 s after its start.
        assert asyncio.run(count_open_after_reload()) >= 1


def test_an_address_in_use_fails_the_reload(on_wsgi) -> None:
    """Before anything is started; the edge keeps its addresses."""
    configure(on_wsgi)
    with Up(on_wsgi) as up:
        port = free_port()
        configure(on_wsgi, BIND=[f"127.0.0.1:{up.port}", f"127.0.0.1:{port}"])
        change_bind(up, None)
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            done = tandem(on_wsgi, "reload")

        assert done.returncode == 2
        assert f"127.0.0.1:{port} is in use by another program" in done.stderr
        assert ask(up.port, "/where/").status == 200
        assert tandem(on_wsgi, "reload").returncode == 0
        assert ask(port, "/where/").status == 200


def change_bind(up: Up, bind: str | None) -> None:
    """Remove the address of the command line from the running stack's state."""
    path = up.run_dir / "state.json"
    kept = json.loads(path.read_text())
    kept["overrides"]["bind"] = bind
    path.write_text(json.dumps(kept))


def test_a_drain_is_no_longer_than_the_edge_allows(site) -> None:
    """NGINX's old workers close their connections after DRAIN_S."""
    done = tandem(site, "reload", "--drain", "60")

    assert done.returncode == 1
    assert "Expected `--drain` of at most 3, got 60: " in done.stderr


def test_an_unknown_field_in_the_state_is_ignored(up, site) -> None:
    """A newer version may have written it; supervisord reads the state every few seconds."""
    path = up.run_dir / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "of_tomorrow": 1}))

    assert tandem(site, "reload", "--wait").returncode == 0
    assert ask(up.port, "/where/").status == 200


def test_a_full_disk_stops_no_program(up) -> None:
    """A program is restarted even if its pid can't be recorded."""
    recorded = up.run_dir / "started.json"
    recorded.unlink()
    recorded.mkdir()
    try:
        program = f"master-{read_state(up.run_dir).generation}"
        killed = supervisord.pid_of(up.run_dir, program)
        os.kill(killed, signal.SIGKILL)

        wait_for(lambda: supervisord.pid_of(up.run_dir, program) not in (None, killed), within_s=15)
        wait_for(lambda: ask(up.port, "/where/").status == 200, within_s=15)
        assert up.process.poll() is None
    finally:
        recorded.rmdir()


def test_a_damaged_state_is_one_sentence_in_every_command(up, site) -> None:
    """The stack keeps serving, and `tandem down` stops it. The last of all: nothing runs then."""
    path, printed = up.run_dir / "state.json", len(up.output)
    path.write_text(path.read_text()[:100])

    for command in (["status"], ["logs"], ["reload"], ["plan"]):
        done = tandem(site, *command)
        assert (done.returncode, done.stderr.count("is damaged")) in ((2, 1), (0, 0)), command
        assert "Traceback" not in done.stderr
    assert ask(up.port, "/where/").status == 200
    # supervisord's plugin reads the state every five seconds.
    time.sleep(6)
    assert tandem(site, "down").returncode == 0
    assert "Traceback" not in up.output[printed:]
