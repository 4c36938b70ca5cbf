"""The manifests of a plan with every role, as values."""

from typing import Any

import yaml

from builders import plan, websocket
from django_tandem.model import File, Plan
from django_tandem.render import kubernetes

PEERS = {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]}
PROGRAMS = {"beat": "celery beat"}


def cluster(
    *,
    programs: bool = True,
    tandem: dict[str, Any] | None = None,
    project: dict[str, Any] | None = None,
    **choices: Any,
) -> Plan:
    """Return a plan of every role; ``choices`` are those of TANDEM["KUBERNETES"]."""
    given = {
        "HEALTH": ":8001",
        "METRICS": ":8002",
        "STOP_S": 20,
        "STOP_DELAY_S": 5,
        "PEERS": PEERS,
        "PROGRAMS": PROGRAMS if programs else {},
        "KUBERNETES": {"IMAGE": "registry.example.com/team/mysite", **choices},
        **(tandem or {}),
    }
    facts = {"channel_names": ("thumbnails",), **(project or {})}
    return plan(websocket("/ws/"), tandem=given, **facts)


def files(made: Plan) -> dict[str, File]:
    """Return the files of the target by their name."""
    return {file.name: file for file in kubernetes.render(made)}


def objects(made: Plan) -> dict[tuple[str, str], Any]:
    """Return the objects of the base by kind and name."""
    found = [
        each
        for name, file in files(made).items()
        if name.startswith("base/") and name != "base/kustomization.yaml"
        for each in yaml.safe_load_all(file.content)
    ]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def containers(made: Plan) -> dict[str, Any]:
    """Return the only container of each pod, by the name of what makes the pod."""
    return {
        name: each["spec"]["template"]["spec"]["containers"][0]
        for (kind, name), each in objects(made).items()
        if kind in ("Deployment", "Job")
    }
