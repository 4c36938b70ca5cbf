"""`tandem reload` on a machine that has changed since `tandem up`: a full disk, another NGINX."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from django_tandem.runtime import supervisord
from django_tandem.runtime.host import nginx_from_wheel
from harness.client import ask, wait_for
from harness.projects import SMALL, without_apps
from harness.small_disks import fill, small_disk
from harness.stack import Up, tandem

URLS = """
from django.http import HttpResponse
from django.urls import path

def sync(request):
    return HttpResponse("{0} " + type(request).__name__)

async def coroutine(request):
    return HttpResponse("{0} " + type(request).__name__)

urlpatterns = [path("sync/", sync), path("{1}/", coroutine)]
"""
PRINTING_URLS = """
import sys
from django.http import HttpResponse
from django.urls import path

def sync(request):
    query = request.META["QUERY_STRING"]
    print("to stdout:", query, "." * 9000)
    print("to stderr:", query, "." * 9000, file=sys.stderr)
    return HttpResponse(type(request).__name__)

async def coroutine(request):
    return sync(request)

urlpatterns = [path("sync/", sync), path("async/", coroutine)]
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
SYSTEM_NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def new_project(tmp_path: Path) -> Path:
    """Make a project in its own directory, so that others have room beside it."""
    directory = tmp_path / "site"
    directory.mkdir()
    return without_apps(directory)


def write(directory: Path, version: int, route: str = "async", **tandem_setting: object) -> None:
    """Write the code of a version, whose async view has its own route."""
    (directory / "mysite" / "urls.py").write_text(URLS.format(version, route))
    if tandem_setting:
        setting = SMALL | tandem_setting
        with (directory / "mysite" / "settings.py").open("a") as settings:
            settings.write(f"\nTANDEM = {setting!r}\n")


@dataclass(frozen=True)
class OnDisk:
    """A stack whose run directory is on a small disk."""

    up: Up
    disk: Path


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory) -> Iterator[OnDisk]:
    directory = tmp_path_factory.mktemp("disk")
    project = new_project(directory)
    (project / "mysite" / "urls.py").write_text(PRINTING_URLS)
    with small_disk(directory / "disk", 3000) as disk:
        setting = {**SMALL, "RUN_DIR": str(disk / "run"), "DRAIN_S": 1}
        with (project / "mysite" / "settings.py").open("a") as settings:
            settings.write(f"\nTANDEM = {setting!r}\n")
        with Up(project) as up:
            yield OnDisk(up, disk)


@needs_root
def test_a_view_prints_on_a_full_disk(on_disk) -> None:
    """Its output is dropped, its response is the same; the log goes on once there is room."""
    up, disk = on_disk.up, on_disk.disk
    filler = fill(disk, but_pages=0)
    answered = [ask(up.port, f"/{each}/?lost").text for each in ("sync", "async") * 3]
    filler.unlink()
    assert answered == ["WSGIRequest", "ASGIRequest"] * 3

    ask(up.port, "/sync/?kept")
    ask(up.port, "/async/?kept")

    for stack in ("wsgi", "asgi"):
        logged = (disk / "run" / f"{stack}-1.log").read_text()
        assert "to stdout: kept" in logged
        assert "to stderr: kept" in logged


@needs_root
def test_a_reload_on_a_full_disk_changes_nothing(on_disk) -> None:
    """It is one sentence, wherever the space ends, and works again once there is room."""
    up, disk, project = on_disk.up, on_disk.disk, on_disk.up.directory
    for but_pages in (0, 1, 2, 4):
        write(project, 2, f"async-{but_pages}")
        filler = fill(disk, but_pages=but_pages)
        done = tandem(project, "reload")
        filler.unlink()

        assert done.returncode == 2, done.stderr
        assert done.stderr.endswith(
            f"The file system of {disk / 'run'} is full: No space left on device.\n"
            "  Make room and try again; a stack that runs keeps serving.\n"
        )
        assert ask(up.port, "/sync/").text == "WSGIRequest"
        assert not list((disk / "run").glob("*.next"))

    assert tandem(project, "reload").returncode == 0
    assert ask(up.port, "/sync/").text == "2 WSGIRequest"
    assert ask(up.port, "/async-4/").text == "2 ASGIRequest"


def test_a_reload_renders_for_the_nginx_that_runs(tmp_path) -> None:
    """
    Its file on disk was replaced; its next start runs that one, with the same routes.

    An upgrade, and a downgrade.
    """
    project = new_project(tmp_path)
    nginx = tmp_path / "nginx"
    shutil.copy(SYSTEM_NGINX, nginx)
    write(project, 1, EDGE={"NGINX": str(nginx)}, DRAIN_S=1)
    with Up(project) as up:
        for version, program in ((2, nginx_from_wheel()), (3, SYSTEM_NGINX)):
            shutil.copy(program, tmp_path / "new")
            (tmp_path / "new").replace(nginx)
            route = f"another-{version}"
            write(project, version, route)

            done = tandem(project, "reload", "--wait")

            assert done.returncode == 0, done.stderr
            assert ask(up.port, f"/{route}/").text == f"{version} ASGIRequest"
            pid = supervisord.pid_of(up.run_dir, "nginx")
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid: supervisord.pid_of(up.run_dir, "nginx") not in (None, pid))
            assert wait_for(lambda route=route: answers(up, f"/{route}/"))


def answers(up: Up, path: str) -> bool:
    try:
        return ask(up.port, path).status == 200
    except OSError:
        return False


def test_the_next_start_of_nginx_runs_the_one_that_the_reload_found(tmp_path) -> None:
    """The program of `tandem up` was removed since, as with an old virtual environment."""
    project = new_project(tmp_path)
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copy(SYSTEM_NGINX, old)
    write(project, 1, EDGE={"NGINX": str(old)}, DRAIN_S=1)
    with Up(project) as up:
        shutil.copy(SYSTEM_NGINX, new)
        old.unlink()
        write(project, 2, EDGE={"NGINX": str(new)}, DRAIN_S=1)

        done = tandem(project, "reload", "--wait")

        assert done.returncode == 0, done.stderr
        pid = supervisord.pid_of(up.run_dir, "nginx")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: supervisord.pid_of(up.run_dir, "nginx") not in (None, pid))
        assert wait_for(lambda: answers(up, "/async/"))
