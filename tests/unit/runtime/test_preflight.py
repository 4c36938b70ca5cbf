"""What a start needs of this machine, each missing thing as a sentence and a hint."""

import errno
import os
import socket

import pytest

from builders import host, plan, verdict
from django_tandem.runtime.preflight import edge_errors, find_missing, needs_port_binding
from django_tandem.settings import read_settings
from harness.stack import free_port

FILES = ("chain.pem", "key.pem")


@pytest.fixture
def missing(tmp_path):
    """Return what is missing for a plan with TLS and these further options of EDGE."""
    for name in FILES:
        (tmp_path / name).touch()
    tls = dict(zip(("CERTIFICATE", "KEY"), FILES, strict=True))

    def find(**edge) -> list[str]:
        tandem = {"BIND": f"127.0.0.1:{free_port()}", "EDGE": {"TLS": tls, **edge}}
        found = plan(tandem=tandem, directory=str(tmp_path))
        return [str(error) for error in find_missing(found, read_settings(tandem))]

    return find


def test_an_address_in_use_is_named_with_the_option_that_chose_it(missing) -> None:
    """`--bind` does not change where plain HTTP is redirected."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        bind = f"127.0.0.1:{listening.getsockname()[1]}"

        assert missing(REDIRECT=bind) == [
            f"{bind} is in use by another program.\n"
            '  Stop that program, or listen on another address with TANDEM["EDGE"]["REDIRECT"].'
        ]


def test_a_port_below_1024_takes_a_right(missing, monkeypatch) -> None:
    """As the kernel refuses it to an ordinary user, which root can't be in a test."""
    bound = socket.socket.bind

    def bind(self: socket.socket, address: tuple[str, int]) -> None:
        if address[1] == 80:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        bound(self, address)

    monkeypatch.setattr(socket.socket, "bind", bind)

    assert missing(REDIRECT="127.0.0.1:80") == [
        "This user may not listen on 127.0.0.1:80.\n"
        '  Listen on a port of at least 1024 with TANDEM["EDGE"]["REDIRECT"].'
    ]


@pytest.mark.parametrize(
    ("edge", "option"),
    [
        ({"INCLUDE": "no"}, '["INCLUDE"]'),
        ({"INCLUDE": {"http": "no"}}, '["INCLUDE"]["http"]'),
        ({"INCLUDE": {"http": "key.pem", "server": "no"}}, '["INCLUDE"]["server"]'),
        ({"ACME_ROOT": "no"}, '["ACME_ROOT"]'),
    ],
)
def test_a_file_that_nginx_could_not_read_is_named(missing, edge, option) -> None:
    """NGINX would name a line of nginx.conf, which nobody wrote."""
    assert missing(**edge) == [
        f'TANDEM["EDGE"]{option} is "no", which is not readable.\n'
        "  Give its path; a relative one is relative to the directory of manage.py."
    ]


@pytest.mark.parametrize(
    ("roles", "peers"),
    [("edge", {"WSGI": ["127.0.0.1:9000"]}), ("wsgi", {}), ("all", {})],
)
def test_a_certificate_between_hosts_is_named(tmp_path, roles, peers) -> None:
    """By its option, where the edge or a stack would read it; one host needs none."""
    tls = {
        "CERTIFICATE": "host.pem",
        "KEY": "host.key",
        "CA": str(tmp_path / "ca.pem"),
        "NAME": "stack",
    }
    (tmp_path / "host.pem").touch()
    tandem = {"BIND": f"127.0.0.1:{free_port()}", "PEERS": {"TLS": tls, **peers}}
    tandem["WSGI"] = {"BIND": f"127.0.0.1:{free_port()}"} if roles == "wsgi" else {}
    found = plan(verdict("/"), tandem=tandem, roles=roles, directory=str(tmp_path))

    errors = [str(error) for error in find_missing(found, read_settings(tandem))]

    hint = "  Give its path; a relative one is relative to the directory of manage.py."
    assert errors == [
        f'TANDEM["PEERS"]["TLS"]["{option}"] is "{file}", which is not readable.\n{hint}'
        for option, file in (("KEY", "host.key"), ("CA", f"{tmp_path}/ca.pem"))
        if roles != "all"
    ]


def test_a_niceness_without_a_nice_is_named(monkeypatch, tmp_path) -> None:
    """By the option that needs it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "x").write_text("#!/bin/sh\n")
    (tmp_path / "x").chmod(0o755)
    programs = {"tasks": {"COMMAND": "x", "NICE": 3}}
    tandem = {"BIND": f"127.0.0.1:{free_port()}", "PROGRAMS": programs, "SHARED_MASTER": False}
    found = plan(tandem=tandem, directory=str(tmp_path))

    errors = [str(error) for error in find_missing(found, read_settings(tandem))]

    assert [error for error in errors if "`nice`" in error] == [
        'TANDEM["WSGI"]["NICE"] is "auto", and there is no `nice` on this machine.\n'
        '  Install it (coreutils), or set TANDEM["WSGI"]["NICE"] to 0.',
        'TANDEM["PROGRAMS"]["tasks"]["NICE"] is 3, and there is no `nice` on this machine.\n'
        '  Install it (coreutils), or set TANDEM["PROGRAMS"]["tasks"]["NICE"] to 0.',
    ]


@pytest.fixture
def missing_for_health(tmp_path):
    """Return what is missing for a plan with this HEALTH, while these addresses are its own."""

    def find(health: object, *listening: str) -> list[str]:
        tandem = {"BIND": f"127.0.0.1:{free_port()}", "HEALTH": health}
        found = plan(tandem=tandem, directory=str(tmp_path))
        return [str(error) for error in find_missing(found, read_settings(tandem), listening)]

    return find


def test_the_probes_need_their_own_address(missing_for_health) -> None:
    """One in use is named with the option, unless the running stack has it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"

        assert missing_for_health(address) == [
            f"{address} is in use by another program.\n"
            '  Stop that program, or listen on another address with TANDEM["HEALTH"].'
        ]
        assert missing_for_health(address, address) == []


def test_an_address_in_use_at_a_reload_is_that_of_the_settings(tmp_path) -> None:
    """`tandem reload` has no `--bind`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        tandem = {"BIND": f"127.0.0.1:{listening.getsockname()[1]}"}
        found = plan(tandem=tandem, directory=str(tmp_path))

        errors = find_missing(found, read_settings(tandem), ("127.0.0.1:1",))

        assert [str(error) for error in errors] == [
            f"{tandem['BIND']} is in use by another program.\n"
            '  Stop that program, or listen on another address with TANDEM["BIND"].'
        ]


def test_the_probes_need_a_place_for_their_socket(missing_for_health, tmp_path) -> None:
    """One that was left behind is replaced."""
    path, file = tmp_path / "health.sock", tmp_path / "file"
    file.touch()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    absent, long = tmp_path / "absent" / "health.sock", tmp_path / ("x" * 110)
    hint = '  Name another path, or "unix" for the socket in the run directory.'

    assert missing_for_health(path) == []
    assert missing_for_health(file) == [
        f'TANDEM["HEALTH"] is the socket {file}, which is another file.\n{hint}'
    ]
    assert missing_for_health(absent) == [
        f'TANDEM["HEALTH"] is the socket {absent}, which is in a directory that can\'t be written '
        f"to.\n{hint}"
    ]
    assert missing_for_health(long) == [
        f'TANDEM["HEALTH"] is the socket {long}, which is longer than 107 bytes.\n{hint}'
    ]


def test_the_probes_may_need_a_right_too() -> None:
    """A port below 1024 takes it, wherever the edge listens."""
    ports = {"BIND": "127.0.0.1:8000", "HEALTH": "127.0.0.1:81"}

    assert needs_port_binding(plan(tandem=ports))
    assert not needs_port_binding(plan(tandem={**ports, "HEALTH": "127.0.0.1:8001"}))


def test_the_directory_of_large_bodies_is_checked_and_not_made(missing, tmp_path) -> None:
    """Its parent may be a file, for example."""
    assert missing(TEMP_DIR="temp") == []
    assert missing(TEMP_DIR="key.pem/temp") == [
        f"{tmp_path}/key.pem/temp can't be made: Not a directory.\n"
        '  Name a directory that can be written to in TANDEM["EDGE"]["TEMP_DIR"].'
    ]
    assert not (tmp_path / "temp").exists()


@pytest.mark.processes
def test_a_check_of_the_edge_makes_no_directory(nginx_program, tmp_path) -> None:
    """NGINX would make those of large bodies as it reads its file."""
    tandem = {"EDGE": {"TEMP_DIR": str(tmp_path / "temp")}}
    found = plan(verdict("/"), tandem=tandem, on=host(nginx=nginx_program))

    assert edge_errors(found) == ""
    assert not (tmp_path / "temp").exists()
