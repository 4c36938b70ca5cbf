"""The running stack, for commands and programs that must not load the project."""

from dataclasses import dataclass

from django_tandem.model.plan import LogFormat, Overrides, Plan, Process
from django_tandem.model.stop import DEFAULT_STOP_S

STATE_FILE = "state.json"
# In the run directory from the first moment of a stop: no new connection should be sent here.
STOPPING_FILE = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """
    The part of a plan that commands need while the stack runs.

    ``generation`` is the live one, and ``python`` its interpreter. Older ones have ``drain_s`` to
    end, and ``longest_drain_s`` at most, because the edge closes their connections then.
    ``timeout_s`` is that of a request. ``drain`` is how connections of older generations end,
    instead of what their settings say; empty leaves it to them. A stop takes ``stop_s`` at most, of
    which ``stop_delay_s`` still serve. ``log_format`` is that of the logs and of stdout.
    ``binds`` are the addresses that the edge and the stacks listen on. ``server_name`` is a name
    that the edge accepts, and empty when it accepts any. ``overrides`` last until the stack is
    stopped. ``health`` are the addresses of the probes other than the run directory's socket, and
    ``metrics`` those of the monitor, if there is one. ``url`` is empty where the edge is another
    host. With ``has_peers``, the edge of this one proxies to stacks on others. Without supervisord
    its only program runs alone. With ``shifts_by_itself`` it starts the shifts that are advised.
    """

    generation: int
    python: str
    drain_s: int
    longest_drain_s: int
    timeout_s: int
    binds: tuple[str, ...]
    overrides: Overrides
    url: str
    host: str
    port: int
    server_name: str
    notes: tuple[str, ...]
    processes: tuple[Process, ...]
    drain: str = ""
    stop_s: int = DEFAULT_STOP_S
    stop_delay_s: int = 0
    log_format: LogFormat = LogFormat.TEXT
    health: tuple[str, ...] = ()
    checks_migrations: bool = False
    metrics: tuple[str, ...] = ()
    reload_group: str = ""
    has_peers: bool = False
    has_monitor: bool = True
    is_supervised: bool = True
    shifts_by_itself: bool = False


def planned_state(plan: Plan) -> State:
    """Return the state of a stack that runs ``plan``."""
    bind = plan.edge.binds[0]
    # NGINX accepts patterns such as "*.shop.example" and ".shop.example".
    names = [name.replace("*", "any").lstrip(".") for name in plan.edge.server_names]
    return State(
        generation=plan.generation,
        python=plan.python,
        drain_s=plan.drain_s,
        longest_drain_s=plan.edge.drain_s,
        timeout_s=plan.edge.read_timeout_s,
        binds=tuple(map(str, plan.addresses)),
        overrides=plan.overrides,
        url=plan.url,
        host=bind.host,
        port=bind.port,
        server_name=names[0] if names else "",
        notes=plan.notes,
        processes=plan.processes,
        drain=plan.drain.value if plan.drain else "",
        stop_s=plan.stop_s,
        stop_delay_s=plan.stop_delay_s,
        log_format=plan.log_format,
        health=plan.health,
        checks_migrations=plan.checks_migrations,
        metrics=plan.metrics,
        reload_group=plan.reload_group,
        has_peers=bool(plan.edge.peers),
        has_monitor=plan.has_monitor,
        is_supervised=plan.is_supervised,
        shifts_by_itself=plan.can_shift and bool(plan.shifted_by_advice),
    )
