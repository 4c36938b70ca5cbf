"""The probes of a running stack, in each of its states; the tests run in their order."""

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from django_tandem.runtime import supervisord
from harness import forking
from harness.client import ask, wait_for
from harness.projects import startproject
from harness.stack import Up, clean_environment, free_port, tandem

WITHIN_S = 30
# A request may wait for so long, and so long may a stack be silent.
TIMEOUT_S = 3
# None of this plays a part in a probe.
SETTINGS = f"""
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ALLOWED_HOSTS = ["shop.example"]
MIDDLEWARE.append("django.contrib.auth.middleware.LoginRequiredMiddleware")
TANDEM = {{
    "WSGI": {{"WORKERS": 2, "TIMEOUT_S": {TIMEOUT_S}}},
    "ASGI": {{"WORKERS": 1, "ALWAYS": True}},
    "EDGE": {{"SERVER_NAMES": ["shop.example"], "TRUSTED_PROXIES": ["127.0.0.1"]}},
    "MIGRATIONS": "check",
    "MONITOR": False,
}}
"""
# A view on each stack that takes as long as a file says so.
URLS = """
import time
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import path


@login_not_required
def held(request):
    while Path(__file__).with_name("held").exists():
        time.sleep(0.05)
    return HttpResponse("released")


@login_not_required
async def blocking(request):
    return held(request)


urlpatterns = [path("held/", held), path("blocking/", blocking)]
"""
# The project's import takes as long as a file says so.
SLOW = """
import time
from pathlib import Path

while Path(__file__).with_name("slow").exists():
    time.sleep(0.05)
"""
PROBES = ("livez", "readyz", "startupz")


@dataclass(frozen=True)
class Probe:
    """The answer of a probe."""

    status: int
    body: dict[str, Any]

    @property
    def failures(self) -> dict[str, str]:
        return self._with("fail")

    @property
    def warnings(self) -> dict[str, str]:
        return self._with("warn")

    def _with(self, status: str) -> dict[str, str]:
        checks = self.body["checks"].items()
        return {name: check["reason"] for name, check in checks if check["status"] == status}


class Probed(Up):
    """A stack whose probes have their own port, and what they answered while it started."""

    starting: dict[str, Probe]

    def probe(self, name: str) -> Probe:
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(5)
        connection.sock.connect(str(self.run_dir / "health.sock"))
        connection.request("GET", f"/{name}", headers={"Host": "other.example"})
        response = connection.getresponse()
        return Probe(status=response.status, body=json.loads(response.read()))

    def find(self, name: str) -> Probe | None:
        try:
            return self.probe(name)
        except OSError:
            return None

    @property
    def package(self) -> Path:
        return self.directory / "mysite"


def is_importing(up: Probed) -> bool:
    """Return whether the edge runs, and the program of the stacks without a socket yet."""
    found = up.find("readyz")
    failures = found.failures if found else {}
    return failures.get("wsgi") == "It does not listen." and "nginx" not in failures


@pytest.fixture(scope="module")
def health_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def up(tmp_path_factory, health_port) -> Iterator[Probed]:
    directory = startproject(tmp_path_factory.mktemp("probed"))
    package = directory / "mysite"
    with (package / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
        settings.write(f'TANDEM["HEALTH"] = "127.0.0.1:{health_port}"\n')
    (package / "urls.py").write_text(URLS)
    with (package / "wsgi.py").open("a") as wsgi:
        wsgi.write(SLOW)
    (package / "slow").touch()
    running = Probed(directory, ready="Not ready: ")
    with ThreadPoolExecutor() as pool:
        entered = pool.submit(running.__enter__)
        try:
            wait_for(lambda: is_importing(running), within_s=WITHIN_S)
            running.starting = {name: running.probe(name) for name in PROBES}
        finally:
            (package / "slow").unlink()
        entered.result()
    with running_until_end(running):
        yield running


@contextmanager
def running_until_end(up: Up) -> Iterator[None]:
    try:
        yield
    finally:
        (up.directory / "mysite" / "held").unlink(missing_ok=True)
        up.stop()


@contextmanager
def held(up: Probed, path: str, count: int) -> Iterator[None]:
    """
    Have ``count`` requests in flight within the block.

    One that times out is sent again, and so is one that a restarted NGINX does not accept yet.
    """
    file = up.package / "held"
    file.touch()
    headers = [("Host", "shop.example"), ("X-Forwarded-Proto", "https")]

    def send() -> None:
        while file.exists():
            with suppress(OSError, http.client.HTTPException):
                ask(up.port, path, headers=headers)

    with ThreadPoolExecutor(count) as pool:
        sent = [pool.submit(send) for _ in range(count)]
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
    for each in sent:
        each.result()


@contextmanager
def stopped_master(up: Probed) -> Iterator[None]:
    """Have no worker replaced within the block."""
    pid = supervisord.pid_of(up.run_dir, "master-1")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def answers(port: int) -> bool:
    try:
        return ask(port, "/livez").status == 200
    except ConnectionRefusedError:
        return False


def ready(up: Probed) -> bool:
    return up.probe("readyz").status == 200


def test_while_it_starts(up) -> None:
    """It is alive, neither started nor ready, and the answer names what is missing."""
    missing = {
        "start": "The first generation is not live yet.",
        "wsgi": "It does not listen.",
        "asgi": "It does not listen.",
    }
    livez, readyz, startupz = (up.starting[name] for name in PROBES)

    assert (livez.status, livez.failures) == (200, {})
    assert (startupz.status, startupz.body["status"]) == (503, "fail")
    assert startupz.failures == missing
    assert readyz.failures == {**missing, "migrations": "They have not been read yet."}


def test_with_unapplied_migrations(up) -> None:
    """It has started, and is not ready; `tandem status --check` prints the same in a line."""
    unapplied = "18 are unapplied, in admin, auth, contenttypes, sessions."
    started, not_ready = up.output.splitlines()[-2:]
    assert started.startswith("Started: http://")
    assert not_ready == f"Not ready: migrations: {unapplied}"
    wait_for(lambda: up.probe("readyz").failures == {"migrations": unapplied}, within_s=WITHIN_S)

    assert [up.probe(name).status for name in PROBES] == [200, 503, 200]
    done = tandem(up.directory, "status", "--check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Not ready: migrations: {unapplied}\n"
    assert tandem(up.directory, "status", "--check", "live").returncode == 0

    forking.run(["manage.py", "migrate"], up.directory, clean_environment(), timeout_s=60)
    wait_for(lambda: ready(up), within_s=WITHIN_S)


def test_once_it_is_ready(up, health_port) -> None:
    """On its own address too, for every host name, and with nothing of the project's."""
    assert [up.probe(name).status for name in PROBES] == [200] * 3
    assert up.probe("readyz").body == {
        "status": "pass",
        "checks": {
            name: {"status": "pass"} for name in ("start", "wsgi", "asgi", "nginx", "migrations")
        },
    }
    for name in PROBES:
        answer = ask(health_port, f"/{name}", headers=[("Host", "10.1.2.3")])
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert ask(health_port, "/").status == 404
    done = tandem(up.directory, "status", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_nginx(up) -> None:
    """It is not ready, and alive: supervisord restarts NGINX."""
    config = up.run_dir / "nginx.conf"
    config.rename(config.with_name("nginx.conf.away"))
    try:
        os.kill(supervisord.pid_of(up.run_dir, "nginx") or 0, signal.SIGKILL)
        probe = wait_for(
            lambda: (found := up.probe("readyz")).status == 503 and found, within_s=WITHIN_S
        )

        assert probe.failures.keys() == {"nginx"}
        assert up.probe("livez").status == 200
    finally:
        config.with_name("nginx.conf.away").rename(config)
    wait_for(lambda: ready(up), within_s=WITHIN_S)


def test_with_all_workers_busy(up) -> None:
    """It is ready and alive; the answer names the stack."""
    # More than there are workers: one that is replaced after its timeout gets the next.
    with held(up, "/held/", 6):
        # On a busy machine the edge may be late as well, for a moment.
        busy = wait_for(
            lambda: (found := up.probe("readyz")).warnings.keys() == {"wsgi"} and found,
            within_s=WITHIN_S,
        )

        assert (busy.status, busy.failures) == (200, {})
        assert busy.warnings["wsgi"].endswith(" It is busy.")
        assert up.probe("livez").status == 200
    wait_for(lambda: not up.probe("readyz").warnings, within_s=WITHIN_S)


def test_with_a_blocked_event_loop(up) -> None:
    """It is not ready once every request would have timed out."""
    # Else it would replace the worker a moment later.
    with stopped_master(up), held(up, "/blocking/", 1):
        probe = wait_for(
            lambda: (found := up.probe("readyz")).status == 503 and found, within_s=WITHIN_S
        )

        assert probe.failures.keys() == {"asgi"}
        assert probe.failures["asgi"].startswith("It has not answered for ")
        assert up.probe("livez").status == 200
    wait_for(lambda: ready(up), within_s=WITHIN_S)


def test_a_refused_reload_changes_nothing(up) -> None:
    """The live generation stays ready."""
    urls = up.package / "urls.py"
    urls.write_text("raise ValueError\n")

    assert tandem(up.directory, "reload").returncode != 0

    assert [up.probe(name).status for name in PROBES] == [200] * 3
    urls.write_text(URLS)


def test_a_reload_moves_the_probes(up, health_port) -> None:
    """To the address of the new settings; the socket in the run directory stays."""
    port = free_port()
    with (up.package / "settings.py").open("a") as settings:
        settings.write(f'TANDEM["HEALTH"] = "127.0.0.1:{port}"\n')

    assert tandem(up.directory, "reload").returncode == 0

    wait_for(lambda: answers(port))
    assert not answers(health_port)
    wait_for(lambda: ready(up), within_s=WITHIN_S)


def test_with_a_stopped_supervisord(up) -> None:
    """Nothing answers, and the command does not wait for long."""
    up.process.send_signal(signal.SIGSTOP)
    try:
        done = tandem(up.directory, "status", "--check")
    finally:
        up.process.send_signal(signal.SIGCONT)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"The probes do not answer in {up.run_dir}.\n  `tandem logs` shows why.\n"
    )


def test_while_it_stops(up) -> None:
    """It is alive and not ready, for as long as it finishes a request; then nothing answers."""
    with held(up, "/held/", 1):
        wait_for((up.package / "held").exists)
        up.process.send_signal(signal.SIGTERM)
        probe = wait_for(lambda: (found := up.find("readyz")) and found.status == 503 and found)

        assert probe.failures == {"stop": "The stack is stopping."}
        assert [up.probe(name).status for name in PROBES] == [200, 503, 200]
        done = tandem(up.directory, "status", "--check")
        assert done.stderr == "Not ready: stop: The stack is stopping.\n"
    assert up.wait() == 0

    assert up.find("livez") is None
    assert not (up.run_dir / "health.sock").exists()
    done = tandem(up.directory, "status", "--check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Nothing runs in {up.run_dir}.\n  Start it with `tandem up`.\n"
