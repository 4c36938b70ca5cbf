"""The three that every project can be compared on: WSGI only, ASGI only, and both."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from django_tandem.bench.alone import alone
from django_tandem.bench.topology import Setup, Topology
from django_tandem.model import Plan, Stack
from django_tandem.settings import AsgiSettings, Settings, WsgiSettings

Given = TypeVar("Given", WsgiSettings, AsgiSettings)

HYBRID = "hybrid"

# Makes the plan of the project with the settings given, to run in a directory.
PlanWith = Callable[[Settings, Path], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which servers are compared, by stack; the first of each is the hybrid's."""

    wsgi: Sequence[str]
    asgi: Sequence[str]


def topologies(settings: Settings, choice: Choice, plan_with: PlanWith) -> tuple[Topology, ...]:
    """Return them, the hybrid last; a name says the stack, and the server where several are."""
    return (
        *_alone(Stack.WSGI, choice.wsgi, choice, settings, plan_with),
        *_alone(Stack.ASGI, choice.asgi, choice, settings, plan_with),
        Topology(
            name=HYBRID,
            title=f"hybrid ({choice.wsgi[0]} + {choice.asgi[0]})",
            make=lambda run_dir, bind: setup(settings, choice, plan_with, run_dir, bind),
            is_supervised=True,
        ),
    )


def setup(
    settings: Settings, choice: Choice, plan_with: PlanWith, run_dir: Path, bind: str
) -> Setup:
    """Return the hybrid's plan, on ``bind`` alone and without TLS, which no other has."""
    chosen = replace(
        settings,
        bind=(bind,),
        wsgi=_with_server(settings.wsgi, choice.wsgi[0]),
        asgi=_with_server(settings.asgi, choice.asgi[0]),
        edge=replace(settings.edge, tls=None, server_names=()),
    )
    return Setup(plan=plan_with(chosen, run_dir), settings=chosen)


def _with_server(given: Given, server: str) -> Given:
    # The arguments are the user's own, and for that server alone.
    return given if given.server == server else replace(given, server=server, args=())


def _alone(
    stack: Stack,
    servers: Sequence[str],
    choice: Choice,
    settings: Settings,
    plan_with: PlanWith,
) -> Iterator[Topology]:
    for server in servers:

        def make(run_dir: Path, bind: str, server: str = server) -> Setup:
            whole = setup(settings, choice, plan_with, run_dir, bind)
            return replace(whole, plan=alone(whole.plan, stack, server))

        yield Topology(
            name=stack.value if len(servers) == 1 else f"{stack.value}-{server}",
            title=f"{stack.upper()} only ({server})",
            make=make,
            has_websockets=stack is Stack.ASGI,
        )
