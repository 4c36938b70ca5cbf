"""The topologies, in the order of the table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from django_tandem import pipeline
from django_tandem.bench.topology import PlanWith, ServerChoice, Setup, Topology, alone, hybrid
from django_tandem.cli.planning import load_project
from django_tandem.model import Plan, Stack
from django_tandem.runtime.host import read_host
from django_tandem.settings import Settings
from side_by_side.by_hand import by_hand, by_hand_nice

TANDEM = "tandem"
# The reference's own choice; Daphne is always one process.
DAPHNE = ServerChoice(wsgi=["gunicorn"], asgi=["daphne"])
DEFAULT = ServerChoice(wsgi=["gunicorn"], asgi=["uvicorn"])

Environment = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Makes plans of the loaded project for a choice of servers."""

    settings: Settings
    plan_with: PlanWith

    def setup(self, choice: ServerChoice, run_dir: Path, bind: str) -> Setup:
        return hybrid(self.settings, choice, self.plan_with, run_dir, bind)


def read_project() -> Made:
    """Load the project in the working directory."""
    loaded = load_project(None)
    host = read_host(None)

    def plan_with(settings: Settings, run_dir: Path, *, generation: int = 1) -> Plan:
        chosen = replace(loaded, settings=settings)
        verdicts = pipeline.decide(chosen)
        return pipeline.plan(chosen, verdicts, host, run_dir=str(run_dir), generation=generation)

    return Made(settings=loaded.settings, plan_with=plan_with)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneServer:
    """A standalone server; without ``application`` it serves the project's own."""

    name: str
    title: str
    server: str
    stack: Stack = Stack.ASGI
    application: str | None = None
    environment: Environment = ()

    def topology(self, made: Made) -> Topology:
        """Return it with as many processes as both stacks of the hybrid have."""

        def make(run_dir: Path, bind: str) -> Setup:
            whole = made.setup(DEFAULT, run_dir, bind)
            plan = alone(whole.plan, self.stack, self.server, application=self.application)
            return replace(whole, plan=plan, replan=None)

        return Topology(
            name=self.name,
            title=self.title,
            make=make,
            has_websockets=self.stack is Stack.ASGI,
            environment=self.environment,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """Both stacks behind an edge, with changed settings, or with parts of tandem's replaced."""

    name: str
    title: str
    choice: ServerChoice = DEFAULT
    settings: Callable[[Settings], Settings] = staticmethod(lambda settings: settings)
    replaced: Callable[[Setup], Setup] = staticmethod(lambda setup: setup)

    def topology(self, made: Made) -> Topology:
        """Return it with tandem's default numbers of processes."""
        return Topology(
            name=self.name,
            title=self.title,
            make=lambda run_dir, bind: self._setup(made, run_dir, bind),
            is_supervised=True,
        )

    def _setup(self, made: Made, run_dir: Path, bind: str) -> Setup:
        changed = replace(made, settings=self.settings(made.settings))
        return self.replaced(changed.setup(self.choice, run_dir, bind))


def level(settings: Settings) -> Settings:
    """Return settings with both stacks at the same priority, to measure the effect of nice."""
    return replace(settings, wsgi=replace(settings.wsgi, nice=0))


def separate(settings: Settings) -> Settings:
    """Return settings with a program for each server, to measure the effect of the master."""
    return replace(settings, shared_master=False)


EVERY: tuple[OneServer | Hybrid, ...] = (
    OneServer(name="gunicorn", title="Gunicorn alone (WSGI)", server="gunicorn", stack=Stack.WSGI),
    OneServer(name="daphne", title="Daphne alone", server="daphne"),
    OneServer(name="uvicorn", title="Uvicorn alone", server="uvicorn"),
    OneServer(name="granian", title="Granian alone (ASGI)", server="granian"),
    OneServer(name="hypercorn", title="Hypercorn alone", server="hypercorn"),
    OneServer(name="gunicorn-asgi", title="Gunicorn alone (ASGI)", server="gunicorn"),
    OneServer(
        name="uvicorn-pool",
        title="Uvicorn alone, psycopg pool",
        server="uvicorn",
        environment=(("BENCH_POOL", "1"),),
    ),
    OneServer(
        name="uvicorn-ours",
        title="Uvicorn alone, tandem's handler",
        server="uvicorn",
        application="benchsite.asgi_ours:application",
    ),
    Hybrid(name="reference", title="hybrid by hand", choice=DAPHNE, replaced=by_hand),
    Hybrid(
        name="reference-nice",
        title="hybrid by hand, nice -n 10",
        choice=DAPHNE,
        replaced=by_hand_nice,
    ),
    Hybrid(name="tandem-daphne", title="tandem, Daphne", choice=DAPHNE),
    Hybrid(name=TANDEM, title="tandem"),
    Hybrid(name="tandem-level", title="tandem, nice 0", settings=level),
    Hybrid(name="tandem-separate", title="tandem, a program a server", settings=separate),
)
