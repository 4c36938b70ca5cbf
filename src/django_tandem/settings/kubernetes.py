"""TANDEM["KUBERNETES"]: the choices for a cluster."""

from dataclasses import dataclass

from django_tandem.model import Autoscaler, Gateway
from django_tandem.settings import kubernetes_readers, readers
from django_tandem.settings.options import option
from django_tandem.settings.readers import optional


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesSettings:
    """TANDEM["KUBERNETES"], which `tandem render kubernetes` reads."""

    image: str | None = option(
        optional(kubernetes_readers.image),
        None,
        "the image of every role, without a tag; its last part names the manifests",
    )
    autoscaler: Autoscaler = option(
        kubernetes_readers.autoscaler,
        "none",
        "what sets the number of pods: none, hpa (HorizontalPodAutoscaler) or keda (ScaledObject)",
    )
    gateway: Gateway = option(
        kubernetes_readers.gateway,
        "edge",
        "where requests enter: edge, or direct, at the stacks by rules of the Gateway API",
    )
    parent: str | None = option(
        optional(kubernetes_readers.gateway_name),
        None,
        'the Gateway of the HTTPRoute, such as "gateways/public"; None: no HTTPRoute',
    )
    prometheus: str = option(
        readers.text,
        "http://prometheus-operated.monitoring:9090",
        "the Prometheus that KEDA queries",
    )
    pod_monitor: bool = option(
        readers.flag, False, "write a PodMonitor and a PrometheusRule for the Prometheus Operator"
    )
