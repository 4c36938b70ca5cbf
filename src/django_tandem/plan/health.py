"""Where the probes are answered, beside the socket in the run directory."""

from pathlib import PurePath

from django_tandem.errors import SettingError
from django_tandem.model import Bind, Edge
from django_tandem.plan.edge import binds
from django_tandem.plan.processes import PlanContext

# The value of the setting for the run directory's socket alone.
OWN_SOCKET = "unix"
EVERY_HOST = frozenset({"0.0.0.0", "::"})  # noqa: S104


def health_binds(context: PlanContext, edge: Edge) -> tuple[Bind, ...]:
    """Return the addresses of the probes; raises SettingError for one that they can't have."""
    given = context.settings.health
    if given == OWN_SOCKET or "/" in given:
        return ()
    try:
        found = binds([given], has_ipv6=context.host.has_ipv6)
    except SettingError as error:
        raise SettingError(
            f'TANDEM["HEALTH"] is "{given}", which is not an address.',
            hint='Give an IP address and a port, such as "0.0.0.0:8001", the path of a socket, or '
            '"unix".',
        ) from error
    if any(_overlap(one, other) for one in found for other in edge.addresses):
        raise SettingError(
            f'TANDEM["HEALTH"] is "{given}", where the edge listens.', hint="Choose another port."
        )
    return found


def health_socket(context: PlanContext) -> str | None:
    """Return the path of a further socket of the probes, None where there is none."""
    given = context.settings.health
    return str(PurePath(context.project.directory, given)) if "/" in given else None


def _overlap(one: Bind, other: Bind) -> bool:
    hosts = {one.host, other.host}
    is_one_family = len({":" in host for host in hosts}) == 1
    is_shared = len(hosts) == 1 or (is_one_family and not hosts.isdisjoint(EVERY_HOST))
    return one.port == other.port and is_shared
