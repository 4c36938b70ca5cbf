"""The choices for a cluster of Kubernetes, with the connections that a process holds there."""

from dataclasses import replace

from django_tandem.model import POD_CPUS, POD_MEMORY_MB, Kubernetes, Peers, PeerTls, Stack
from django_tandem.plan.context import PlanContext
from django_tandem.plan.peers import bind_without_edge
from django_tandem.plan.stack_servers import asgi_connections
from django_tandem.settings.peers import PeersSettings

# Before a process holds all the connections that it takes, further pods have to be ready.
FULL_SHARE = 0.7


def kubernetes(context: PlanContext, stacks: tuple[Stack, ...]) -> Kubernetes:
    """Return TANDEM["KUBERNETES"] and what follows from it."""
    given = context.settings.kubernetes
    return Kubernetes(
        image=given.image,
        autoscaler=given.autoscaler,
        gateway=given.gateway,
        parent=given.parent,
        prometheus=given.prometheus,
        has_pod_monitor=given.pod_monitor,
        peers=_peers(context.settings.peers),
        binds=tuple((stack, bind_without_edge(context.settings, stack)) for stack in stacks),
        asgi_connections=_connections(context) if Stack.ASGI in stacks else 0,
    )


def _peers(given: PeersSettings) -> Peers:
    tls = given.tls
    files = PeerTls(certificate=tls.certificate, key=tls.key, ca=tls.ca) if tls else None
    # Without the secret, which no manifest has.
    return Peers(wsgi=given.wsgi, asgi=given.asgi, tls=files)


def _connections(context: PlanContext) -> int:
    # The bounds follow the machine where the settings have none, and here the pod is the machine.
    pod = replace(context.host, cpus=POD_CPUS, memory_mb=POD_MEMORY_MB)
    limits = asgi_connections(replace(context, host=pod))
    bounds = [bound for bound in (limits.websockets, limits.streams) if bound]
    return max(1, int(min(bounds) * FULL_SHARE))
