"""A stack of one user that the members of RELOAD_GROUP reload, and nobody else."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from root.commands import Done, environment, open_project, run

from django_tandem.runtime import accounts
from django_tandem.runtime.accounts import Account
from django_tandem.runtime.reload_requests import ReloadRequest, address, request_reload
from harness.client import ask
from harness.stack import Up

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

URLS = """
import os

from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse(f"{0} by {{os.getuid()}}"))]
"""


@dataclass(frozen=True)
class Site:
    """A stack of ``app``, and a member of its group."""

    up: Up
    python: str
    app: Account
    member: Account

    def reload(self, by: Account, *args: str) -> Done:
        return run(self.python, self.up.directory, "reload", *args, by=by)

    def write(self, text: str) -> None:
        (self.up.directory / "mysite" / "urls.py").write_text(URLS.format(text))

    @property
    def text(self) -> str:
        return ask(self.up.port, "/").text


@pytest.fixture(scope="module")
def member() -> Iterator[Account]:
    """Another user, with another group, to which the stack's user does not belong."""
    name = f"deploy{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--user-group", name], check=True)
    yield accounts.find(name, "`--user`")
    subprocess.run(["userdel", name], check=True)


@pytest.fixture(scope="module")
def site(app, member, python, module_place) -> Iterator[Site]:
    project = open_project(module_place)
    settings = project / "mysite" / "settings.py"
    settings.write_text(
        settings.read_text() + f'TANDEM = {{"USER": "{app.name}", "RELOAD_GROUP": "{member.name}", '
        '"DRAIN_S": 1, "WSGI": {"WORKERS": 1}, "MONITOR": False}\n'
        'DATABASES = {}\nALLOWED_HOSTS = ["*"]\n'
    )
    (project / "mysite" / "urls.py").write_text(URLS.format("first"))
    with Up(project, python=python, environment=environment()) as up:
        yield Site(up=up, python=python, app=app, member=member)


def test_a_member_reloads_the_stack_as_its_user(site) -> None:
    """What the reload prints is the member's to read, and its exit code is the command's."""
    site.write("second")
    done = site.reload(site.member, "--wait")

    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "Generation 2 is live."
    assert site.text == f"second by {site.app.uid}"


def test_a_refused_reload_fails_for_the_member(site) -> None:
    """With the reason, and the traceback if that is wanted."""
    urls = site.up.directory / "mysite" / "urls.py"
    good = urls.read_text()
    urls.write_text("no_such_name\n")
    done = site.reload(site.member, "--traceback")
    urls.write_text(good)

    assert done.returncode == 2
    assert "NameError: name 'no_such_name' is not defined" in done.stderr
    assert site.text == f"second by {site.app.uid}"


def test_the_run_directory_stays_closed(site) -> None:
    """A member may reload the stack, and neither read its state nor stop it."""
    assert site.up.run_dir.stat().st_mode & 0o777 == 0o700
    for command in ("status", "down", "logs"):
        done = run(site.python, site.up.directory, command, by=site.member)
        assert (done.returncode, done.stdout) == (2, "")


def test_another_user_is_refused(site, nameless) -> None:
    """By the kernel's credentials, before anything is started."""
    done = site.reload(nameless)

    assert (done.returncode, done.stderr) == (
        2,
        f"User {nameless.name} may not reload the stack in {site.up.run_dir}: "
        f'TANDEM["RELOAD_GROUP"] is "{site.member.name}".\n'
        f"  Add the user to that group, or run the command as {site.app.name}.\n",
    )


def test_a_socket_of_another_user_gets_no_request(site, nameless) -> None:
    """Any user may take a name in the abstract namespace that is free."""
    directory = site.up.directory / "stopped"
    directory.mkdir()
    os.chown(directory, site.app.uid, site.app.gid)
    script = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); "
        "s.bind(chr(0) + sys.argv[1]); s.listen(); print(flush=True); s.accept()[0].recv(1)"
    )
    name = address(directory, site.app.uid).lstrip("\0")
    with subprocess.Popen(
        ["/usr/bin/python3", "-c", script, name], user=nameless.uid, stdout=subprocess.PIPE, cwd="/"
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        lines: list[str] = []
        code = request_reload(directory, ReloadRequest(timeout_s=5), lines.append)

    assert (code, lines) == (None, [])


def test_without_the_setting_nobody_else_may(site) -> None:
    """A reload applies the setting; the stack itself keeps serving."""
    settings = site.up.directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + 'del TANDEM["RELOAD_GROUP"]\n')
    last = site.reload(site.member)
    refused = site.reload(site.member)

    assert last.returncode == 0, last.stderr
    assert refused.returncode == 2
    assert refused.stderr == (
        f"{site.up.run_dir} belongs to user {site.app.name}.\n"
        f"  Run the command as that user, with `sudo -u {site.app.name}`, or name another "
        'directory in TANDEM["RUN_DIR"].\n'
        '  Or let a group of yours reload it, with TANDEM["RELOAD_GROUP"].\n'
    )
