"""The rendered unit in a real systemd: it serves in its sandbox, reloads, and is watched."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from root.commands import make_venv, open_project, run
from root.conftest import shared_python
from root.test_started_by_root import free_low_port

from django_tandem.runtime.accounts import Account
from harness.client import ask, wait_for
from harness.projects import with_channels
from harness.systemd import Systemd

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start systemd")

UNIT = "mysite.service"
ROOT = Path(__file__).parents[3]
# Where the servers may write, and which capabilities and system calls they have.
VIEW = """
import json
import os
import tempfile

from django.conf import settings
from django.http import HttpResponse


def sandbox(request):
    found = {}
    for directory in (settings.MEDIA_ROOT, settings.OTHER, "/tmp", "/etc"):
        try:
            with tempfile.TemporaryFile(dir=directory):
                found[directory] = "written"
        except OSError as error:
            found[directory] = os.strerror(error.errno)
    try:
        os.unshare(0x10000000) if hasattr(os, "unshare") else os.chroot("/")
    except OSError as error:
        found["privileged"] = os.strerror(error.errno)
    return HttpResponse(json.dumps(found))


urlpatterns += [path("sandbox/", sandbox)]
"""


@dataclass(frozen=True)
class Site:
    """A deployment with releases, and the systemd that runs its unit."""

    systemd: Systemd
    place: Path
    directory: Path
    port: int
    python: str

    @property
    def status(self) -> str:
        # Absent while the unit is down.
        return self.systemd.show(UNIT).get("StatusText", "")

    @property
    def main_pid(self) -> int:
        return int(self.systemd.show(UNIT)["MainPID"])


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Not in /tmp: the unit has a private one."""
    with tempfile.TemporaryDirectory(prefix="tandem-unit-", dir="/srv") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(scope="module")
def site(app, place) -> Iterator[Site]:
    """Installed as the how-to page has it, on a port below 1024, with all kinds of programs."""
    port = free_low_port(700)
    project = prepare(place, app, port)
    python = make_venv(shared_python(place / "interpreter"), place / "venv")
    with Systemd() as systemd:
        rendered = run(python, project, "render", "systemd", "--output", str(place / "deploy"))
        assert rendered.returncode == 0, rendered.stderr
        systemd.write(UNIT, (place / "deploy" / UNIT).read_text())
        log = f"append:{place / 'log'}"
        # The packages may be those of a clone in /tmp, and the unit has a private one.
        packages = f"BindReadOnlyPaths={ROOT}"
        # So soon that a test can wait for it.
        watchdog = "WatchdogSec=2"
        drop_in = f"[Service]\nStandardOutput={log}\nStandardError={log}\n{watchdog}\n{packages}\n"
        systemd.write(f"{UNIT}.d/tests.conf", drop_in)
        systemd.systemctl("daemon-reload")
        started = systemd.systemctl("start", UNIT)
        assert started.returncode == 0, (place / "log").read_text()
        yield Site(systemd=systemd, place=place, directory=project, port=port, python=python)
        systemd.systemctl("stop", UNIT)


def prepare(place: Path, app: Account, port: int) -> Path:
    project = open_project(place / "releases" / "1", with_channels)
    (place / "current").symlink_to("releases/1")
    for name in ("media", "other", "deploy"):
        (place / name).mkdir()
    urls = project / "mysite" / "urls.py"
    urls.write_text(urls.read_text() + VIEW)
    settings = project / "mysite" / "settings.py"
    settings.write_text(
        settings.read_text()
        + f'MEDIA_ROOT = "{place}/media"\nOTHER = "{place}/other"\n'
        + f'TANDEM = {{"USER": "{app.name}", "BIND": "127.0.0.1:{port}", "DRAIN_S": 1, '
        '"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 1}, "CHANNEL_WORKERS": ["thumbnails"]}\n'
        'INSTALLED_APPS += ["channels"]\n'
    )
    give(place, app)
    return project


def give(directory: Path, account: Account) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def test_systemctl_start_returns_when_the_stack_is_ready(site) -> None:
    """The status has the generation, and the address."""
    assert site.status == f"Generation 1 is live: WSGI and ASGI at http://127.0.0.1:{site.port}/"
    assert ask(site.port, "/announce/?text=1").text == "WSGIRequest"


def test_the_sandbox_has_what_the_settings_name(site) -> None:
    """MEDIA_ROOT may be written, and a private /tmp; nothing else of the file system."""
    place = site.place

    assert ask(site.port, "/sandbox/").json == {
        f"{place}/media": "written",
        f"{place}/other": "Read-only file system",
        "/tmp": "written",
        "/etc": "Read-only file system",
        "privileged": "Operation not permitted",
    }


def test_a_websocket_is_served_in_the_sandbox(site) -> None:
    """By the embedded Valkey, whose socket is in the run directory."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        client.sendall(
            b"GET /echo/a/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://127.0.0.1\r\n\r\n"
        )
        assert client.recv(1024).startswith(b"HTTP/1.1 101 ")


def test_systemctl_reload_returns_when_the_new_generation_is_live(site) -> None:
    """With exit code 0."""
    done = site.systemd.systemctl("reload", UNIT)

    assert done.returncode == 0, done.stderr
    assert site.status.startswith("Generation 2 is live: ")


def test_systemctl_reload_finds_the_next_release(site, app) -> None:
    """The unit names the link, and what it had mounted at its start shows each release."""
    after = site.place / "releases" / "2"
    shutil.copytree(site.directory, after)
    urls = after / "mysite" / "urls.py"
    urls.write_text(urls.read_text() + 'urlpatterns += [path("next/", announce)]\n')
    give(after, app)
    (site.place / "new").symlink_to("releases/2")
    (site.place / "new").rename(site.place / "current")
    done = site.systemd.systemctl("reload", UNIT)

    assert done.returncode == 0, (site.place / "log").read_text()
    assert ask(site.port, "/next/?text=1").status == 200
    (site.place / "new").symlink_to("releases/1")
    (site.place / "new").rename(site.place / "current")
    assert site.systemd.systemctl("reload", UNIT).returncode == 0
    assert ask(site.port, "/next/?text=1").status == 404


def test_systemctl_reload_fails_when_the_new_generation_is_refused(site) -> None:
    """The unit stays active, and the old one keeps serving."""
    urls = site.directory / "mysite" / "urls.py"
    good = urls.read_text()
    urls.write_text("import nothing_of_that_name\n")
    try:
        done = site.systemd.systemctl("reload", UNIT)
    finally:
        urls.write_text(good)

    assert done.returncode == 1
    assert site.status.endswith("; the last reload was refused")
    assert site.systemd.show(UNIT)["ActiveState"] == "active"
    assert ask(site.port, "/announce/?text=1").status == 200


def test_a_supervisord_that_hangs_is_replaced(site) -> None:
    """It sends the watchdog nothing; systemd starts the unit again."""
    before = site.main_pid
    # Of systemd's namespace: the number here is another one.
    site.systemd.systemctl("kill", "--kill-whom=main", f"--signal={signal.SIGSTOP}", UNIT)

    wait_for(lambda: site.systemd.show(UNIT)["NRestarts"] == "1", within_s=30)
    wait_for(lambda: site.status.startswith("Generation 1 is live: "), within_s=60)
    assert site.main_pid != before
    assert ask(site.port, "/announce/?text=1").status == 200


def test_a_wrong_setting_is_not_tried_again(site) -> None:
    """The command ends with exit code 2."""
    settings = site.directory / "mysite" / "settings.py"
    good = settings.read_text()
    settings.write_text(good + 'TANDEM["STOP_S"] = "soon"\n')
    try:
        done = site.systemd.systemctl("restart", UNIT)
    finally:
        settings.write_text(good)
    found = site.systemd.show(UNIT)

    assert done.returncode == 1
    assert (found["ActiveState"], found["ExecMainStatus"]) == ("failed", "2")


def test_a_unit_is_written_by_the_user_of_the_project(site, app) -> None:
    """Root's command becomes that user before the project is imported."""
    done = run(site.python, site.directory, "render", "systemd", "--output", "/srv/deploy")

    assert (done.returncode, done.stderr) == (
        2,
        f"/srv/deploy can't be made: user {app.name} can't write to /srv.\n"
        f"  Root's command runs as that user. Name a directory of {app.name} with `--output`.\n",
    )
