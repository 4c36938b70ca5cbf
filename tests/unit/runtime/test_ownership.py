"""The run directory of a stack that root starts for another user."""

import os
from pathlib import Path

import pytest

from django_tandem.runtime import accounts, lock, ownership, run_dir

APP = accounts.find("54321", "`--user`")
OTHER = 54322

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def owners(directory: Path) -> set[int]:
    return {path.lstat().st_uid for path in (directory, *directory.rglob("*"))}


def roots_own(directory: Path) -> Path:
    """What a stack that ran as root leaves."""
    run_dir.prepare(directory)
    (directory / "nginx.conf").write_text("# Written by `tandem render nginx`: …\n")
    (directory / "tmp-body").mkdir()
    (directory / "tmp-body" / "1").write_text("")
    (directory / "wsgi.sock").symlink_to("/etc/passwd")
    return directory


def test_a_directory_is_made_where_only_root_may(tmp_path) -> None:
    """With its parents, which stay root's."""
    ownership.make_for(APP, tmp_path / "run" / "mysite")

    assert (tmp_path / "run").stat().st_uid == 0
    found = (tmp_path / "run" / "mysite").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (APP.uid, APP.gid, 0o700)


def test_what_ran_as_root_is_passed_on_whole(tmp_path) -> None:
    """Its links themselves, and not what they lead to."""
    directory = roots_own(tmp_path / "run")

    ownership.pass_on(APP, directory)

    assert owners(directory) == {APP.uid}
    assert Path("/etc/passwd").stat().st_uid == 0


def test_a_stack_that_runs_keeps_its_directory(tmp_path) -> None:
    """It runs as root still."""
    directory = roots_own(tmp_path / "run")
    handle = lock.take(directory)
    try:
        ownership.pass_on(APP, directory)
    finally:
        lock.release(handle)

    assert owners(directory) == {0}


def test_a_directory_of_other_files_or_of_another_user_is_left_alone(tmp_path) -> None:
    """Nor is one that others could write to, or a link to a directory."""
    strange = tmp_path / "strange"
    strange.mkdir(mode=0o700)
    (strange / "celery.pid").write_text("1")
    theirs = roots_own(tmp_path / "theirs")
    os.chown(theirs, OTHER, OTHER)
    open_to_all = roots_own(tmp_path / "open")
    open_to_all.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(roots_own(tmp_path / "target"))

    for directory in (strange, theirs, open_to_all, link):
        ownership.make_for(APP, directory)
        ownership.pass_on(APP, directory)

    assert owners(strange) == owners(open_to_all) == owners(tmp_path / "target") == {0}
    assert owners(theirs) == {OTHER, 0}


def stopped(directory: Path, uid: int) -> Path:
    """What the stopped stack of another user leaves."""
    roots_own(directory)
    (directory / "lock").touch()
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)
    return directory


def test_the_directory_of_another_users_stopped_stack_is_set_aside(tmp_path) -> None:
    """Neither its files nor its owner change, and no earlier one is replaced."""
    (tmp_path / "run.1").mkdir()
    directory = stopped(tmp_path / "run", OTHER)
    assert ownership.is_passed_on(APP, directory)

    moved_to = ownership.set_aside(APP, directory)

    assert moved_to == tmp_path / "run.2"
    assert (owners(moved_to), directory.exists()) == ({OTHER}, False)


def test_a_directory_where_a_stack_may_run_or_of_other_files_is_not_set_aside(tmp_path) -> None:
    """Nor the user's own, nor one that is open to others, nor a link."""
    own = stopped(tmp_path / "own", APP.uid)
    running = stopped(tmp_path / "running", OTHER)
    strange = stopped(tmp_path / "strange", OTHER)
    for name in ("nginx.conf", "supervisord.conf"):
        (strange / name).unlink(missing_ok=True)
    open_to_all = stopped(tmp_path / "open", OTHER)
    open_to_all.chmod(0o755)
    link = tmp_path / "link"
    link.symlink_to(stopped(tmp_path / "target", OTHER))
    handle = lock.take(running)
    try:
        for directory in (own, running, strange, open_to_all, link):
            assert not ownership.is_passed_on(APP, directory)
            assert ownership.set_aside(APP, directory) is None
    finally:
        lock.release(handle)


def test_the_owner_of_a_stack_is_known_while_it_runs(tmp_path) -> None:
    """Of a private directory alone: another user might lock a file in a public one of root's."""
    directory = roots_own(tmp_path / "run")
    assert ownership.owner_of_running(directory) is None
    handle = lock.take(directory)
    assert ownership.owner_of_running(directory) == 0
    directory.chmod(0o755)
    assert ownership.owner_of_running(directory) is None
    lock.release(handle)

    assert ownership.owner_of(directory) == 0
    assert ownership.owner_of(tmp_path / "none") is None
    assert ownership.owner_of(directory / "nginx.conf") is None


def test_a_directory_renamed_in_between_stays_roots(tmp_path, monkeypatch) -> None:
    """The owner of the project renames another directory of root's to the run directory."""
    wanted, backup = roots_own(tmp_path / "run"), tmp_path / "backup"
    backup.mkdir(mode=0o700)
    (backup / "dump.sql").write_text("…")

    def renaming(directory: Path) -> bool:
        is_unused = run_dir.is_unused(directory)
        wanted.rename(tmp_path / "renamed")
        backup.rename(wanted)
        return is_unused

    monkeypatch.setattr(ownership, "is_unused", renaming)
    ownership.pass_on(APP, wanted)

    assert owners(wanted) == {0}
    assert owners(tmp_path / "renamed") == {APP.uid}


def test_no_directory_is_made_by_way_of_another_users_link(tmp_path) -> None:
    """It might lead to a place such as /etc."""
    (tmp_path / "roots").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "run").symlink_to(tmp_path / "roots")
    os.chown(tmp_path / "home", OTHER, OTHER)

    ownership.make_for(APP, tmp_path / "home" / "run" / "mysite")

    assert list((tmp_path / "roots").iterdir()) == []
