"""A PostgreSQL of the test's own, on a Unix socket in a scratch directory."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    program = str(found[0]) if found else shutil.which(name)
    assert program is not None, "make installs postgresql: run the tests by `make test`"
    return program


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of a database that is gone after the block."""
    # PostgreSQL refuses to run as root, and Debian's package makes a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-") as scratch:
        if user is not None:
            os.chown(scratch, pwd.getpwnam(user).pw_uid, -1)
        data = f"{scratch}/data"
        initdb = [program("initdb"), "-D", data, "-U", "tandem", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, user=user, cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        options = ["-k", scratch, "-c", "listen_addresses=", "-c", "fsync=off"]
        with Path(scratch, "log").open("w") as log:
            server = subprocess.Popen(
                [program("postgres"), "-D", data, *options],
                user=user,
                cwd=scratch,
                stdout=log,
                stderr=log,
            )
        try:
            ask = [program("pg_isready"), "-h", scratch, "-t", "30"]
            while subprocess.run(ask, stdout=subprocess.DEVNULL, check=False).returncode:
                assert server.poll() is None, Path(scratch, "log").read_text()
            yield f"postgres://tandem@/postgres?host={scratch}"
        finally:
            server.terminate()
            server.wait(timeout=30)
