"""The pods of each role: their arguments, ports and Services, and how they are replaced."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django_tandem.errors import SettingError
from django_tandem.model import (
    POD_CPUS,
    POD_MEMORY_MB,
    Autoscaler,
    Peer,
    Role,
    Stack,
    programs,
)
from django_tandem.model.peers import STACK_PORTS
from django_tandem.render.containers import DISTINCT, RUN_DIR, TEMP_DIR, TEMP_VOLUME
from django_tandem.render.kubernetes.application import Application

_SERVICE_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")

# Where the edge listens in its pod, which has no right to a port below 1024.
EDGE_PORT = 8000
# The protocol of a Service, by the names of Kubernetes.
WEBSOCKETS = "kubernetes.io/ws"
# Enough that one may be replaced, and one node fail.
REPLICAS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """
    A name in the cluster's DNS, and its port.

    A headless one has the addresses of all pods and none for itself, so that NGINX balances them.
    ``app_protocol`` names for a Gateway what it speaks other than plain HTTP.
    """

    name: str
    port: int
    is_headless: bool = False
    app_protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a container gets of its node."""

    cpu: str
    cpu_limit: str
    memory: str
    memory_limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """
    The pods of one role.

    ``ports`` are those of the container, by name. ``service`` is None for pods that serve no
    requests. ``stop_command`` runs before SIGTERM. ``is_exclusive`` ends a pod before its
    replacement starts. ``is_scaled`` if an autoscaler sets the number of pods. ``temp_volume`` is
    where the pod has a disk for large bodies, empty for none.
    """

    role: Role
    name: str
    command: tuple[str, ...]
    resources: Resources
    ports: tuple[tuple[str, int], ...]
    service: Service | None = None
    is_scaled: bool = False
    stop_command: tuple[str, ...] = ()
    temp_volume: str = ""
    is_exclusive: bool = False
    replicas: int = REPLICAS


# tandem counts its workers by the limit of CPU and memory.
OF_A_STACK = Resources(
    cpu=str(POD_CPUS),
    cpu_limit=str(POD_CPUS),
    memory=f"{POD_MEMORY_MB}Mi",
    memory_limit=f"{POD_MEMORY_MB}Mi",
)
OF_THE_EDGE = Resources(cpu="250m", cpu_limit="1", memory="256Mi", memory_limit="384Mi")


def workloads(app: Application) -> tuple[Workload, ...]:
    """Return the pods of each role of the plan, those of the edge first."""
    return tuple(_workloads(app))


def _workloads(app: Application) -> Iterator[Workload]:
    plan = app.plan
    if not app.is_direct:
        yield _edge(app)
    _require_distinct(app)
    for stack in plan.edge.stacks:
        yield _stack(app, stack)
    if _has_workers(app):
        yield _workers(app)


def _require_distinct(app: Application) -> None:
    """Raise SettingError for a stack whose Service has the name of another one."""
    owners = {} if app.is_direct else {_edge_name(app): "the edge"}
    for stack in app.plan.edge.stacks:
        name = stack_service(app, stack).name
        option = f'TANDEM["PEERS"]["{stack.name}"]'
        (peer,) = app.options.peers.of(stack)
        if name in owners:
            raise SettingError(
                f'{option} is {peer}, and "{name}" is the Service of {owners[name]}.',
                hint=DISTINCT,
            )
        owners[name] = f"{peer} in {option}"


def _edge_name(app: Application) -> str:
    return f"{app.name}-{Role.EDGE}"


def _has_workers(app: Application) -> bool:
    """Return whether the plan has Channels workers, or programs of TANDEM["PROGRAMS"]."""
    return any(
        process.exclusive or any(kind.name == programs.CHANNELS for kind in process.kinds)
        for process in app.plan.processes
    )


def _up(role: Role, *further: str) -> tuple[str, ...]:
    return ("tandem", "up", "--role", role.value, "--run-dir", RUN_DIR, *further)


def _ports(app: Application, port: int) -> tuple[tuple[str, int], ...]:
    return (("http", port), ("health", app.health_port), *_metrics_port(app))


def _metrics_port(app: Application) -> tuple[tuple[str, int], ...]:
    return () if app.metrics_port is None else (("metrics", app.metrics_port),)


def _is_scaled(app: Application) -> bool:
    return app.options.autoscaler is not Autoscaler.NONE


def _edge(app: Application) -> Workload:
    name = _edge_name(app)
    return Workload(
        role=Role.EDGE,
        name=name,
        command=_up(Role.EDGE, "--temp-dir", TEMP_DIR, "--bind", f":{EDGE_PORT}"),
        resources=OF_THE_EDGE,
        ports=_ports(app, EDGE_PORT),
        service=Service(name=name, port=80),
        is_scaled=_is_scaled(app),
        # SIGTERM would end NGINX at once.
        stop_command=("tandem", "down", "--run-dir", RUN_DIR),
        temp_volume=TEMP_VOLUME,
    )


def _stack(app: Application, stack: Stack) -> Workload:
    role = Role(stack.value)
    service = stack_service(app, stack)
    return Workload(
        role=role,
        name=f"{app.name}-{role}",
        command=_up(role),
        resources=OF_A_STACK,
        ports=_ports(app, service.port),
        service=service,
        is_scaled=_is_scaled(app),
    )


def _workers(app: Application) -> Workload:
    return Workload(
        role=Role.WORKERS,
        name=f"{app.name}-{Role.WORKERS}",
        command=_up(Role.WORKERS),
        resources=OF_A_STACK,
        ports=_metrics_port(app),
        # Of two schedulers, each would send every task.
        is_exclusive=any(process.exclusive for process in app.plan.processes),
        replicas=1,
    )


def stack_service(app: Application, stack: Stack) -> Service:
    """Return the Service that the edge, or the Gateway, reaches a stack by: that of PEERS."""
    option = stack.value.upper()
    given = app.options.peers.of(stack)
    hint = f'Name one: "PEERS": {{"{option}": ["{stack}:{STACK_PORTS[stack]}"]}}.'
    if not given:
        raise SettingError(
            f'TANDEM["PEERS"]["{option}"] is empty, and names the Service of the {option} pods.',
            hint=hint,
        )
    name = given[0].host.partition(".")[0]
    if len(given) > 1 or not given[0].is_name or not _SERVICE_NAME.fullmatch(name):
        listed = ", ".join(map(str, given))
        raise SettingError(
            f'TANDEM["PEERS"]["{option}"] is {listed}, and the {option} pods have one Service '
            "with a name of DNS.",
            hint=hint,
        )
    if not app.is_direct:
        _require_resolvable(stack, given[0])
    _require_same_port(app, stack, given[0])
    return Service(
        name=name,
        port=given[0].port,
        is_headless=not app.is_direct,
        app_protocol=WEBSOCKETS if app.is_direct and stack is Stack.ASGI else "",
    )


def _require_resolvable(stack: Stack, peer: Peer) -> None:
    """Raise SettingError for a name such as wsgi.mysite.svc, without the cluster's domain."""
    name, _, rest = peer.host.partition(".")
    if not rest or re.fullmatch(r"[^.]+\.svc\.[^.]+.*", rest):
        return
    raise SettingError(
        f'TANDEM["PEERS"]["{stack.name}"] is {peer}, and NGINX resolves a name with a dot as it is '
        "written, without the domain of the cluster.",
        hint=f'Name the Service alone, "{name}:{peer.port}", or with that domain, such as '
        f'"{name}.mysite.svc.cluster.local:{peer.port}".',
    )


def _require_same_port(app: Application, stack: Stack, peer: Peer) -> None:
    # A headless Service translates no port.
    option = stack.value.upper()
    bind = dict(app.options.binds)[stack]
    if bind.is_loopback or bind.port != peer.port:
        raise SettingError(
            f'TANDEM["PEERS"]["{option}"] is {peer}, and the {option} pods listen on {bind}.',
            hint=f'Set TANDEM["{option}"]["BIND"] to ":{peer.port}".',
        )
