"""What all manifests of one application share: its name, its image, its ports."""

import math
import re
from dataclasses import dataclass
from pathlib import PurePath

from django_tandem.errors import SettingError
from django_tandem.model import Autoscaler, Bind, Gateway, Kubernetes, Peers, Plan
from django_tandem.model.stop import end_s
from django_tandem.render.containers import require_shared

# Between the end of a stop and SIGKILL, for a busy node.
MARGIN_S = 6
# Of a Service: it has at most 63 characters, with the name of a role behind this.
LONGEST_NAME = 50

HEALTH_HINT = 'Set it to an address of the pod, such as "HEALTH": ":8001".'
METRICS_HINT = 'Set it to an address of the pod, such as "METRICS": ":8002".'


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The Gateway that the HTTPRoutes belong to; ``namespace`` is "" for their own."""

    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """
    The plan, and what the manifests take from it.

    ``name`` is that of the ConfigMap, of the Secret, and the beginning of the others.
    ``metrics_port`` is None where the monitor has no address. ``grace_s`` is the time from SIGTERM
    to SIGKILL.
    """

    plan: Plan
    name: str
    image: str
    health_port: int
    metrics_port: int | None
    grace_s: int

    @property
    def options(self) -> Kubernetes:
        """TANDEM["KUBERNETES"]."""
        return self.plan.kubernetes

    @property
    def parent(self) -> Parent | None:
        """The Gateway that is named, None without one."""
        namespace, _, name = (self.options.parent or "").rpartition("/")
        return Parent(name=name, namespace=namespace) if name else None

    @property
    def is_direct(self) -> bool:
        """Whether the Gateway routes to the stacks, and there is no edge."""
        return self.options.gateway is Gateway.DIRECT

    @property
    def has_secret(self) -> bool:
        """Whether a secret identifies the edge to the stacks."""
        return not (self.has_tls or self.is_direct)

    @property
    def has_tls(self) -> bool:
        """Whether certificates, and no secret, identify the edge to the stacks."""
        return self.options.peers.tls is not None

    @property
    def tls_directory(self) -> str:
        """The directory of the certificate, its key and the CA in each pod."""
        tls = self.options.peers.tls
        return str(PurePath(tls.certificate).parent) if tls else ""


def application(plan: Plan) -> Application:
    """Return what all manifests share; raises SettingError for what no cluster can carry out."""
    if plan.kubernetes.image is None:
        raise SettingError(
            'TANDEM["KUBERNETES"]["IMAGE"] is not set, so a pod has no image to run.',
            hint='Name it without a tag, such as "IMAGE": "registry.example.com/mysite".',
        )
    if plan.edge.tls:
        raise SettingError(
            'TANDEM["EDGE"]["TLS"] is set, and in a cluster the Gateway serves HTTPS.',
            hint="Leave TLS out there: the Gateway sends plain HTTP to the edge.",
        )
    if plan.kubernetes.gateway is Gateway.DIRECT and plan.kubernetes.parent is None:
        raise SettingError(
            'TANDEM["KUBERNETES"]["GATEWAY"] is direct, and PARENT names no Gateway.',
            hint='Name it, such as "PARENT": "gateways/public".',
        )
    require_shared(plan)
    _check_tls(plan.kubernetes.peers)
    return Application(
        plan=plan,
        name=_name(plan.kubernetes.image),
        image=plan.kubernetes.image,
        health_port=_port("HEALTH", plan.health_binds, HEALTH_HINT),
        metrics_port=_metrics_port(plan),
        grace_s=math.ceil(end_s(plan.stop_s)) + MARGIN_S,
    )


def _check_tls(peers: Peers) -> None:
    if peers.tls is None:
        return
    files = (peers.tls.certificate, peers.tls.key, peers.tls.ca)
    directories = {PurePath(file).parent for file in files}
    if len(directories) > 1 or not PurePath(files[0]).is_absolute():
        raise SettingError(
            f'TANDEM["PEERS"]["TLS"] names {", ".join(files)}, and a pod has one '
            "directory for them.",
            hint='Name absolute paths in one directory, such as "/etc/tandem/tls.crt".',
        )


def _name(image: str) -> str:
    label = re.sub(r"[^a-z0-9]+", "-", image.rpartition("/")[2].lower())
    return label[:LONGEST_NAME].strip("-")


def _metrics_port(plan: Plan) -> int | None:
    options = plan.kubernetes
    is_needed = options.has_pod_monitor or options.autoscaler is not Autoscaler.NONE
    if not (plan.metrics_binds or is_needed):
        return None
    return _port("METRICS", plan.metrics_binds, METRICS_HINT)


def _port(option: str, binds: tuple[Bind, ...], hint: str) -> int:
    """Return the port of an address that the node, or Prometheus, reaches."""
    if not binds:
        raise SettingError(f'TANDEM["{option}"] has no address that a cluster reaches.', hint=hint)
    if any(bind.is_loopback for bind in binds):
        raise SettingError(
            f'TANDEM["{option}"] is {binds[0]}, which nothing outside of the pod reaches.',
            hint=hint,
        )
    return binds[0].port
