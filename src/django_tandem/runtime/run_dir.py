"""The directory that holds what a running stack needs: private, and short enough for sockets."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from django_tandem.errors import MachineError

# The kernel takes 107 bytes for a socket's path; supervisord first binds a name with its pid
# behind it, the longest of ours.
LONGEST_SOCKET = len("/supervisor.sock.4194304")
MAX_BYTES = 107 - LONGEST_SOCKET


def locate(project_directory: str, setting: str) -> Path:
    """Return where the run directory is: as set, or a short one when that is too long."""
    wanted = Path(project_directory, setting)
    if len(os.fsencode(wanted)) <= MAX_BYTES:
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"tandem-{os.geteuid()}-{digest}")


def prepare(run_dir: Path) -> None:
    """
    Make the run directory, the user's alone.

    Raises MachineError when it belongs to somebody else: whoever owns it could put
    a socket of theirs in the place of ours.
    """
    try:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = run_dir.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise MachineError(
                f"{run_dir} is not a directory of this user's own.",
                hint='Remove it, or name another one in TANDEM["RUN_DIR"].',
            )
        run_dir.chmod(0o700)
        # Nothing in it is to be committed, and no project should have to say so.
        (run_dir / ".gitignore").write_text("*\n")
    except OSError as error:
        raise MachineError(
            f"{run_dir} can't be made: {error.strerror}.",
            hint='Name a directory that can be written to in TANDEM["RUN_DIR"].',
        ) from error
