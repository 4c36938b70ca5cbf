"""TANDEM["KUBERNETES"]: the choices for a cluster."""

import re
from dataclasses import dataclass
from typing import Any

from django_tandem.model import Autoscaler, Gateway
from django_tandem.settings import readers
from django_tandem.settings.options import option
from django_tandem.settings.readers import optional, reader

# A registry with an optional port, then the path of a repository.
_IMAGE = re.compile(r"(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


@reader('an image without a tag, such as "registry.example.com/mysite"')
def image(value: Any, _path: str) -> str:
    """Read the name of an image; its tag is chosen by an overlay."""
    if not isinstance(value, str) or not _IMAGE.fullmatch(value):
        raise ValueError
    return value


@reader('"none", "hpa" or "keda"', *Autoscaler)
def autoscaler(value: Any, _path: str) -> Autoscaler:
    """Read what sets the number of pods."""
    return Autoscaler(value)


@reader('"edge" or "direct"', *Gateway)
def gateway(value: Any, _path: str) -> Gateway:
    """Read where requests enter."""
    return Gateway(value)


@reader('the name of a Gateway, such as "public" or "gateways/public"')
def gateway_name(value: Any, _path: str) -> str:
    """Read the name of a Gateway, perhaps after its namespace and a slash."""
    if not isinstance(value, str) or not re.fullmatch(rf"(?:{_LABEL}/)?{_LABEL}", value):
        raise ValueError
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesSettings:
    """TANDEM["KUBERNETES"], which `tandem render kubernetes` reads."""

    image: str | None = option(
        optional(image),
        None,
        "the image of every role, without a tag; its last part names the manifests",
    )
    autoscaler: Autoscaler = option(
        autoscaler,
        "none",
        "what sets the number of pods: none, hpa (HorizontalPodAutoscaler) or keda (ScaledObject)",
    )
    gateway: Gateway = option(
        gateway,
        "edge",
        "where requests enter: edge, or direct, at the stacks by rules of the Gateway API",
    )
    parent: str | None = option(
        optional(gateway_name),
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
