"""Hosts of one network: namespaces of the kernel, each with a link to a bridge of this one."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.stack import clean_environment

TANDEM = (sys.executable, "-m", "django_tandem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host: its namespace, its address, and the end of its link on the bridge."""

    name: str
    namespace: str
    address: str
    link: str

    def start(
        self, argv: tuple[str, ...], log: Path, cwd: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program on the host; it becomes the process that is returned."""
        with log.open("ab") as output:
            return subprocess.Popen(
                ("ip", "netns", "exec", self.namespace, *argv),
                cwd=cwd,
                env={**clean_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """Kill every process of the host, as the loss of its power does."""
        pids = _run("ip", "netns", "pids", self.namespace).split()
        for pid in map(int, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def partitioned(self) -> Iterator[None]:
        """Cut the link of the host for the length of the block."""
        _run("ip", "link", "set", self.link, "down")
        try:
            yield
        finally:
            _run("ip", "link", "set", self.link, "up")


@contextlib.contextmanager
def network(*names: str) -> Iterator[dict[str, Host]]:
    """Make a network of these hosts, which this namespace can reach; remove it after the block."""
    own = os.getpid()
    subnet, bridge = f"10.231.{own % 250}", f"td{own % 100000}"
    with contextlib.ExitStack() as made:
        _run("ip", "link", "add", bridge, "type", "bridge")
        made.callback(_run, "ip", "link", "delete", bridge)
        _run("ip", "address", "add", f"{subnet}.254/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        yield {
            name: made.enter_context(_host(name, f"{subnet}.{number}", bridge, number))
            for number, name in enumerate(names, start=1)
        }


@contextlib.contextmanager
def _host(name: str, address: str, bridge: str, number: int) -> Iterator[Host]:
    host = Host(
        name=name,
        namespace=f"tandem-{os.getpid()}-{name}",
        address=address,
        link=f"{bridge}-{number}",
    )
    inside = ("ip", "-n", host.namespace)
    _run("ip", "netns", "add", host.namespace)
    try:
        peer = ("peer", "name", "eth0", "netns", host.namespace)
        _run("ip", "link", "add", host.link, "type", "veth", *peer)
        _run("ip", "link", "set", host.link, "master", bridge, "up")
        _run(*inside, "address", "add", f"{address}/24", "dev", "eth0")
        for each in ("eth0", "lo"):
            _run(*inside, "link", "set", each, "up")
        yield host
    finally:
        host.kill()
        _run("ip", "netns", "delete", host.namespace)
        # A connection that was not closed keeps the namespace, and so the link, for minutes.
        subprocess.run(("ip", "link", "delete", host.link), check=False, stderr=subprocess.DEVNULL)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout


def wait(process: subprocess.Popen[bytes], within_s: float) -> int:
    """Return the exit code of a program of a host, once all below it have ended, too."""
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    code = process.wait(within_s)
    psutil.wait_procs(below, timeout=5)
    return code
