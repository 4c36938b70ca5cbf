"""Sessions of a tiny project on real servers, and ways to break them."""

import os
import signal
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from builders import project, verdict
from django_tandem.bench.session import Schedule, Session
from django_tandem.bench.topology import Make, ServerChoice, Setup, Topology, alone, topologies
from django_tandem.bench.workload import Workload
from django_tandem.model import Plan, Stack
from django_tandem.plan import make_plan
from django_tandem.runtime.host import read_host
from django_tandem.settings import Settings, read_settings
from harness.projects import startproject

PAGE = Workload(name="GET /", path="/", connections=2)
URLS = """
from django.http import HttpResponse
from django.urls import path


async def awaited(request):
    return HttpResponse(type(request).__name__)


urlpatterns = [path("", lambda request: HttpResponse("ok")), path("async/", awaited)]
"""
# Breaks the ASGI application where the variable is set.
BROKEN = """
import os

if "BROKEN" in os.environ:
    raise RuntimeError("no such broker")
"""
HANGING = "import signal; print('no such broker', flush=True); signal.pause()"
ONE_WORKER = {"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 1}}


def made_in(directory: Path) -> Path:
    """A project of two views, one for each stack."""
    startproject(directory)
    (directory / "mysite" / "urls.py").write_text(URLS)
    asgi = directory / "mysite" / "asgi.py"
    asgi.write_text(BROKEN + asgi.read_text())
    return directory


GUNICORN_AND_UVICORN = ServerChoice(wsgi=["gunicorn"], asgi=["uvicorn"])


def topologies_of(
    directory: Path,
    given: Mapping[str, Any] = ONE_WORKER,
    choice: ServerChoice = GUNICORN_AND_UVICORN,
) -> dict[str, Topology]:
    """Return the default topologies by name."""
    settings = read_settings(given)

    def plan_with(chosen: Settings, run_dir: Path, *, generation: int = 1) -> Plan:
        given = project(
            directory=str(directory),
            settings_module="mysite.settings",
            wsgi="mysite.wsgi.application",
            asgi="mysite.asgi.application",
        )
        verdicts = (verdict("/"), verdict("/async/", Stack.ASGI))
        return make_plan(
            given,
            chosen,
            read_host(None),
            verdicts,
            run_dir=str(run_dir),
            generation=generation,
        )

    return {each.name: each for each in topologies(settings, choice, plan_with)}


def one_process(topologies: Mapping[str, Topology]) -> Make:
    """Make Uvicorn alone in one process, which exits when it can't load the application."""

    def make(run_dir: Path, bind: str) -> Setup:
        whole = topologies["hybrid"].make(run_dir, bind)
        return replace(whole, plan=alone(whole.plan, Stack.ASGI, "uvicorn", workers=1))

    return make


def hanging(topology: Topology) -> Make:
    """Make the topology with a server that prints a line and never listens."""
    argv = (sys.executable, "-S", "-c", HANGING)

    def make(run_dir: Path, bind: str) -> Setup:
        setup = topology.make(run_dir, bind)
        processes = (
            replace(each, argv=argv) if each.name == "server" else each
            for each in setup.plan.processes
        )
        return replace(setup, plan=replace(setup.plan, processes=tuple(processes)))

    return make


@dataclass
class Progress:
    """The sentences that a session reported."""

    steps: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def session(
    compared: Collection[Topology],
    progress: Progress,
    *,
    rounds: int = 1,
    workload: Workload = PAGE,
) -> Session:
    return Session(
        topologies=tuple(compared),
        workloads=(workload,),
        schedule=Schedule(rounds=rounds, seconds=0.3, warm_s=0.1, count=lambda _pids: None),
        report_step=progress.steps.append,
        report_failure=progress.failures.append,
    )


def programs_in(directory: Path) -> dict[str, psutil.Process]:
    """Return the program in ``directory`` that supervisord runs, and supervisord."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(directory) and _is_supervisor(process.parent()):
                found["server"] = process
                found["supervisord"] = process.parent()
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def kill(process: psutil.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)


def _is_supervisor(process: psutil.Process | None) -> bool:
    return process is not None and "supervisor.supervisord" in process.cmdline()
