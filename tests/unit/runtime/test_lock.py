"""One stack a run directory, by a lock of the kernel's."""

import os
import subprocess
import sys

import pytest

from django_tandem.errors import MachineError
from django_tandem.runtime import lock


def test_a_lock_never_taken_has_no_holder(tmp_path) -> None:
    """Nor without the directory."""
    assert lock.holder(tmp_path) is None
    assert lock.holder(tmp_path / "none") is None


def test_a_second_taker_gets_the_pid_of_the_first(tmp_path) -> None:
    """The hint says what to do."""
    handle = lock.take(tmp_path)
    assert lock.holder(tmp_path) == os.getpid()

    with pytest.raises(MachineError) as caught:
        lock.take(tmp_path)

    assert str(caught.value) == (
        f"tandem is already running in {tmp_path}, with pid {os.getpid()}.\n"
        "  Stop it with `tandem down`, or see it with `tandem status`."
    )
    os.close(handle)
    assert lock.holder(tmp_path) is None


def test_it_passes_to_a_program_started_with_it(tmp_path) -> None:
    """It is dropped when that is killed, with nobody there to remove anything."""
    handle = lock.take(tmp_path)
    code = (
        "import pathlib, sys; from django_tandem.runtime import lock;"
        "run_dir = pathlib.Path(sys.argv[1]); held = lock.inherited(run_dir);"
        "lock.sign(held, run_dir);"
        "print('held', flush=True); sys.stdin.read()"
    )
    heir = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, lock.VARIABLE: str(handle)},
        pass_fds=(handle,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    os.close(handle)
    try:
        assert heir.stdout.readline() == b"held\n"
        assert lock.holder(tmp_path) == heir.pid
    finally:
        heir.kill()
        heir.wait()

    assert lock.holder(tmp_path) is None


def test_a_descriptor_of_another_file_is_not_the_lock(tmp_path, monkeypatch) -> None:
    """An environment variable proves nothing."""
    lock.take(tmp_path)
    with (tmp_path / "other").open("w") as other:
        monkeypatch.setenv(lock.VARIABLE, str(other.fileno()))

        assert lock.inherited(tmp_path) is None


def test_the_lock_holds_a_pid_and_its_proof_lies_beside_it(tmp_path) -> None:
    """A pid without its proof is nobody's."""
    handle = lock.take(tmp_path)
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert lock.holder_identity(tmp_path).is_verified

    for text in ("", "0", "-1", "1", str(os.getppid()), "x"):
        (tmp_path / "lock").write_text(text)
        assert not lock.holder_identity(tmp_path).is_verified
    os.close(handle)
