"""The HTTPRoutes by which requests enter: all to the edge, or by the plan's rules to the stacks."""

import re

from django_tandem.model import File, Role, Stack
from django_tandem.render.kubernetes.application import Application, Parent
from django_tandem.render.kubernetes.direct import BackendRef, render_routes
from django_tandem.render.kubernetes.lowering import lower
from django_tandem.render.kubernetes.workloads import stack_service
from django_tandem.render.target import fill

FILE = "base/route.yaml"

_EXACT = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def files(app: Application) -> tuple[File, ...]:
    """Return the HTTPRoutes; none where TANDEM["KUBERNETES"] names no Gateway."""
    if app.parent is None:
        return ()
    return (_to_the_stacks(app, app.parent) if app.is_direct else _to_the_edge(app, app.parent),)


def _to_the_edge(app: Application, parent: Parent) -> File:
    content = fill(
        "kubernetes/route.yaml.j2",
        app=app,
        parent=parent,
        hosts=hosts(app),
        service=f"{app.name}-{Role.EDGE}",
    )
    return File(name=FILE, content=content)


def _to_the_stacks(app: Application, parent: Parent) -> File:
    content = render_routes(
        lower(app.plan).matches,
        name=app.name,
        labels={"app.kubernetes.io/name": app.name},
        parent=parent,
        hosts=hosts(app),
        backends={stack: _backend(app, stack) for stack in app.plan.edge.stacks},
    )
    return File(name=FILE, content=content)


def _backend(app: Application, stack: Stack) -> BackendRef:
    service = stack_service(app, stack)
    timeout_s = app.plan.edge.read_timeout_s if stack is Stack.WSGI else 0
    return BackendRef(name=service.name, port=service.port, timeout_s=timeout_s)


def hosts(app: Application) -> tuple[str, ...]:
    """Return the host names of an HTTPRoute: those of the edge; any, where it can't say them."""
    found = [host for name in app.plan.edge.server_names for host in _hosts(name.lower())]
    return tuple(dict.fromkeys(found)) if all(found) else ()


def _hosts(name: str) -> tuple[str, ...]:
    # NGINX's ".shop.example" is the name itself, and every one below it.
    if name.startswith("."):
        return (name[1:], f"*{name}")
    plain = name.removeprefix("*.")
    return (name,) if _EXACT.fullmatch(plain) else ("",)
