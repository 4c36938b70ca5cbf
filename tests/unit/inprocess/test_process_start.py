"""Output that can't be written is dropped, and never an error of the code that prints."""

import subprocess
import sys
from pathlib import Path

CODE = """
import logging, sys
from django_tandem.inprocess.process_start import ignore_write_errors

ignore_write_errors()
print("to stdout: \u20ac")
print("to stderr: \u20ac", file=sys.stderr, flush=True)
sys.stdout.writelines(["a", "b"])
logging.error("logged")
"""


def run(output: str) -> int:
    """Run the code with both streams to a file, and return its exit code."""
    with Path(output).open("w") as file:
        command = [sys.executable, "-c", CODE]
        return subprocess.run(command, stdout=file, stderr=file, check=False).returncode


def test_a_print_to_a_full_disk_succeeds() -> None:
    """Linux' /dev/full fails each write with ENOSPC."""
    assert run("/dev/full") == 0


def test_the_output_is_in_order_where_there_is_room(tmp_path) -> None:
    """Each write is in the file at once, also without PYTHONUNBUFFERED."""
    assert run(str(tmp_path / "output")) == 0
    assert (tmp_path / "output").read_text() == (
        "to stdout: \u20ac\nto stderr: \u20ac\nabERROR:root:logged\n"
    )
