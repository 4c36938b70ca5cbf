"""Ways to spoil a project, and what a command then reports."""

import subprocess
from pathlib import Path

import psutil

# Notes on the plan, which `up` prints before an error.
NOTES = (
    "Nothing in this project needs ASGI",
    "Running as root",
    "There are ",
    "REDIS_URL is not set",
)


def running_in(directory: Path) -> list[str]:
    """Return the command lines of all processes that work below ``directory``."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(directory):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def append(path: Path, text: str) -> int:
    """Append one line, and return its number."""
    path.write_text(path.read_text() + text + "\n")
    return len(path.read_text().splitlines())


def setting(project: Path, tandem_setting: str) -> None:
    append(project / "mysite" / "settings.py", f"TANDEM = {tandem_setting}")


def exit_and_stderr(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Return the exit code, and what was written to stderr beside the notes on the plan."""
    lines = done.stderr.splitlines(keepends=True)
    return done.returncode, "".join(line for line in lines if not line.startswith(NOTES))
