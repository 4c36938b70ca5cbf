"""A child that can't execute its program ends, and is never a second supervisord."""

import errno
import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from supervisor import events, loggers
from supervisor.options import ServerOptions, UnhosedConfigParser
from supervisor.process import Subprocess

from django_tandem.runtime.agents import SWITCHES
from django_tandem.runtime.logs import log_path
from django_tandem.runtime.supervisor.children import Children, unwanted

# The exit code of a child that ran on past its fork.
SECOND_SUPERVISORD = 99
# supervisor's own, of a child whose program can't be executed.
NOT_EXECUTED = 127

pytestmark = pytest.mark.processes


@pytest.fixture
def options() -> Iterator[ServerOptions]:
    events.clear()
    found = ServerOptions()
    found.logger = loggers.getLogger()
    found.loglevel = loggers.LevelsByName.INFO
    found.minfds = 3
    yield found
    events.clear()


@pytest.fixture
def full_disk(tmp_path) -> None:
    """Have each write to the program's log fail with ENOSPC."""
    log = log_path(tmp_path, "tasks-1")
    log.parent.mkdir(exist_ok=True)
    log.symlink_to("/dev/full")


def program(options: ServerOptions, command: str, environment: str = "") -> Subprocess:
    parser = UnhosedConfigParser()
    parser.read_string(
        f"[program:tasks-1]\ncommand={command}\nenvironment={environment}\n"
        "redirect_stderr=true\nstdout_logfile=NONE\n"
    )
    (config,) = options.processes_from_section(parser, "program:tasks-1", "tasks-1")
    return Subprocess(config)


def exit_code(process: Subprocess) -> int:
    """Start a program as supervisord does, and return its exit code."""
    parent = os.getpid()
    try:
        pid = process.spawn()
    finally:
        if os.getpid() != parent:
            os._exit(SECOND_SUPERVISORD)
    process.config.options.close_parent_pipes(process.pipes)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def without_interpreter(tmp_path) -> str:
    """Return a program that exists, and that the kernel does not execute."""
    path = tmp_path / "program"
    path.write_text("#!/does/not/exist\n")
    path.chmod(0o755)
    return str(path)


def fail(*_arguments: int) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_program_that_is_not_executed_ends_on_a_full_disk(
    options, tmp_path, full_disk, without_interpreter
) -> None:
    """Its child can't write why, which raises before supervisor's own exit of the child."""
    Children(SimpleNamespace(options=options), tmp_path)

    assert exit_code(program(options, without_interpreter)) == NOT_EXECUTED


def test_an_unreadable_env_file_ends_the_child_on_a_full_disk(options, tmp_path, full_disk) -> None:
    """spawn() would take the failed write of the reason for a failed fork."""
    Children(SimpleNamespace(options=options), tmp_path)
    environment = f'TANDEM_ENV_FILE="{tmp_path}/missing"'

    assert exit_code(program(options, "/bin/true", environment)) == 1


def test_a_child_that_fails_to_prepare_logs_why(options, tmp_path) -> None:
    """As supervisor does for a program that it can't execute."""
    children = Children(SimpleNamespace(options=options), tmp_path)
    children._prctl = fail

    assert exit_code(program(options, "/bin/true")) == 1
    last = log_path(tmp_path, "tasks-1").read_text().splitlines()[-1]
    assert last == "PermissionError: [Errno 1] Operation not permitted"


def test_systemds_variables_are_for_supervisord_alone(monkeypatch) -> None:
    """Gunicorn, for one, would report to systemd that the stack is ready."""
    monkeypatch.setattr(os, "environ", {"NOTIFY_SOCKET": "/run/notify", "SHOP": "1"})
    children = Children.__new__(Children)
    children._failure, children._variables = "", {"LISTEN_FDS": "1", "KEY": "2"}
    children._starting = SimpleNamespace(config=SimpleNamespace(name="tasks-1"))

    children._set_variables()

    assert os.environ == {"SHOP": "1", "KEY": "2"}


def test_no_agent_traces_the_monitor(monkeypatch) -> None:
    """The servers keep what `ddtrace-run` has set."""
    given = {"DD_TRACE_ENABLED": "true", "PYTHONPATH": "/venv/ddtrace/bootstrap"}
    children = Children.__new__(Children)
    children._failure, children._variables = "", {}
    found = {}
    for name in ("monitor", "master-1"):
        monkeypatch.setattr(os, "environ", dict(given))
        children._starting = SimpleNamespace(config=SimpleNamespace(name=name))
        children._set_variables()
        found[name] = os.environ

    assert found == {"monitor": SWITCHES, "master-1": given}


def test_a_server_has_no_options_from_the_environment() -> None:
    """A Service of Kubernetes that is called uvicorn sets UVICORN_PORT to a URL."""
    names = ["UVICORN_PORT", "GRANIAN_PORT", "GUNICORN_CMD_ARGS", "SHOP_PORT"]

    for server in ("asgi-1", "wsgi-2", "master-1"):
        assert unwanted(server, names) == ["UVICORN_PORT", "GRANIAN_PORT"]
    assert unwanted("tasks-1", names) == []
