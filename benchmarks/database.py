"""A PostgreSQL in a scratch directory, with room for all that stock Django opens."""

import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "tandem"
# Stock Django never closes what it keeps for threads that are gone; Python's collector does, late.
# With PostgreSQL's own 100 most of its requests would fail, and a rate of failures is none.
CONNECTIONS = 1000


@contextmanager
def database() -> Iterator[str]:
    """Yield the directory of its socket; it is gone after the block."""
    # PostgreSQL refuses to run as root, and Debian's package makes a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-") as scratch:
        if user is not None:
            os.chown(scratch, pwd.getpwnam(user).pw_uid, -1)
        started = {"user": user, "cwd": scratch, "stdout": subprocess.DEVNULL}
        initdb = [_program("initdb"), "-D", "data", "-U", USER, "--auth=trust", "--no-sync"]
        subprocess.run(initdb, check=True, **started)
        options = ["listen_addresses=", "fsync=off", f"max_connections={CONNECTIONS}"]
        argv = [_program("postgres"), "-D", "data", "-k", scratch]
        argv += [f"--{each}" for each in options]
        with Path(scratch, "log").open("w") as log:
            server = subprocess.Popen(argv, stderr=log, **started)
        try:
            until = time.monotonic() + 30
            ask = [_program("pg_isready"), "-q", "-h", scratch, "-U", USER]
            while subprocess.run(ask, check=False).returncode:
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(Path(scratch, "log").read_text())
                time.sleep(0.05)
            yield scratch
        finally:
            server.terminate()
            server.wait(timeout=30)


def _program(name: str) -> str:
    # Debian keeps each version's apart from PATH, and a make that has just installed one too.
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(found[0]) if found else name
