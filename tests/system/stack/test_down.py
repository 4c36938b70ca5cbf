"""`tandem down` and `status` where the pid of the lock's holder can't be verified on this host."""

import fcntl
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from django_tandem.runtime import lock
from harness.client import ask, wait_for
from harness.projects import SMALL, startproject, without_apps
from harness.stack import Up, clean_environment, last_line, tandem

OUT_OF_REACH = (
    "supervisord does not answer in {run_dir}, and its pid can't be verified on this host.\n"
    "  It may run in another container: stop it there.\n"
)


@pytest.mark.parametrize("text", ["", "0", "1", "-1", "{"])
def test_a_lock_without_a_signature_gets_nobody_killed(text, tmp_path) -> None:
    """Neither the caller's process group, nor init, nor every process of the user."""
    run_dir = startproject(tmp_path) / ".tandem"
    run_dir.mkdir(mode=0o700)
    with (run_dir / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(text)
        held.flush()
        # In its own process group: the group is what would be killed.
        done = subprocess.run(
            ["/bin/sh", "-c", f"{sys.executable} -m django_tandem down; echo survived $?"],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            process_group=0,
            timeout=30,
            check=False,
        )

    assert (done.stdout, done.stderr) == ("survived 1\n", OUT_OF_REACH.format(run_dir=run_dir))


def test_a_stack_of_another_pid_namespace_is_stopped_over_its_socket(tmp_path) -> None:
    """The process that has its pid here is a stranger, and survives."""
    with (
        Up(without_apps(tmp_path, **SMALL)) as up,
        subprocess.Popen(["sleep", "600"]) as stranger,
    ):
        try:
            own = lock.holder_identity(up.run_dir)
            _sign_as_another(up.run_dir, stranger.pid)
            status = tandem(tmp_path, "status")
            assert status.returncode == 0
            assert f"has pid {stranger.pid} in another PID namespace)." in status.stdout

            done = tandem(tmp_path, "down")

            assert (done.returncode, last_line(done)) == (0, "Stopped.")
            assert up.wait() == 0
            assert stranger.poll() is None
            assert own.pid == up.process.pid
        finally:
            stranger.kill()


def _sign_as_another(run_dir: Path, pid: int) -> None:
    identity = run_dir / "lock.json"
    others = json.loads(identity.read_text()) | {"pid": pid, "namespace": "another"}
    identity.write_text(json.dumps(others))
    (run_dir / "lock").write_text(f"{pid}\n")


UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc")


def _can_unshare() -> bool:
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _can_unshare(), reason="this user may make no PID namespace")
def test_a_real_pid_namespace(tmp_path) -> None:
    """As of a container into which the project is mounted."""
    with Up(without_apps(tmp_path, **SMALL), prefix=UNSHARE) as up:
        assert lock.holder_identity(up.run_dir).pid < up.process.pid
        assert ask(up.port, "/").status == 200
        assert tandem(tmp_path, "down").returncode == 0
        assert up.wait() == 0


def test_a_signal_that_comes_while_it_stops_is_no_error(tmp_path) -> None:
    """`tandem down` beside systemd's own SIGTERM: both find it stopped."""
    with Up(without_apps(tmp_path, **SMALL)) as up:
        up.process.send_signal(signal.SIGTERM)
        assert tandem(tmp_path, "down").stderr in (
            "Stopped.\n",
            f"Nothing runs in {up.run_dir}.\n  Start it with `tandem up`.\n",
        )
        assert up.wait() == 0


NEEDS_ENVIRONMENT = """
import os
from pathlib import Path

SECRET_KEY = os.environ["KEY"]
with Path(__file__).with_name("imports").open("a") as imports:
    imports.write("x")
"""


def test_no_command_on_what_runs_needs_the_settings(tmp_path) -> None:
    """They may need the environment of a unit file; and their import may take seconds."""
    without_apps(tmp_path, **SMALL)
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(NEEDS_ENVIRONMENT)
    with Up(tmp_path, environment={"KEY": "x"}) as up:
        imports = tmp_path / "mysite" / "imports"
        before = imports.read_text()

        assert tandem(tmp_path, "status").stdout.startswith("Generation 1 has served ")
        assert ask(up.port, "/").status == 200
        last = wait_for(lambda: tandem(tmp_path, "logs", "-n1", "nginx").stdout)
        assert last.startswith("nginx      | ")
        named = ("--run-dir", str(up.run_dir))
        assert tandem(tmp_path.parent, "status", *named).returncode == 0
        assert last_line(tandem(tmp_path, "down")) == "Stopped."
        assert imports.read_text() == before
        assert up.wait() == 0

    # Nothing runs, and the settings can't be imported: the default directory is found still.
    assert tandem(tmp_path, "status").stderr == (
        f"Nothing runs in {up.run_dir}.\n  Start it with `tandem up`.\n"
    )
    (up.run_dir / "state.json").unlink()
    last = tandem(tmp_path, "status").stderr.splitlines()[-1]
    assert last == "  Or name the run directory with `--run-dir`."
