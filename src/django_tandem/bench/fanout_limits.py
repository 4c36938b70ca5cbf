"""Whether this machine holds so many WebSockets: open files, ports, and the edge's connections."""

import math
from dataclasses import replace
from pathlib import Path

from django_tandem.bench.fanout_load import processes_for
from django_tandem.bench.fanout_workload import OTHER_FILES
from django_tandem.bench.topology import Setup, Topology
from django_tandem.errors import RefusedError
from django_tandem.model import Plan
from django_tandem.model.plan import CONNECTIONS_A_FILE

# NGINX's workers take connections as they come: one may have this many times its share.
SKEW = 1.25


def require_open_files(count: int, cpus: int, allowed: int) -> None:
    """Raise RefusedError when a server or a process of clients can't have so many files open."""
    clients = -(-count // processes_for(count, cpus))
    needed = max(count, clients) + OTHER_FILES
    if needed > allowed:
        raise RefusedError(
            f"{count} WebSockets may need {needed} open files in one server process, and "
            f"{allowed} are allowed here.",
            hint=f"Raise the limit first: `ulimit -n {needed}`, or LimitNOFILE= of a systemd unit.",
        )


def with_room(topology: Topology, count: int, allowed: int) -> Topology:
    """Return ``topology`` with an edge that has connections for ``count`` WebSockets."""

    def make(run_dir: Path, bind: str) -> Setup:
        setup = topology.make(run_dir, bind)
        return replace(setup, plan=with_connections(setup.plan, count, allowed))

    return replace(topology, make=make)


def with_connections(plan: Plan, count: int, allowed: int) -> Plan:
    """
    Return ``plan`` with as many open files for the edge as ``count`` WebSockets need.

    Raises RefusedError when more are needed than ``allowed`` here.
    """
    if not plan.has_edge:
        return plan
    # Each takes one connection to the client, and one to the server.
    needed = math.ceil(2 * count * SKEW / plan.edge.workers)
    edge = plan.edge
    files = math.ceil(needed / CONNECTIONS_A_FILE)
    if edge.worker_connections < needed:
        edge = replace(edge, open_files=min(allowed, files))
    if edge.worker_connections < needed:
        raise RefusedError(
            f"{count} WebSockets may need {needed} connections in each of {edge.workers} workers "
            f"of NGINX, and {allowed} open files allow {edge.worker_connections} here.",
            hint=f"Raise the limit first: `ulimit -n {files}`, or LimitNOFILE= of a systemd unit.",
        )
    return replace(plan, edge=edge)
