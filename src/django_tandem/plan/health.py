"""Where the probes and the monitor answer, in addition to their sockets in the run directory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from django_tandem.errors import SettingError
from django_tandem.model import Bind, Edge, Process, Role
from django_tandem.plan.addresses import binds
from django_tandem.plan.context import PlanContext

# The value of the setting for the run directory's socket alone.
OWN_SOCKET = "unix"
EVERY_HOST = frozenset({"0.0.0.0", "::"})  # noqa: S104


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An address that is taken, and by what: a clause such as "the edge listens"."""

    bind: Bind
    what: str


def listeners(
    context: PlanContext, edge: Edge, processes: tuple[Process, ...]
) -> tuple[Listener, ...]:
    """
    Return where the edge and the stacks of this host listen.

    Raises SettingError for a stack that would listen where another one does.
    """
    has_edge = Role.EDGE in context.roles
    found = [Listener(bind=each, what="the edge listens") for each in edge.addresses if has_edge]
    for stack, bind in _stack_binds(processes):
        _refuse_overlap(f'["{stack}"]["BIND"]', str(bind), [bind], found)
        found.append(Listener(bind=bind, what=f"the {stack} server listens"))
    return tuple(found)


def health_binds(context: PlanContext, listening: tuple[Listener, ...]) -> tuple[Bind, ...]:
    """Return the addresses of the probes; raises SettingError for one that they can't have."""
    given = context.settings.health
    if given == OWN_SOCKET or "/" in given:
        return ()
    hint = 'Give an IP address and a port, such as "0.0.0.0:8001", the path of a socket, or "unix".'
    found = _read("HEALTH", given, context, hint)
    _refuse_overlap('["HEALTH"]', given, found, listening)
    return found


def metrics_binds(
    context: PlanContext, listening: tuple[Listener, ...], probes: tuple[Bind, ...]
) -> tuple[Bind, ...]:
    """Return the addresses of the monitor; raises SettingError for one that it can't have."""
    given = context.settings.metrics
    if given is None:
        return ()
    if not context.settings.monitor:
        raise SettingError(
            f'TANDEM["METRICS"] is "{given}", and TANDEM["MONITOR"] is False.',
            hint="The monitor answers there: set MONITOR to True, or remove METRICS.",
        )
    found = _read(
        "METRICS", given, context, 'Give an IP address and a port, such as "127.0.0.1:8002".'
    )
    of_probes = [Listener(bind=each, what="the probes are answered") for each in probes]
    _refuse_overlap('["METRICS"]', given, found, [*listening, *of_probes])
    return found


def health_socket(context: PlanContext) -> str | None:
    """Return the path of a further socket of the probes, None where there is none."""
    given = context.settings.health
    return str(PurePath(context.project.directory, given)) if "/" in given else None


def _read(name: str, given: str, context: PlanContext, hint: str) -> tuple[Bind, ...]:
    try:
        return binds([given], has_ipv6=context.host.has_ipv6)
    except SettingError as error:
        message = f'TANDEM["{name}"] is "{given}", which is not an address.'
        raise SettingError(message, hint=hint) from error


def _stack_binds(processes: Iterable[Process]) -> Iterator[tuple[str, Bind]]:
    for process in processes:
        for kind in process.kinds:
            if kind.stack and kind.bind:
                yield kind.stack.upper(), kind.bind


def _refuse_overlap(
    option: str, given: str, found: Iterable[Bind], others: Iterable[Listener]
) -> None:
    others = tuple(others)
    for other in (other for one in found for other in others if _overlap(one, other.bind)):
        raise SettingError(
            f'TANDEM{option} is "{given}", where {other.what}.', hint="Choose another port."
        )


def _overlap(one: Bind, other: Bind) -> bool:
    hosts = {one.host, other.host}
    is_one_family = len({":" in host for host in hosts}) == 1
    is_shared = len(hosts) == 1 or (is_one_family and not hosts.isdisjoint(EVERY_HOST))
    return one.port == other.port and is_shared
