"""A container of podman, started as `docker run` starts one; it prints what `docker logs` has."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.images import LIMITS, podman
from harness.stack import DEADLINE_S, Up

# As strict as a cluster is: two directories are writable, and there are no capabilities.
READ_ONLY = ("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/run", "--volume", "/var/tmp")
UNPRIVILEGED = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
SECRETS = ("--env", "SECRET_KEY=of no secret")


@dataclass(kw_only=True)
class Container(Up):
    """The image of a project in a container, for the length of the block."""

    image: str
    directory: Path = Path("/")
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    # The port that it listens on inside.
    inside: int = 8000

    @property
    def argv(self) -> list[str]:
        """The command line of podman; its process ends with the container's exit code."""
        publish = ("--publish", f"127.0.0.1:{self.port}:{self.inside}")
        # A timer of systemd would run the health check; the tests run it themselves.
        health = ("--health-interval", "disable")
        run = podman("run", "--rm", "--name", self.name, *LIMITS, *publish, *health, *SECRETS)
        return [*run, *self.options, self.image, *self.arguments]

    @property
    def name(self) -> str:
        return f"tandem-{os.getpid()}-{self.port}"

    def __exit__(self, *_: object) -> None:
        self.podman("rm", "--force", "--time", "0", self.name)
        self.wait()

    def podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a subcommand of podman to its end."""
        return subprocess.run(
            podman(*arguments), capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as `docker exec` does."""
        return self.podman("exec", self.name, *command)

    def status(self) -> dict[str, Any]:
        """Return what `tandem status` prints in the container."""
        done = self.execute("tandem", "status", "--run-dir", "/run/tandem", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def workers(self) -> dict[str, int]:
        """Return how many workers each server of the shared master has."""
        master = next(each for each in self.status()["processes"] if each["kinds"])
        return {each["name"]: len(each["workers"]) for each in master["kinds"]}

    @property
    def address(self) -> str:
        """The address of the container in the network of its host."""
        field = "{{.NetworkSettings.IPAddress}}"
        return self.podman("inspect", "--format", field, self.name).stdout.strip()

    def inspect(self, field: str) -> str:
        """Return a field of the container's state, such as ``Pid``: of process 1, as seen here."""
        return self.podman(
            "inspect", "--format", f"{{{{.State.{field}}}}}", self.name
        ).stdout.strip()
