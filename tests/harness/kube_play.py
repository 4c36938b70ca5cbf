"""
Rendered manifests, run by `podman kube play` with a network and a name for each Service.

podman has no Services, no probes by a port's name and no Jobs: a pod gets the Service's name as an
alias, a Job becomes a pod, and the tests request the probes themselves.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from harness.client import wait_for
from harness.compose import ENGINE
from harness.images import podman
from harness.stack import DEADLINE_S

READY_S = 60
# As OpenShift gives each namespace a user, where a pod names none.
USER = 1000650000


def kustomize(directory: Path) -> list[dict[str, Any]]:
    """Return the objects of an overlay, as `kubectl kustomize` prints them."""
    argv = [Path(sys.executable).with_name("kubectl"), "kustomize", directory]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@dataclass(kw_only=True)
class KubePlay:
    """A network, a Secret and the pods of ``objects``, for the length of the block."""

    objects: list[dict[str, Any]]
    secret: dict[str, str]
    directory: Path
    name: str = field(default_factory=lambda: f"tandem-{os.getpid()}")
    pods: list[str] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        (self.directory / "containers.conf").write_text(ENGINE)
        self.run("network", "create", self.name)
        encoded = {
            key: base64.b64encode(value.encode()).decode() for key, value in self.secret.items()
        }
        (self.directory / "secret.json").write_text(json.dumps(encoded))
        (secret,) = {
            source["secretRef"]["name"]
            for each in self.objects
            if each["kind"] == "Deployment"
            for source in _container(each)["envFrom"]
            if "secretRef" in source
        }
        self.run("secret", "create", secret, str(self.directory / "secret.json"))
        self._secret = secret
        return self

    def __exit__(self, *_: object) -> None:
        for pod in self.pods:
            self.podman("pod", "rm", "--force", "--time", "0", pod)
            self.podman("volume", "rm", "--force", *self._volumes(pod))
        for server in self.servers:
            self.podman("rm", "--force", "--time", "0", "--volumes", server)
        self.podman("secret", "rm", self._secret)
        self.podman("network", "rm", "--force", self.name)

    def _volumes(self, pod: str) -> list[str]:
        listed = self.podman("volume", "ls", "--quiet", "--filter", f"name={pod}-")
        return listed.stdout.split()

    def podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a subcommand of podman to its end."""
        config = str(self.directory / "containers.conf")
        return subprocess.run(
            podman(*arguments),
            env=os.environ | {"CONTAINERS_CONF": config, "DISABLE_HC_SYSTEMD": "true"},
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * DEADLINE_S,
        )

    def run(self, *arguments: str) -> str:
        """Run a subcommand that has to succeed, and return its output."""
        done = self.podman(*arguments)
        assert done.returncode == 0, f"{arguments[:2]}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def serve(
        self, alias: str, image: str, port: int, *command: str, environment: tuple[str, ...] = ()
    ) -> None:
        """Run a server that is no pod of the manifests, such as PostgreSQL, until it listens."""
        name = f"{self.name}-{alias}"
        variables = [part for each in environment for part in ("--env", each)]
        options = ("--user", "999:999", "--network", f"{self.name}:alias={alias}")
        self.servers.append(name)
        self.run("run", "--detach", "--name", name, *options, *variables, image, *command)
        address = self._address(name)

        def listens() -> bool:
            try:
                socket.create_connection((address, port), timeout=5).close()
            except OSError:
                return False
            return True

        wait_for(listens, within_s=READY_S)

    def play(self, kind: str, name: str, *, alias: str = "") -> str:
        """Start the pod of a Deployment or a Job, and return the name of its container."""
        found = next(
            each
            for each in self.objects
            if (each["kind"], each["metadata"]["name"]) == (kind, name)
        )
        maps = [each for each in self.objects if each["kind"] == "ConfigMap"]
        pod = f"{self.name}-{name}"
        file = self.directory / f"{pod}.yaml"
        file.write_text(yaml.safe_dump_all([*maps, _pod(found, pod)]))
        network = f"{self.name}:alias={alias}" if alias else self.name
        self.pods.append(pod)
        self.run("kube", "play", "--network", network, str(file))
        return f"{pod}-{_container(found)['name']}"

    def logs(self, container: str) -> str:
        """Return what a container has printed."""
        done = self.podman("logs", container)
        return done.stdout + done.stderr

    def execute(self, container: str, *command: str) -> str:
        """Run a command in a container."""
        return self.run("exec", container, *command)

    def exit_code(self, container: str) -> int:
        """Return the exit code of a container, once it has ended."""
        return int(self.run("wait", container))

    def address(self, container: str) -> str:
        """Return the address of a container's pod."""
        pod = self.run("inspect", "--format", "{{.Pod}}", container)
        infra = self.run("pod", "inspect", "--format", "{{.InfraContainerID}}", pod)
        return self._address(infra)

    def _address(self, container: str) -> str:
        networks = json.loads(self.run("inspect", container))[0]["NetworkSettings"]["Networks"]
        return str(networks[self.name]["IPAddress"])

    def wait_until_ready(self, container: str, port: int) -> None:
        """Request the readiness probe, as the kubelet does, until it passes."""
        url = f"http://{self.address(container)}:{port}/readyz"

        def is_ready() -> bool:
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False

        try:
            wait_for(is_ready, within_s=READY_S)
        except AssertionError as error:
            error.add_note(self.logs(container)[-2000:])
            raise


def _container(given: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = given["spec"]["template"]["spec"]["containers"][0]
    return container


def _renamed(volume: dict[str, Any], pod: str) -> dict[str, Any]:
    return {**volume, "name": f"{pod}-{volume['name']}"}


def _pod(given: dict[str, Any], name: str) -> dict[str, Any]:
    spec = {**given["spec"]["template"]["spec"]}
    left_out = {"ports", "startupProbe", "livenessProbe", "readinessProbe"}
    container = {key: value for key, value in _container(given).items() if key not in left_out}
    # podman gives each emptyDir of a name one and the same volume, in every pod.
    spec["volumes"] = [_renamed(each, name) for each in spec["volumes"]]
    container["volumeMounts"] = [_renamed(each, name) for each in container["volumeMounts"]]
    spec["securityContext"] = {"runAsUser": USER, **spec["securityContext"]}
    # The tests stop containers, and look at what is left.
    spec["restartPolicy"] = "Never"
    spec["containers"] = [container]
    metadata = {"name": name, "labels": given["spec"]["template"]["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
