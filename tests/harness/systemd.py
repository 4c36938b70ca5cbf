"""A real systemd, as process 1 of separate namespaces, with the units of the tests alone."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from harness.client import wait_for
from harness.stack import DEADLINE_S

PROGRAM = "/lib/systemd/systemd"
CGROUPS = Path("/sys/fs/cgroup")
# A unit needs these by default; those of the machine would start its services.
TARGETS = ("basic", "default", "network-online", "shutdown", "sysinit", "umount")
# The arguments are the directories of cgroups, the script below, and systemd.
ENTER = """
while [ $# -gt 2 ]; do echo $$ > "$1/cgroup.procs"; shift; done
exec unshare --cgroup --mount --pid --fork --kill-child --mount-proc sh -c "$1" "$2"
"""
# It sees a separate cgroup as the root of the hierarchy, and an empty /run.
BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
fi
exec "$0" --system --unit=default.target --log-target=console --show-status=no
"""


@dataclass
class Systemd:
    """systemd for the length of the block; ``units`` is the directory of its unit files."""

    units: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="units-")))

    def __enter__(self) -> Self:
        for target in TARGETS:
            self.write(f"{target}.target", "[Unit]\nDefaultDependencies=no\n")
        self._cgroups = [each / f"tandem-{os.getpid()}" for each in _hierarchies()]
        for each in self._cgroups:
            each.mkdir()
        self._process = subprocess.Popen(
            ["sh", "-c", ENTER, "sh", *map(str, self._cgroups), BOOT, PROGRAM],
            env={"container": "tests", "SYSTEMD_UNIT_PATH": str(self.units)},
            stdin=subprocess.DEVNULL,
        )
        wait_for(lambda: self.systemctl("is-system-running").stdout == "running\n")
        return self

    def __exit__(self, *_: object) -> None:
        # The end of the first process in the namespace is that of all others.
        first = psutil.Process(self._first)
        self._process.kill()
        self._process.wait(DEADLINE_S)
        first.wait(DEADLINE_S)
        for each in self._cgroups:
            _remove(each)
        shutil.rmtree(self.units)

    def write(self, name: str, content: str) -> None:
        """Write a unit or, by a path below ``NAME.d``, a drop-in."""
        path = self.units / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    def systemctl(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run systemctl, and return its output and exit code."""
        argv = ["nsenter", "--target", str(self._first), "--mount", "--pid", "--cgroup"]
        return subprocess.run(
            [*argv, "systemctl", *args],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def show(self, unit: str) -> dict[str, str]:
        """Return the properties of a unit."""
        lines = self.systemctl("show", unit).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def _first(self) -> int:
        children = psutil.Process(self._process.pid).children()
        return children[0].pid if children else self._process.pid


def _hierarchies() -> list[Path]:
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [CGROUPS / "systemd", CGROUPS / "unified"]


def _remove(cgroup: Path) -> None:
    for directory, _, _ in os.walk(cgroup, topdown=False):
        Path(directory).rmdir()
