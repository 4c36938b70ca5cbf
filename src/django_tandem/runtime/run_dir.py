"""The directory that holds what a running stack needs: private, and short enough for sockets."""

import errno
import hashlib
import json
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from django_tandem import atomic_files, environment
from django_tandem.atomic_files import remove_abandoned
from django_tandem.errors import MachineError
from django_tandem.inprocess import (
    drain_window,
    generation_files,
    handover_counts,
    prometheus_files,
    slot_file,
)
from django_tandem.inprocess.startup_failures import failure_name
from django_tandem.model import REQUESTS_FILE, Plan, Stack, programs
from django_tandem.model.shifts import SHIFTED_FILE
from django_tandem.model.state import STATE_FILE, STOPPING_FILE
from django_tandem.project.releases import find_link
from django_tandem.runtime import candidates, links, lock, supervisord
from django_tandem.runtime.state import HEALTH_SOCKET, METRICS_SOCKET, READY_FILE

# The kernel takes 107 bytes for a socket's path; supervisord first binds a name with its pid
# behind it, the longest of ours.
LONGEST_SOCKET = len(f"/{supervisord.SOCKET}.4194304")
MAX_BYTES = 107 - LONGEST_SOCKET

# What a write to a full file system raises, or one over the user's quota.
FULL = (errno.ENOSPC, errno.EDQUOT)
FREE_BYTES = 256 * 1024

# The settings that name a directory of the stack.
RUN_DIR, TEMP_DIR = 'TANDEM["RUN_DIR"]', 'TANDEM["EDGE"]["TEMP_DIR"]'

# By their first lines a directory is known for one of ours.
RENDERED = ("nginx.conf", "supervisord.conf", "prometheus-rules.yml")
# Files that a start leaves if it was refused before it rendered them.
BEFORE_RENDERED = {".gitignore", lock.NAME, lock.IDENTITY}


def locate(project_directory: str, setting: str, uid: int | None = None) -> Path:
    """
    Return where the run directory of user ``uid``, or of this one, is.

    That is as set, or a short one when that is too long.

    A relative setting is relative to the project; releases of one deployment share a directory
    next to the link that leads to the live one.
    """
    uid = os.geteuid() if uid is None else uid
    own = _bindable(Path(project_directory, setting), uid)
    if Path(setting).is_absolute() or lock.holder(own) is not None:
        return own
    link = find_link(Path(project_directory))
    if link is None:
        return own
    shared = _bindable(link.parent / f"{setting}-{link.name}", uid)
    # Where only root may write, root has made it.
    is_made = shared.exists() and shared.stat().st_uid == uid
    return shared if is_made or os.access(link.parent, os.W_OK) else own


def _bindable(directory: Path, uid: int) -> Path:
    """Return ``directory``, or a short one when its path is too long for a socket."""
    # As supervisord names it: a socket has one name, the one that it was bound by.
    wanted = Path(os.path.normpath(directory))
    if len(os.fsencode(wanted)) <= MAX_BYTES:
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    # Not where TMPDIR says: `up` and `down` may be called with different ones.
    return Path(f"/tmp/tandem-{uid}-{digest}")  # noqa: S108 - refuse_foreign() looks


def prepare(run_dir: Path, *, is_committed: bool = False) -> None:
    """
    Make the run directory, the user's alone.

    With ``is_committed`` its files may be kept under version control. Raises
    MachineError when it belongs to another user, or holds files that are not tandem's.
    """
    try:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_foreign(run_dir)
        _refuse_another_use(run_dir)
        run_dir.chmod(0o700)
        # Nothing in it is to be committed, and no project should need a rule for that.
        ignored = run_dir / ".gitignore"
        # An empty one is what a full disk left.
        if not is_committed and not (ignored.exists() and ignored.stat().st_size):
            ignored.write_text("*\n")
    except OSError as error:
        if error.errno in FULL:
            raise
        raise _not_made(run_dir, error.errno, RUN_DIR) from error


def require_usable(run_dir: Path) -> None:
    """Raise MachineError where a start could not use ``run_dir``, and make nothing."""
    refuse_foreign(run_dir)
    if run_dir.exists():
        _refuse_another_use(run_dir)
    existing = _require_makeable(run_dir, RUN_DIR)
    with require_space(run_dir):
        require_free_bytes(existing)


def require_usable_temp_dir(temp_dir: Path) -> None:
    """Raise MachineError where a start could not use the directory of large bodies."""
    refuse_foreign(temp_dir, TEMP_DIR)
    _require_makeable(temp_dir, TEMP_DIR)


def _require_makeable(directory: Path, setting: str) -> Path:
    """Return the directory, or that above it which exists, if this user may write there."""
    existing = next(each for each in (directory, *directory.parents) if each.exists())
    if not existing.is_dir():
        raise _not_made(directory, errno.ENOTDIR, setting)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise _not_made(directory, errno.EACCES, setting)
    return existing


def prepare_temp_dir(plan: Plan) -> None:
    """
    Make the directory of NGINX's large bodies, the user's alone, if a setting names one.

    Raises MachineError when it can't be made, or belongs to another user.
    """
    if not (plan.has_edge and plan.edge.temp_dir):
        return
    directory = Path(plan.edge.temp_dir)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _not_made(directory, error.errno, TEMP_DIR) from error
    refuse_foreign(directory, TEMP_DIR)


def _not_made(directory: Path, reason: int | None, setting: str) -> MachineError:
    return MachineError(
        f"{directory} can't be made: {os.strerror(reason or errno.EIO)}.",
        hint=f"Name a directory that can be written to in {setting}.",
    )


@contextmanager
def require_space(run_dir: Path) -> Iterator[None]:
    """Raise MachineError, with what to do, when the file system of ``run_dir`` is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise MachineError(
            f"The file system of {run_dir} is full: {error.strerror}.",
            hint="Make room and try again; a stack that runs keeps serving.",
        ) from error


def require_free_bytes(run_dir: Path) -> None:
    """Raise OSError when the sockets, pid files and logs of a start would fill the file system."""
    # Some file systems have no size.
    usage = shutil.disk_usage(run_dir)
    if usage.total and usage.free < FREE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refuse_foreign(directory: Path, setting: str = RUN_DIR) -> None:
    """
    Raise MachineError for a directory of the stack that is another user's, or no directory.

    The owner of a run directory could replace our sockets with others, or have `tandem down` end a
    process of their choice. A directory that does not exist yet has no owner.
    """
    try:
        found = directory.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise MachineError(
            f"{directory} can't be accessed: {error.strerror}.",
            hint=f"Name another one in {setting}.",
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise MachineError(
            f"{directory} is not a directory.",
            hint=f"Name another one in {setting}.",
        )
    if found.st_uid != os.geteuid():
        owner = _name_of(found.st_uid)
        # Root's command runs as the user that it has become.
        has_left_root = found.st_uid == 0 and environment.STARTED_BY_ROOT in os.environ
        by_owner = f"Run the command as that user, with `sudo -u {owner}`, or"
        by_root = f"Give it to user {_name_of(os.geteuid())}, or"
        raise MachineError(
            f"{directory} belongs to user {owner}.",
            hint=f"{by_root if has_left_root else by_owner} name another directory in {setting}.",
        )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def is_unused(run_dir: Path) -> bool:
    """Return whether a directory has no files but those of tandem."""
    names = {path.name for path in run_dir.iterdir() if path.suffix != atomic_files.SUFFIX}
    others = names - BEFORE_RENDERED
    is_ours = any(is_rendered(run_dir / name) for name in RENDERED)
    return not others or is_ours or _is_state(run_dir / STATE_FILE)


def _refuse_another_use(run_dir: Path) -> None:
    # It is made private and cleaned, which would harm a directory that serves another purpose.
    if not is_unused(run_dir):
        raise MachineError(
            f"{run_dir} holds files that are not tandem's.",
            hint='Name a new or an empty directory in TANDEM["RUN_DIR"].',
        )


def _is_state(path: Path) -> bool:
    # All that a role alone has where it is not the edge.
    try:
        return bool({"generation", "processes"} <= json.loads(path.read_text()).keys())
    except (OSError, ValueError, AttributeError):
        return False


def is_rendered(path: Path) -> bool:
    """Return whether the first line of a file names the command that rendered it."""
    try:
        with path.open() as file:
            return "tandem render" in file.readline()
    except (OSError, UnicodeDecodeError):
        return False


# Everything that a stop leaves behind, and no file of the user's.
LEFTOVERS = (
    *links.LINKS,
    *(f"{stack}-*.sock" for stack in Stack),
    *(programs.VALKEY_SOCKET, HEALTH_SOCKET, METRICS_SOCKET, REQUESTS_FILE, SHIFTED_FILE),
    *(supervisord.SOCKET, f"{supervisord.SOCKET}.*", programs.SUPERVISORD_PID_FILE, "nginx.pid"),
    *(handover_counts.NAME, handover_counts.LOCK, READY_FILE, STOPPING_FILE),
    *(candidates.candidate("*"), candidates.PREVIOUS_EDGE_FILE),
    drain_window.FILES.pattern,
    *(generation_files.RESTARTS.pattern, generation_files.HEARTBEAT.pattern),
)


# The tracebacks of programs that could not load the project.
FAILURES = tuple(failure_name(f"{name}-*") for name in (*Stack, programs.MASTER))


def remove_leftovers(run_dir: Path, *, keeps_failures: bool = False) -> None:
    """
    Remove the sockets, links, pid files, counts and slots that a stop leaves behind.

    With ``keeps_failures`` the tracebacks of a failed start stay, which the next start removes.
    """
    patterns = LEFTOVERS if keeps_failures else (*LEFTOVERS, *FAILURES)
    # Not Path.glob(), which skips a link whose target does not exist.
    for name in os.listdir(run_dir):  # noqa: PTH208
        if any(fnmatch(name, pattern) for pattern in patterns):
            (run_dir / name).unlink(missing_ok=True)
    remove_abandoned(run_dir)
    prometheus_files.remove_all(run_dir)
    slot_file.remove_all(run_dir)
