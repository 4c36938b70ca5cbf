"""What is chosen for a cluster of Kubernetes: the image, the autoscaler, the gateway."""

from dataclasses import dataclass
from enum import StrEnum

from django_tandem.model.peers import Bind, Peers
from django_tandem.model.routes import Stack

# Of the pod of a stack: two WSGI workers, or one process of ASGI.
POD_CPUS = 1
POD_MEMORY_MB = 512


class Autoscaler(StrEnum):
    """What sets the number of pods: a HorizontalPodAutoscaler, KEDA's ScaledObject, or nobody."""

    NONE = "none"
    HPA = "hpa"
    KEDA = "keda"


class Gateway(StrEnum):
    """Where requests enter: at the pods of the edge, or at both stacks by rules of the Gateway."""

    EDGE = "edge"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    """
    TANDEM["KUBERNETES"], and what follows from it.

    ``image`` has no tag, which an overlay chooses. ``parent`` is the Gateway of the HTTPRoute,
    ``name`` or ``namespace/name``. ``prometheus`` is the URL that KEDA queries. ``peers`` are those
    of TANDEM["PEERS"], also for a host that runs the stacks itself, and ``binds`` are where a stack
    listens in a separate pod. Each process of ASGI in a pod
    is meant to hold ``asgi_connections`` WebSockets and event streams.
    """

    image: str | None
    autoscaler: Autoscaler
    gateway: Gateway
    parent: str | None
    prometheus: str
    has_pod_monitor: bool
    peers: Peers
    binds: tuple[tuple[Stack, Bind], ...]
    asgi_connections: int
