"""
Each pod meets the Pod Security Standard "restricted".

Its list is at https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from collections.abc import Callable
from typing import Any

import pytest

from unit.render.kubernetes.manifests import cluster, objects

Pod = dict[str, Any]

ALLOWED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"),
    *("projected", "secret"),
}


def pods() -> dict[str, Pod]:
    found = objects(cluster(AUTOSCALER="keda", POD_MONITOR=True))
    return {
        name: each["spec"]["template"]["spec"]
        for (kind, name), each in found.items()
        if kind in ("Deployment", "Job")
    }


def contexts(pod: Pod) -> list[dict[str, Any]]:
    return [each["securityContext"] for each in pod["containers"]]


def ports(pod: Pod) -> list[dict[str, Any]]:
    return [port for each in pod["containers"] for port in each.get("ports", ())]


CONTROLS: dict[str, Callable[[Pod], bool]] = {
    "host namespaces": lambda pod: not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(),
    "host ports": lambda pod: not any("hostPort" in port for port in ports(pod)),
    "privileged containers": lambda pod: not any("privileged" in each for each in contexts(pod)),
    "capabilities": lambda pod: all(
        each["capabilities"] == {"drop": ["ALL"]} for each in contexts(pod)
    ),
    "volume types": lambda pod: all(
        volume.keys() - {"name"} <= ALLOWED_VOLUMES for volume in pod["volumes"]
    ),
    "privilege escalation": lambda pod: all(
        each["allowPrivilegeEscalation"] is False for each in contexts(pod)
    ),
    "running as non-root": lambda pod: pod["securityContext"]["runAsNonRoot"] is True,
    "running as non-root user": lambda pod: (
        not any(each.get("runAsUser") == 0 for each in (pod["securityContext"], *contexts(pod)))
    ),
    "seccomp": lambda pod: pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"},
    "no other profiles": lambda pod: (
        not any(
            {"seLinuxOptions", "procMount", "sysctls", "appArmorProfile", "windowsOptions"}
            & each.keys()
            for each in (pod["securityContext"], *contexts(pod))
        )
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_each_pod_meets_the_restricted_standard(control) -> None:
    """Control by control of its list."""
    assert [name for name, pod in pods().items() if not CONTROLS[control](pod)] == []


def test_no_pod_can_write_but_where_it_has_to() -> None:
    """Beyond the standard: a root file system that is read-only, and no token of the API."""
    for pod in pods().values():
        assert all(each["readOnlyRootFilesystem"] for each in contexts(pod))
        assert pod["automountServiceAccountToken"] is False
        assert {volume["name"] for volume in pod["volumes"]} <= {"run", "tmp", "temp"}


def test_no_pod_names_its_user() -> None:
    """OpenShift's restricted-v2 rejects any number but those of the namespace."""
    named = {"runAsUser", "runAsGroup", "fsGroup"}
    for pod in pods().values():
        assert not any(named & each.keys() for each in (pod["securityContext"], *contexts(pod)))
