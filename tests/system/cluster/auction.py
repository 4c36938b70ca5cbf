"""The example's auction on several hosts: an edge, two of WSGI, one of ASGI, and their data."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cluster.network import TANDEM, Host, network, wait
from django_tandem.runtime.host import find_valkey
from harness.client import ask, wait_for
from harness.example import copied, prepare, token_of
from harness.postgres import program

SECRET = "0123456789abcdef0123456789abcdef"
HEADER = ("X-Tandem-Secret", SECRET)
STOP_S = 12

SETTINGS = """
import os

from config.settings import *

ALLOWED_HOSTS = ["*"]
CACHES = {{
    "default": {{
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
    }}
}}
TANDEM = {{
    "PEERS": {{
        "WSGI": ["{wsgi1}:9000", "{wsgi2}:9000"],
        "ASGI": ["{asgi}:9001", "{asgi}:9002"],
        "SECRET": os.environ.get("CLUSTER_SECRET", ""),
    }},
    "WSGI": {{"WORKERS": 2}},
    "ASGI": {{"WORKERS": 1, "BIND": os.environ.get("ASGI_BIND", "auto")}},
    "HEALTH": os.environ.get("HEALTH_BIND", "unix"),
    "STOP_S": {stop_s},
}}
"""


@dataclass
class Role:
    """One role on a host, and how it is started."""

    host: Host
    role: str
    directory: Path
    environment: dict[str, str]
    run_dir: Path
    health_port: int = 8001
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, and return once it is ready."""
        health = {"HEALTH_BIND": f":{self.health_port}"}
        argv = ("up", "--role", self.role, "--run-dir", str(self.run_dir), "--bind", ":8000")
        self.process = self.host.start(
            (*TANDEM, *argv), self.log, self.directory, self.environment | health
        )
        wait_for(self.is_ready, within_s=60)

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            return ask(self.health_port, "/readyz", host=self.host.address).status == 200
        return False

    def stop(self) -> int:
        """Stop it as a container's runtime does; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return wait(self.process, STOP_S + 2)

    @property
    def log(self) -> Path:
        return self.run_dir.with_suffix(".log")


@dataclass
class Auction:
    """The auction while it is served."""

    hosts: dict[str, Host]
    roles: dict[str, Role]
    directory: Path
    environment: dict[str, str]
    tokens: list[str]
    # Valkey and PostgreSQL.
    data: list[subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"http://{self.hosts['edge'].address}:8000"

    def second_asgi(self) -> Role:
        """Return a further ASGI role on its host, which is not started."""
        return self._role("asgi", "asgi", number=2, ASGI_BIND=":9002")

    def _role(self, name: str, role: str, *, number: int = 1, **environment: str) -> Role:
        return Role(
            host=self.hosts[name],
            role=role,
            directory=self.directory,
            environment=self.environment | environment,
            run_dir=self.directory.parent / f"{name}-{number}",
            health_port=8000 + number,
        )


@contextlib.contextmanager
def serving() -> Iterator[Auction]:
    """Serve the auction until the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="cluster-") as scratch,
        network("edge", "wsgi1", "wsgi2", "asgi", "data") as hosts,
    ):
        directory = copied(Path(scratch, "p"))
        addresses = {name: host.address for name, host in hosts.items()}
        settings = SETTINGS.format(**addresses, stop_s=STOP_S)
        (directory / "config" / "cluster.py").write_text(settings)
        data, variables = _data(hosts["data"], Path(scratch))
        environment = {
            "DJANGO_SETTINGS_MODULE": "config.cluster",
            "CLUSTER_SECRET": SECRET,
            **variables,
        }
        # The test's own namespace reaches the data, too.
        prepare(directory, **environment)
        tokens = [token_of(user, directory, **environment) for user in ("ada", "grace")]
        auction = Auction(hosts, {}, directory, environment, tokens, data)
        for name, role in (
            *(("wsgi1", "wsgi"), ("wsgi2", "wsgi")),
            *(("asgi", "asgi"), ("edge", "edge")),
        ):
            auction.roles[name] = auction._role(name, role)
            auction.roles[name].start()
        yield auction


def _data(host: Host, scratch: Path) -> tuple[list[subprocess.Popen[bytes]], dict[str, str]]:
    """Start Valkey and PostgreSQL on their host; return them, and the variables that name them."""
    valkey = find_valkey()
    assert valkey is not None
    listen = ("--bind", host.address, "--protected-mode", "no", "--save", "")
    argv = (valkey, *listen, "--dir", str(scratch))
    started = [host.start(argv, scratch / "valkey.log", scratch, {})]
    postgres = Path(tempfile.mkdtemp(prefix="pg-", dir=scratch))
    scratch.chmod(0o755)
    user = pwd.getpwnam("postgres")
    os.chown(postgres, user.pw_uid, user.pw_gid)
    by_user = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    data = postgres / "data"
    initdb = (program("initdb"), "-D", str(data), "-U", "tandem", "--auth=trust", "--no-sync")
    subprocess.run((*by_user, *initdb), check=True, cwd=postgres, stdout=subprocess.DEVNULL)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 0.0.0.0/0 trust\n")
    options = ("-k", str(postgres), "-c", f"listen_addresses={host.address}", "-c", "fsync=off")
    argv = (*by_user, program("postgres"), "-D", str(data), *options)
    started.append(host.start(argv, scratch / "postgres.log", postgres, {}))
    is_ready = (program("pg_isready"), "-h", host.address, "-t", "30")
    wait_for(
        lambda: not subprocess.run(is_ready, check=False, stdout=subprocess.DEVNULL).returncode,
        within_s=30,
    )
    return started, {
        "DATABASE_URL": f"postgres://tandem@{host.address}/postgres",
        "REDIS_URL": f"redis://{host.address}:6379/0",
    }


def is_possible() -> bool:
    """Return whether this user can make networks."""
    return os.geteuid() == 0 and shutil.which("ip") is not None
