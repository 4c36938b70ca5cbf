"""The requests for a reload that another user's process may send."""

import json
import os
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from builders import host, plan
from django_tandem.errors import RefusedError
from django_tandem.model import Overrides
from django_tandem.model.state import State, planned_state
from django_tandem.runtime import reload_requests
from django_tandem.runtime.project_commands import command, environment_of
from django_tandem.runtime.reload_requests import ReloadRequest, address, read_request


def test_the_options_are_those_of_the_command() -> None:
    """In its own syntax."""
    request = read_request(
        b'{"timeout_s": 30, "is_waiting": true, "drain_s": 0, "drain_mode": "wait",'
        b' "is_terse": true, "has_traceback": true}'
    )

    assert request.arguments == [
        *("--timeout", "30", "--wait", "--drain", "0", "--drain", "wait"),
        *("--terse", "--traceback"),
    ]
    assert ReloadRequest(timeout_s=120).arguments == ["--timeout", "120"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        [],
        "reload",
        {"timeout_s": "120"},
        {"timeout_s": True},
        {"timeout_s": 120, "env_file": "/home/other/.env"},
        {"timeout_s": 120, "drain_mode": "--settings=other"},
        {"timeout_s": 120, "drain_s": "--env-file=/home/other/.env"},
        {"timeout_s": 120, "is_waiting": "--settings=other"},
    ],
)
def test_no_option_that_names_code_is_taken(given) -> None:
    """What the reload runs is for the stack's own user to decide."""
    with pytest.raises(ValueError):  # noqa: PT011 - it is caught as such
        read_request(json.dumps(given).encode())


def test_each_run_directory_has_its_own_address(tmp_path) -> None:
    """And each of its owners, so that nobody takes another's."""
    other = tmp_path / "a"
    other.mkdir()

    assert len({address(tmp_path, 1), address(tmp_path, 2), address(other, 1)}) == 3
    assert address(tmp_path, 1).startswith("\0tandem-reload-1-")


def test_containers_with_the_same_path_have_different_addresses(tmp_path) -> None:
    """On the network of their host they share one namespace of such sockets."""
    first, second = tmp_path / "first", tmp_path / "second"
    run_dir = tmp_path / "tandem"
    first.mkdir()
    second.mkdir()
    first.rename(run_dir)
    before = address(run_dir, 1)
    run_dir.rename(first)
    second.rename(run_dir)

    assert address(run_dir, 1) != before


def test_a_reload_runs_in_the_release_that_is_live(tmp_path) -> None:
    """With its interpreter, even before the first reload of it."""
    for number in ("1", "2"):
        python = tmp_path / "releases" / number / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
    (tmp_path / "current").symlink_to("releases/2")
    before = tmp_path / "releases" / "1"
    state = planned_state(plan(directory=str(before), on=host(python=f"{before}/.venv/bin/python")))

    argv, directory = command(state, "reload")

    assert argv == [
        *(f"{tmp_path}/current/.venv/bin/python", "-P", "-m", "django_tandem", "reload"),
    ]
    assert directory == str(tmp_path / "current")


def test_a_project_that_is_no_release_is_reloaded_where_it_is(tmp_path) -> None:
    """In the run directory that `tandem up` was given."""
    overrides = Overrides(run_dir="/run/shop")
    state = replace(planned_state(plan(directory=str(tmp_path))), overrides=overrides)

    assert command(state, "reload") == (
        [
            *("/venv/bin/python", "-P", "-m", "django_tandem", "reload"),
            *("--run-dir", "/run/shop"),
        ],
        str(tmp_path),
    )


def of_edge(directory: Path, **tandem: object) -> State:
    """The state of an edge and its host's workers, whose stacks are on other hosts."""
    peers = {"WSGI": ["127.0.0.1:9000"], "ASGI": ["127.0.0.1:9001"]}
    given = {"PEERS": peers, **tandem}
    return planned_state(plan(directory=str(directory), roles="edge,workers", tandem=given))


def test_a_host_without_a_stack_is_reloaded_in_its_project(tmp_path) -> None:
    """A program has the project's directory and settings, too."""
    state = of_edge(tmp_path, PROGRAMS={"mail": "mailer"})

    assert command(state, "reload")[1] == str(tmp_path)
    assert environment_of(state)["DJANGO_SETTINGS_MODULE"] == "config.settings"


def test_an_edge_that_runs_alone_is_left_to_its_user(tmp_path) -> None:
    """Nothing in its state names the project's directory."""
    with pytest.raises(RefusedError) as raised:
        command(of_edge(tmp_path), "reload")

    assert str(raised.value) == (
        "The edge runs alone here, with no server and no program of the project.\n"
        "  Reload it as the user that it runs as."
    )


@pytest.mark.parametrize("given", [b"[" * 4000, b"\xff", b""])
def test_no_line_of_another_user_is_a_traceback(given) -> None:
    """Each is an error that is caught as such."""
    with pytest.raises(ValueError):  # noqa: PT011 - it is caught as such
        read_request(given)


@pytest.mark.processes
def test_a_client_that_has_gone_interrupts_its_reload() -> None:
    """As Ctrl-C does, which ends the client's process alone."""
    client, connection = socket.socketpair()
    reading_end, writing_end = os.pipe()
    reload = subprocess.Popen(["sleep", "60"], stdout=writing_end)
    os.close(writing_end)
    client.close()
    with connection:
        reload_requests._relay(reload, reading_end, connection)
    os.close(reading_end)

    assert reload.wait(10) == -signal.SIGINT
