"""The example, copied to a scratch directory with its own database, and served."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "example"
# In one process: each imports the project.
PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("collectstatic", verbosity=0, interactive=False)
call_command("sample_data")
"""
LEFT_OUT = shutil.ignore_patterns(".tandem", "*.sqlite3*", "staticfiles", "__pycache__")


@contextmanager
def copied() -> Iterator[Path]:
    """Yield a copy of the example with sample data in it."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as scratch:
        directory = Path(shutil.copytree(EXAMPLE, Path(scratch, "p"), ignore=LEFT_OUT))
        argv = [sys.executable, "manage.py", "shell", "-v0", "-c", PREPARE]
        subprocess.run(argv, cwd=directory, check=True, stdout=subprocess.DEVNULL)
        yield directory


@contextmanager
def served(
    directory: Path,
    tandem: str = "{}",
    *,
    base: str = "config.settings",
    more: str = "",
    python: str = sys.executable,
) -> Iterator[str]:
    """
    Run `tandem up` with the setting ``tandem`` (Python source) and yield its URL.

    The settings are those of the module ``base``, and end with the source ``more``. ``python`` is
    the interpreter of the environment whose tandem runs.
    """
    (directory / "bench_settings.py").write_text(
        f"from {base} import *  # noqa: F403\nTANDEM = {tandem}\n{more}"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    argv = [python, "-m", "django_tandem", "up", "--settings", "bench_settings"]
    log = directory / "up.log"
    with log.open("w") as output:
        up = subprocess.Popen([*argv, "--bind", bind], cwd=directory, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 60
        while "Ready: " not in log.read_text():
            if up.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"tandem up did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield f"http://{bind}"
    finally:
        up.terminate()
        up.wait(timeout=30)


def environment() -> dict[str, str]:
    """Return the environment a server of the example needs."""
    return os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
