"""The links in a run directory through which new connections reach the live generation."""

from pathlib import Path, PurePath

from django_tandem.atomic_files import replace_link
from django_tandem.model import Stack
from django_tandem.model.state import State

LINKS = tuple(f"{stack}.sock" for stack in Stack)


def links_of(state: State) -> dict[str, str]:
    """Return each stack's link and its target, such as ``wsgi.sock`` to ``wsgi-2.sock``."""
    return {
        f"{kind.name}.sock": PurePath(kind.socket).name
        for process in state.processes
        for kind in process.kinds
        if kind.stack and kind.socket
    }


def add_links(state: State, run_dir: Path) -> None:
    """Make the links that do not exist yet, of a stack that had no server so far."""
    for name, target in links_of(state).items():
        if not (run_dir / name).is_symlink():
            _link(run_dir / name, target)


def move_links(state: State, run_dir: Path) -> None:
    """Point each stack's link at the live generation of ``state``, and remove any other."""
    wanted = links_of(state)
    for name in LINKS:
        if name in wanted:
            _link(run_dir / name, wanted[name])
        else:
            (run_dir / name).unlink(missing_ok=True)


def linked_sockets(run_dir: Path) -> set[str]:
    """Return the names of the sockets that new connections reach, without ``.sock``."""
    links = [run_dir / name for name in LINKS]
    return {link.readlink().stem for link in links if link.is_symlink()}


def are_bound(run_dir: Path) -> bool:
    """Return whether each socket that new connections reach exists."""
    links = [run_dir / name for name in LINKS]
    return all(link.exists() for link in links if link.is_symlink())


def _link(path: Path, target: str) -> None:
    # By a rename, so that no connection finds the link missing.
    if path.is_symlink() and path.readlink() == Path(target):
        return
    replace_link(path, target)
