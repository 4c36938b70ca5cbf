"""A start that fails says why."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builders import plan
from django_tandem import __version__, output, pipeline
from django_tandem.errors import MachineError
from django_tandem.inprocess import shared_memory
from django_tandem.model import Plan
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime import lock, start
from django_tandem.settings import read_settings
from harness.stack import free_port

ENDS = "import sys; sys.exit('Error: the number of open files is too low')"


def plan_in(run_dir: Path) -> Plan:
    """Return a plan whose edge listens where nothing else does."""
    return plan(run_dir=str(run_dir), tandem={"BIND": f"127.0.0.1:{free_port()}"})


def fill(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch) -> None:
    """Whichever file it is that can't be written; and it is written at the next start."""
    starting, settings = plan_in(tmp_path / "run"), read_settings({})
    for owner, name in ((Path, "write_text"), (pipeline, "write")):
        with monkeypatch.context() as full:
            full.setattr(owner, name, fill)
            with pytest.raises(MachineError) as caught:
                start.prepare(starting, settings)
        assert str(caught.value) == (
            f"The file system of {tmp_path}/run is full: No space left on device.\n"
            "  Make room and try again; a stack that runs keeps serving."
        )


def test_a_start_removes_what_killed_stacks_have_left_in_shared_memory(
    tmp_path, monkeypatch
) -> None:
    """Also those of other run directories: nothing else would."""
    monkeypatch.setattr(shared_memory, "DIRECTORY", tmp_path)
    left = tmp_path / "tandem-slot-left"
    left.touch()
    os.utime(left, (0, 0))
    monkeypatch.setattr(pipeline, "write", fill)
    with pytest.raises(MachineError):
        start.prepare(plan_in(tmp_path / "run"), read_settings({}))

    assert not left.exists()


def test_a_supervisord_that_ends_at_once_is_quoted(tmp_path, monkeypatch, capsys) -> None:
    """Its log alone has the reason, below that of earlier starts."""
    starting = plan(run_dir=str(tmp_path))
    output.write([state_file(planned_state(starting))], tmp_path)
    (tmp_path / start.LOG_FILE).write_text("of an earlier start\n")
    monkeypatch.setattr(start, "_supervisord", lambda _directory: [sys.executable, "-c", ENDS])

    assert not start.detached(starting, tmp_path, lock.take(tmp_path), timeout_s=10)

    assert capsys.readouterr().err == (
        "Not started: supervisord ended.\n  Error: the number of open files is too low\n"
    )


@pytest.mark.processes
def test_a_command_that_starts_over_searches_no_working_directory(tmp_path) -> None:
    """Root's would run an argparse.py of the project before it becomes another user."""
    (tmp_path / "argparse.py").write_text("raise SystemExit('run')\n")
    code = "from django_tandem.runtime import start; start.replace_process(['--version'])"

    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, f"django-tandem {__version__}\n"), done.stderr
