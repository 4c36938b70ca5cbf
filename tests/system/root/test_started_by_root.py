"""A stack that root starts: every process, file and socket is that of an ordinary user."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from root.commands import Done, environment, open_project, run

from django_tandem.runtime.accounts import Account
from harness.client import ask, wait_for
from harness.projects import with_channels
from harness.stack import Up, last_line

T = TypeVar("T")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

VIEW = """
import json
import os

from django.http import HttpResponse

NAMES = ("HOME", "USER", "LOGNAME")


def who(request):
    found = {name: os.environ.get(name) for name in NAMES}
    groups = sorted(os.getgroups())
    return HttpResponse(json.dumps({**found, "ids": os.getresuid(), "groups": groups}))


urlpatterns += [path("who/", who)]
"""
# The sets of a process that root's rights might be left in.
SETS = ("CapPrm", "CapEff", "CapAmb")
# Of linux/capability.h: CAP_NET_BIND_SERVICE alone.
PORTS_ONLY = {0, 1 << 10}
# The monitor answers on the address of METRICS.
MAY_LISTEN = ("nginx", "supervisor.supervisord", "django_tandem.monitor", "sleep 600")


@dataclass(frozen=True)
class Site:
    """A project with its interpreter, and the stack that runs it."""

    directory: Path
    python: str
    account: Account
    up: Up
    health_port: int

    def run(self, *args: str, by: Account | None = None) -> Done:
        """Run a command as root, or as an ordinary user."""
        return run(self.python, self.directory, *args, by=by)


def free_low_port(first: int = 600) -> int:
    """Return a port from ``first`` on, on which an ordinary user may not listen."""
    for port in range(first, 1024):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port below 1024 is free")


def of_each(up: Up, read: Callable[[psutil.Process], T]) -> list[T]:
    """Read something of each process, without those that end meanwhile, as the announcer."""
    supervisord = psutil.Process(up.process.pid)
    found = []
    for each in (supervisord, *supervisord.children(recursive=True)):
        # /proc has no file of an ended process, and no line of one that ends while it is read.
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            found.append(read(each))
    return found


def command_of(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def rights_of(process: psutil.Process) -> tuple[str, set[int]]:
    """Return the command of a process, and its sets of capabilities."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    lines = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return command_of(process), {int(lines[name], 16) for name in SETS}


def owners(directory: Path) -> set[int]:
    """Return the owners of ``directory`` and of all that is in it."""
    return {path.lstat().st_uid for path in (directory, *directory.rglob("*"))}


@pytest.fixture(scope="module")
def site(app, python, module_place) -> Iterator[Site]:
    """A project of root's with all kinds of programs, on a port below 1024."""
    project = open_project(module_place, with_channels)
    urls = project / "mysite" / "urls.py"
    urls.write_text(urls.read_text() + VIEW)
    settings = project / "mysite" / "settings.py"
    port = free_low_port()
    health_port = free_low_port(port + 1)
    settings.write_text(
        settings.read_text()
        + f'TANDEM = {{"USER": "{app.name}", "CHANNEL_WORKERS": ["thumbnails"], '
        '"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 1}, '
        '"PROGRAMS": {"sleeper": ["sleep", "600"]}, "MIGRATIONS": "check", '
        f'"HEALTH": "127.0.0.1:{health_port}"}}\n'
        'INSTALLED_APPS += ["channels"]\nDATABASES = {}\n'
    )
    with Up(project, python=python, port=port, environment=environment()) as up:
        yield Site(directory=project, python=python, account=app, up=up, health_port=health_port)


def test_every_process_runs_as_the_user(site) -> None:
    """supervisord, NGINX's master and workers, servers, Channels workers, Valkey, PROGRAMS."""
    names = set(of_each(site.up, lambda each: " ".join(each.cmdline()[:6])))

    for expected in ("supervisor", "nginx: master", "nginx: worker", "valkey", "sleep 600"):
        assert any(expected in name for name in names), names
    assert set(of_each(site.up, psutil.Process.uids)) == {(site.account.uid,) * 3}
    assert set(of_each(site.up, psutil.Process.gids)) == {(site.account.gid,) * 3}


def test_only_ports_below_1024_are_left_of_root(site) -> None:
    """And no server, Channels worker or Valkey may listen there."""
    rights = of_each(site.up, rights_of)

    assert any("nginx: master" in command for command, _ in rights)
    for command, found in rights:
        may_listen = any(name in command for name in MAY_LISTEN)
        assert found <= (PORTS_ONLY if may_listen else {0}), command


def test_the_probes_may_have_a_port_below_1024(site) -> None:
    """supervisord listens there as the user; a project without a database has no migrations."""
    wait_for(lambda: ask(site.health_port, "/readyz").status == 200)

    assert ask(site.health_port, "/livez").status == 200


def test_a_view_has_the_users_environment_and_groups(site) -> None:
    """HOME, USER and LOGNAME, and the supplementary groups of /etc/group."""
    answer = ask(site.up.port, "/who/").json

    assert answer == {
        "HOME": site.account.home,
        "USER": site.account.name,
        "LOGNAME": site.account.name,
        "ids": [site.account.uid] * 3,
        "groups": sorted(site.account.groups),
    }
    assert len(site.account.groups) == 2


def test_the_run_directory_belongs_to_the_user(site) -> None:
    """Root made it, where the user may not write; logs, sockets and links are the user's too."""
    assert site.up.run_dir.stat().st_mode & 0o777 == 0o700
    assert owners(site.up.run_dir) == {site.account.uid}


def test_the_start_names_the_user(site) -> None:
    """One line, and nothing of it in `plan`, where nothing is started."""
    expected = f'Started by root: everything runs as {site.account.name}, set by TANDEM["USER"].'

    assert expected in site.up.output.splitlines()
    assert "by root" not in site.run("plan").stderr


def test_root_and_the_user_both_see_the_stack(site) -> None:
    """Both read the same state and the same logs."""
    for by in (None, site.account):
        status = site.run("status", by=by)
        assert (status.returncode, "Generation" in status.stdout) == (0, True), status.stderr
        assert site.run("logs", by=by).returncode == 0
        assert site.run("explain", "/who/", by=by).returncode == 0


def test_root_and_the_user_both_reload_the_stack(site) -> None:
    """Neither leaves a file that the other could not replace."""
    for by in (None, site.account, None):
        done = site.run("reload", "--wait", by=by)
        assert (done.returncode, "is live." in done.stderr) == (0, True), done.stderr

    assert owners(site.up.run_dir) == {site.account.uid}
    assert ask(site.up.port, "/who/").json["ids"] == [site.account.uid] * 3
    # The project is root's own, and only root might have written there.
    assert not list(site.directory.rglob("__pycache__"))


def test_another_user_is_refused(site, nameless) -> None:
    """Neither its state is shown nor is it stopped."""
    for command in ("status", "down", "reload"):
        done = site.run(command, by=nameless)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert f"{site.up.run_dir} belongs to user {site.account.name}.\n" in done.stderr

    assert ask(site.up.port, "/who/").status == 200


def test_a_reload_does_not_change_the_user(site) -> None:
    """The setting names another user by now."""
    settings = site.directory / "mysite" / "settings.py"
    before = settings.read_text()
    settings.write_text(before.replace(f'"USER": "{site.account.name}"', '"USER": "daemon"'))
    try:
        done = site.run("reload")
    finally:
        settings.write_text(before)

    assert (done.returncode, done.stderr) == (
        2,
        f'TANDEM["USER"] is "daemon", and the stack runs as {site.account.name}.\n'
        "  Stop it with `tandem down`, and start it with `tandem up`: "
        "a reload can't change the user.\n",
    )


def test_the_owner_of_the_project_runs_it(place, python, nameless) -> None:
    """Without the setting, and though the owner has no name here; root stops it."""
    project = open_project(place)
    for path in (project, *project.rglob("*")):
        os.chown(path, nameless.uid, nameless.gid)
    up = Up(project, python=python, environment=environment())
    with up:
        assert set(of_each(up, psutil.Process.uids)) == {(nameless.uid,) * 3}
        assert owners(project) == {nameless.uid}
        assert list(project.rglob("__pycache__"))
        assert f"runs as {nameless.uid}, the owner of {project}.\n" in up.output

        done = run(python, project, "down")

        assert (done.returncode, last_line(done)) == (0, "Stopped.")
        assert up.wait() == 0
    assert owners(project) == {nameless.uid}
