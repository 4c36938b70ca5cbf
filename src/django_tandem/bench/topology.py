"""The topologies: servers alone on a TCP port, and the hybrid behind the edge."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from django_tandem import servers
from django_tandem.bench.results import TopologySummary
from django_tandem.model import File, Plan, Process, Stack, WorkerKind, programs
from django_tandem.servers import standalone
from django_tandem.settings import AsgiSettings, Settings, WsgiSettings, read_settings

StackSettings = TypeVar("StackSettings", WsgiSettings, AsgiSettings)

HYBRID = "hybrid"
# The applications for a project that names none.
STOCK = {
    Stack.WSGI: "django_tandem.bench.stock:wsgi_application",
    Stack.ASGI: "django_tandem.bench.stock:asgi_application",
}


class PlanWith(Protocol):
    """Returns the project's plan with other settings, for a run directory and a generation."""

    def __call__(self, settings: Settings, run_dir: Path, /, *, generation: int = 1) -> Plan:
        """Return it."""


# Returns a topology's plan for a run directory, on an address.
Make = Callable[[Path, str], "Setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """
    A plan to start, its settings, and files in addition to the rendered ones.

    ``replan`` returns the plan of a further generation; None where a reload is a restart.
    """

    plan: Plan
    settings: Settings
    files: tuple[File, ...] = ()
    replan: Callable[[int], Plan] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """
    One way to run the project.

    ``make`` is called for each start, with a directory and an address of that start.
    ``is_supervised`` when supervisord is part of the topology, so that its resources count. Only
    its processes get ``environment``.
    """

    name: str
    title: str
    make: Make
    has_websockets: bool = True
    is_supervised: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    def summary(self, what: str) -> TopologySummary:
        """Return its summary; ``what`` lists its servers."""
        return TopologySummary(name=self.name, title=self.title, what=what)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChoice:
    """The servers to compare, by stack; the hybrid uses the first of each."""

    wsgi: Sequence[str]
    asgi: Sequence[str]


def topologies(settings: Settings, choice: ServerChoice, plan_with: PlanWith) -> list[Topology]:
    """Return each server alone, and the hybrid last."""
    return [
        *_alone(Stack.WSGI, choice.wsgi, choice, settings, plan_with),
        *_alone(Stack.ASGI, choice.asgi, choice, settings, plan_with),
        Topology(
            name=HYBRID,
            title=f"hybrid ({choice.wsgi[0]} + {choice.asgi[0]})",
            make=lambda run_dir, bind: hybrid(settings, choice, plan_with, run_dir, bind),
            is_supervised=True,
        ),
    ]


def hybrid(
    settings: Settings, choice: ServerChoice, plan_with: PlanWith, run_dir: Path, bind: str
) -> Setup:
    """Return the hybrid's plan on ``bind``, without TLS: no other topology has it."""
    same = (settings.wsgi.server, settings.asgi.server) == (choice.wsgi[0], choice.asgi[0])
    chosen = replace(
        # Other servers may have no master that would carry RECYCLE out.
        settings if same else _without_recycling(settings),
        bind=(bind,),
        wsgi=_with_server(settings.wsgi, choice.wsgi[0]),
        asgi=_with_server(settings.asgi, choice.asgi[0]),
        edge=replace(settings.edge, tls=None, redirect=None, server_names=()),
    )
    return Setup(
        plan=plan_with(chosen, run_dir),
        settings=chosen,
        replan=lambda generation: plan_with(chosen, run_dir, generation=generation),
    )


def alone(
    plan: Plan, stack: Stack, server: str, *, application: str | None = None, workers: int = 0
) -> Plan:
    """
    Return ``plan`` with one stock server instead of the edge and the stacks.

    By default it has as many processes as both stacks together. The project's other processes
    stay.
    """
    served = [process for process in plan.processes if process.stacks]
    wanted = workers or sum(kind.workers for kind in plan.served.values())
    known = servers.find(stack, server)
    count = 1 if known.one_process and stack is Stack.ASGI else wanted
    launch = standalone.StandaloneLaunch(
        python=sys.executable,
        application=application or application_of(plan, stack),
        bind=plan.edge.binds[0],
        workers=count,
    )
    description = f"{server}, {known.counted(count)}"
    process = Process(
        name="server",
        argv=standalone.argv(stack, server, launch),
        description=description,
        directory=plan.project.directory,
        priority=20,
        environment=served[0].environment,
        kinds=(WorkerKind(name="server", description=description, workers=count),),
        stop_s=standalone.GRACE_S + 1,
    )
    dropped = (programs.NGINX, programs.MONITOR)
    others = (p for p in plan.processes if not p.stacks and p.name not in dropped)
    return replace(plan, processes=(*others, process))


def application_of(plan: Plan, stack: Stack) -> str:
    """Return the project's own application of that stack, as ``module:attribute``."""
    dotted = plan.project.wsgi if stack is Stack.WSGI else plan.project.asgi
    return ":".join(dotted.rsplit(".", 1)) if dotted else STOCK[stack]


def _without_recycling(settings: Settings) -> Settings:
    return replace(settings, recycle=read_settings(None).recycle)


def _with_server(settings: StackSettings, server: str) -> StackSettings:
    # ARGS are written for the configured server.
    return settings if settings.server == server else replace(settings, server=server, args=())


def _alone(
    stack: Stack,
    names: Sequence[str],
    choice: ServerChoice,
    settings: Settings,
    plan_with: PlanWith,
) -> Iterator[Topology]:
    for server in names:

        def make(run_dir: Path, bind: str, server: str = server) -> Setup:
            # The Channels worker stays, as a separate program.
            apart = replace(_without_recycling(settings), shared_master=False)
            whole = hybrid(apart, choice, plan_with, run_dir, bind)
            return replace(whole, plan=alone(whole.plan, stack, server), replan=None)

        yield Topology(
            name=stack.value if len(names) == 1 else f"{stack.value}-{server}",
            title=f"{stack.upper()} only ({server})",
            make=make,
            has_websockets=stack is Stack.ASGI,
        )
