"""Releases behind a symbolic link: each reload serves the release that the link leads to."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stack.mistaken import running_in

import django_tandem
from django_tandem.runtime import supervisord
from harness.client import ask, wait_for
from harness.projects import startproject
from harness.stack import clean_environment, free_port, tandem

URLS = """
import sys

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

def sync(request):
    return HttpResponse("release {0}, " + sys.prefix)

def lazy(request):
    from mysite.lazy import RELEASE
    return render(request, "page.html", {{"text": f"release {0}, module of release {{RELEASE}}"}})

async def coroutine(request):
    return HttpResponse("release {0}, " + sys.prefix)

urlpatterns = [path("sync/", sync), path("lazy/", lazy), path("async/", coroutine)]
"""
SETTINGS = """
DEBUG = False
ALLOWED_HOSTS = ["*"]
STATIC_ROOT = BASE_DIR / "static"
TEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]
TANDEM = {"DRAIN_S": 1, "WSGI": {"WORKERS": 1}}
"""


@dataclass(frozen=True)
class Deployment:
    """Releases, each with its own virtual environment, and the link ``current``."""

    directory: Path
    port: int

    def release(self, number: int) -> Path:
        """Make a release."""
        directory = self.directory / "releases" / str(number)
        directory.mkdir(parents=True)
        startproject(directory)
        (directory / "mysite" / "urls.py").write_text(URLS.format(number))
        (directory / "mysite" / "lazy.py").write_text(f"RELEASE = {number}\n")
        (directory / "templates").mkdir()
        (directory / "templates" / "page.html").write_text(f"{{{{ text }}}}, template {number}")
        (directory / "static").mkdir()
        (directory / "static" / "release.txt").write_text(f"static {number}")
        with (directory / "mysite" / "settings.py").open("a") as settings:
            settings.write(SETTINGS)
        make_venv(directory / ".venv")
        return directory

    def link(self, number: int) -> None:
        """Point ``current`` at a release, as a deploy does."""
        (self.directory / "new").symlink_to(f"releases/{number}")
        (self.directory / "new").rename(self.directory / "current")

    def tandem(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the live release, in the shell's way: PWD is the link."""
        current = self.directory / "current"
        return self.run(current, current / ".venv", *args)

    def run(self, directory: Path, venv: Path, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a directory, by the interpreter of a virtual environment."""
        current = self.directory / "current"
        python = venv / "bin" / Path(sys.executable).name
        return subprocess.run(
            [python, "-P", "-m", "django_tandem", *args],
            cwd=directory,
            env=clean_environment() | {"PWD": str(current)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def text(self, path: str) -> str:
        return ask(self.port, path).text

    def serves(self, number: int) -> None:
        """Assert that a release is served as a whole: code, interpreter, templates and files."""
        prefix = self.directory / "releases" / str(number) / ".venv"
        assert self.text("/sync/") == f"release {number}, {prefix}"
        assert self.text("/async/") == f"release {number}, {prefix}"
        assert self.text("/static/release.txt") == f"static {number}"


def make_venv(directory: Path) -> None:
    """Make a virtual environment whose django_tandem and supervisor vanish with it."""
    python = [sys.executable, "-m", "venv", "--without-pip", str(directory)]
    subprocess.run(python, check=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(directory)}))
    installed = Path(sysconfig.get_path("purelib"))
    shutil.copytree(Path(django_tandem.__file__).parent, own / "django_tandem")
    shutil.copytree(installed / "supervisor", own / "supervisor")
    for info in installed.glob("*upervisor-*.dist-info"):
        shutil.copytree(info, own / info.name)
    (own / "installed.pth").write_text(f"{installed}\n")


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    # Not tmp_path, which is too long for sockets: the run directory would be elsewhere.
    with tempfile.TemporaryDirectory(dir="/tmp") as scratch:
        made = Deployment(directory=Path(scratch, "app"), port=free_port())
        yield made
        made.tandem("down")
        assert running_in(made.directory) == []


def test_each_release_is_served_as_a_whole_and_can_be_deleted(deployment) -> None:
    """With no setting, and a virtual environment in each release."""
    deployment.release(1)
    deployment.release(2)
    deployment.link(1)
    started = deployment.tandem("up", "--detach", "--bind", f"127.0.0.1:{deployment.port}")
    assert started.returncode == 0, started.stderr
    run_dir = deployment.directory / ".tandem-current"
    assert f"The run directory is {run_dir}: all releases that " in started.stderr
    deployment.serves(1)

    deployment.link(2)
    # Until the reload, release 1 is served alone: also what it imports only now.
    assert deployment.text("/lazy/") == "release 1, module of release 1, template 1"

    second = deployment.tandem("reload", "--wait")
    assert second.returncode == 0, second.stderr
    deployment.serves(2)
    shutil.rmtree(deployment.directory / "releases" / "1")
    deployment.release(3)
    deployment.link(3)

    third = deployment.tandem("reload", "--wait")
    assert third.returncode == 0, third.stderr
    deployment.serves(3)
    assert set(programs(deployment)) == {"monitor", "nginx", "master-3"}
    for program in sorted(programs(deployment)):
        kill_and_wait(deployment, program)
    deployment.serves(3)
    assert deployment.tandem("down").returncode == 0


def test_a_shell_that_stayed_in_the_old_release_reloads_the_new_one(deployment) -> None:
    """By the old interpreter too; a rollback is a reload like any other."""
    before, _ = deployment.release(1), deployment.release(2)
    deployment.link(1)
    started = deployment.tandem("up", "--detach", "--bind", f"127.0.0.1:{deployment.port}")
    assert started.returncode == 0, started.stderr
    deployment.link(2)

    done = deployment.run(before, before / ".venv", "reload", "--wait", "--drain", "0")
    assert done.returncode == 0, done.stderr
    after = deployment.directory / "releases" / "2"
    python = after / ".venv" / "bin" / Path(sys.executable).name
    assert done.stderr.splitlines()[0] == f"Reloading the release in {after}, with {python}."
    deployment.serves(2)

    deployment.link(1)
    done = deployment.run(deployment.directory / "current", after / ".venv", "reload", "--wait")
    assert done.returncode == 0, done.stderr
    deployment.serves(1)
    assert deployment.tandem("down").returncode == 0


def programs(deployment: Deployment) -> dict[str, int]:
    """Return the programs that run, with their pids."""
    found = json.loads(deployment.tandem("status", "--json").stdout)["processes"]
    return {each["program"]: each["pid"] for each in found}


def kill_and_wait(deployment: Deployment, program: str) -> None:
    """Kill a program, and wait until it runs again."""
    run_dir = deployment.directory / ".tandem-current"
    before = supervisord.pid_of(run_dir, program)
    os.kill(before, 9)
    # A command of the release would import Django for each look.
    wait_for(lambda: supervisord.pid_of(run_dir, program) not in (None, before), within_s=20)
    named = ("status", "--run-dir", str(run_dir))
    wait_for(lambda: tandem(deployment.directory, *named).returncode == 0, within_s=20)
