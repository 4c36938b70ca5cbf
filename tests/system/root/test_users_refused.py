"""A user that does not fit: one sentence before anything of the project runs, and exit code 2."""

import functools
import grp
import os
import shutil
from pathlib import Path

import pytest
from root import commands
from root.commands import Done, make_venv, open_project

from django_tandem.runtime import lock
from django_tandem.runtime.accounts import Account
from harness.stack import free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

run = functools.partial(commands.run, may_fork=True)

AS_ROOT = (
    "Running as root: the servers and NGINX's workers may read every file here. Set "
    'TANDEM["USER"] to another user, or to "root" to omit this line.'
)


@pytest.fixture(scope="module")
def pristine(module_place) -> Path:
    return open_project(module_place)


@pytest.fixture
def project(pristine, place) -> Path:
    """A project of root's, with a database."""
    shutil.copytree(pristine, place, dirs_exist_ok=True)
    return place


def setting(project: Path, text: str) -> None:
    settings = project / "mysite" / "settings.py"
    settings.write_text(f"{settings.read_text()}\n{text}\n")


def give(project: Path, account: Account) -> None:
    for path in (project, *project.rglob("*")):
        os.chown(path, account.uid, account.gid)


def error_of(done: Done) -> tuple[int, str]:
    """Return the exit code and the error, without the notes before it."""
    *_, sentence, hint = done.stderr.splitlines(keepends=True)
    return done.returncode, sentence + hint


@pytest.mark.parametrize(
    ("user", "message"),
    [
        (
            "xyz:mail",
            'TANDEM["USER"] is "xyz:mail", and this machine has no user "xyz".\n'
            "  Create it with `useradd --system xyz`, or name another.\n",
        ),
        (
            "deamon",
            'TANDEM["USER"] is "deamon", and this machine has no user "deamon".\n'
            '  Did you mean "daemon"?\n',
        ),
        (
            "daemon:posts",
            'TANDEM["USER"] is "daemon:posts", and this machine has no group "posts".\n'
            "  Create it with `groupadd --system posts`, or name another.\n",
        ),
    ],
)
def test_a_user_or_group_that_does_not_exist(user, message, project, python) -> None:
    """It is named, with what to do."""
    setting(project, f'TANDEM = {{"USER": "{user}"}}')

    done = run(python, project, "up")

    assert (done.returncode, done.stderr) == (2, message)
    assert not (project / ".tandem").exists()


def test_a_flag_is_named_as_a_flag(project, python) -> None:
    """It takes precedence over the setting."""
    setting(project, 'TANDEM = {"USER": "daemon"}')

    done = run(python, project, "up", "--user", "xyz")

    assert (done.returncode, done.stderr) == (
        2,
        '`--user` is "xyz", and this machine has no user "xyz".\n'
        "  Create it with `useradd --system xyz`, or name another.\n",
    )


def test_a_project_that_the_user_can_not_read(project, python, app) -> None:
    """The path is named, and the directory that keeps the user out."""
    setting(project, f'TANDEM = {{"USER": "{app.name}"}}')
    project.chmod(0o700)

    assert error_of(run(python, project, "up")) == (
        2,
        f"{project}/manage.py can't be read by user {app.name}, who lacks search "
        f"permission on {project}.\n"
        "  Give that user access, or run everything as root with `tandem up --user root`.\n",
    )


def test_an_interpreter_that_the_user_can_not_run(project, app, python) -> None:
    """Such as one below /root, where uv puts those that it downloads."""
    setting(project, f'TANDEM = {{"USER": "{app.name}"}}')
    (project / "private").mkdir(mode=0o700)
    own = make_venv(python, project / "private" / "venv")

    assert error_of(run(own, project, "up", may_fork=False)) == (
        2,
        f"{own} can't be run by user {app.name}, who lacks search "
        f"permission on {project}/private.\n"
        "  Give that user access, or run everything as root with `tandem up --user root`.\n",
    )


def test_a_database_that_the_user_can_not_write_to(project, python, app) -> None:
    """SQLite writes to the directory too."""
    setting(project, f'TANDEM = {{"USER": "{app.name}"}}')
    (project / "db.sqlite3").touch()

    done = run(python, project, "up")

    assert done.returncode == 1
    assert (
        f'DATABASES["default"] is the SQLite database "{project}/db.sqlite3", and user '
        f"{app.name} can't write to it." in done.stderr
    )
    assert error_of(done)[1].startswith("Not started. Fix these errors first: tandem.E014.\n")


def test_a_media_root_that_the_user_can_not_write_to(project, python, app) -> None:
    """A warning, as a site may have no uploads."""
    media = project / "media"
    media.mkdir()
    setting(project, f'DATABASES = {{}}\nMEDIA_ROOT = "{media}"')
    setting(project, f'TANDEM = {{"USER": "{app.name}"}}')

    done = run(python, project, "check", "--bind", f"127.0.0.1:{free_port()}")

    assert done.returncode == 0, done.stderr
    assert f'MEDIA_ROOT is "{media}", and user {app.name} can\'t write to it.' in done.stdout


def test_an_owner_who_would_choose_another_user(project, python, nameless) -> None:
    """The owner of the settings would get that user's rights with the next start."""
    setting(project, 'TANDEM = {"USER": "root"}')
    give(project, nameless)

    done = run(python, project, "plan")

    assert (done.returncode, done.stderr) == (
        2,
        f'TANDEM["USER"] is "root", and {project} belongs to {nameless.uid}, '
        "who may not choose that.\n"
        "  Confirm it as root with `tandem up --user root`, or give it to root.\n",
    )


def test_a_start_by_another_user(project, python, nameless) -> None:
    """Only root can become the user of the setting."""
    setting(project, 'TANDEM = {"USER": "daemon"}')
    give(project, nameless)
    sentence = f'TANDEM["USER"] is "daemon", and tandem was started by {nameless.uid}.\n'
    hint = f"Start it as that user or as root, or give `--user {nameless.uid}`.\n"

    assert error_of(run(python, project, "up", by=nameless)) == (2, f"{sentence}  {hint}")
    check = run(python, project, "check", by=nameless)
    assert check.returncode == 1
    assert f"TANDEM: (tandem.E012) {sentence}\tHINT: {hint}" in check.stdout


def test_a_start_by_the_user_with_another_group(project, python, app) -> None:
    """The group is a part of the setting."""
    setting(project, f'TANDEM = {{"USER": "{app.name}:mail"}}')

    assert error_of(run(python, project, "up", by=app)) == (
        2,
        f'TANDEM["USER"] is "{app.name}:mail", and tandem was started by {app.name} '
        f"with the group {app.gid}.\n"
        f"  Start it as that user or as root, or give `--user {app.name}`.\n",
    )


def test_a_project_of_roots_is_noted_until_the_setting_names_a_user(project, python) -> None:
    """Also if that is root."""
    assert AS_ROOT in run(python, project, "plan").stderr.splitlines()

    setting(project, 'TANDEM = {"USER": "root"}')

    assert AS_ROOT not in run(python, project, "plan").stderr.splitlines()


def test_the_settings_of_another_user_are_never_imported_by_root(project, python, nameless) -> None:
    """By no command, however the project's directory and its settings are found."""
    log = project / "imported-by"
    setting(project, f"import os\nprint(os.geteuid(), file=open('{log}', 'a'))")
    give(project, nameless)

    for command in ("plan", "status", "logs", "down", "reload", "check", "render supervisor"):
        run(python, project, *command.split())
    run(python, project, "explain", "/admin/", "--settings", "mysite.settings")

    assert set(log.read_text().split()) == {str(nameless.uid)}
    assert {path.lstat().st_uid for path in project.rglob("*")} == {nameless.uid}


@pytest.mark.parametrize("name", ["mysite", "mysite/settings.py", "manage.py", "blog"])
def test_code_of_another_user_in_a_project_of_roots_is_never_imported_by_root(
    name, project, python, nameless
) -> None:
    """Its owner runs the project; the project's own directory alone is root's."""
    log = project / "imported-by"
    log.touch(mode=0o666)
    log.chmod(0o666)
    setting(project, f"import os\nprint(os.geteuid(), file=open('{log}', 'a'))")
    (project / "blog").mkdir()
    (project / "blog" / "__init__.py").touch()
    os.chown(project / name, nameless.uid, nameless.gid)

    for command in ("status", "plan"):
        run(python, project, command)

    assert set(log.read_text().split()) == {str(nameless.uid)}


def test_a_project_that_others_may_write_is_not_imported_by_root(project, python) -> None:
    """No one of them is its owner, so that root has to name the user."""
    log = project / "imported-by"
    setting(project, f"import os\nprint(os.geteuid(), file=open('{log}', 'a'))")
    os.chown(project / "mysite", 0, grp.getgrnam("mail").gr_gid)
    (project / "mysite").chmod(0o775)
    refused = (
        f"root does not import the project in {project}: {project}/mysite is writable for group "
        "mail.\n  Make it writable for root alone, as well as any other code that "
        f"`find {project} ! -type l -perm /022` lists, or "
    )

    assert error_of(run(python, project, "up")) == (
        2,
        f"{refused}name the user who is to run the project with `tandem up --user NAME`.\n",
    )
    assert error_of(run(python, project, "plan")) == (
        2,
        f"{refused}run the command as the user of the project, such as "
        "`sudo -u NAME tandem plan`.\n",
    )
    assert not log.exists()


def test_a_run_directory_that_another_user_chose_is_not_made_by_root(
    project, python, nameless
) -> None:
    """A directory of that user's in /etc, for example, could make the user root."""
    setting(project, f'TANDEM = {{"RUN_DIR": "{project}/roots/own/run"}}')
    give(project, nameless)
    (project / "roots").mkdir()

    done = run(python, project, "up")

    assert error_of(done) == (
        2,
        f"{project}/roots/own/run can't be made: Permission denied.\n"
        '  Name a directory that can be written to in TANDEM["RUN_DIR"].\n',
    )
    assert list((project / "roots").iterdir()) == []


@pytest.mark.parametrize("is_given", [False, True], ids=["by RUN_DIR", "by --run-dir"])
def test_a_run_directory_of_roots_does_not_bring_another_users_settings_root(
    is_given, project, python, nameless
) -> None:
    """Though a stack of root's runs there."""
    log, run_dir = project / "imported-by", project / "roots-run"
    run_dir.mkdir(mode=0o700)
    setting(project, f"import os\nprint(os.geteuid(), file=open('{log}', 'a'))")
    if not is_given:
        setting(project, f'TANDEM = {{"RUN_DIR": "{run_dir}"}}')
    give(project, nameless)
    os.chown(run_dir, 0, 0)
    handle = lock.take(run_dir)
    try:
        done = run(python, project, "reload", *(["--run-dir", str(run_dir)] if is_given else []))
    finally:
        lock.release(handle)

    assert error_of(done) == (
        2,
        f"{run_dir} belongs to user root.\n"
        f"  Give it to user #{nameless.uid}, or name another directory in "
        'TANDEM["RUN_DIR"].\n',
    )
    assert set(log.read_text().split()) == {str(nameless.uid)}


def stopped_of(project: Path, account: Account) -> Path:
    """Make the run directory that a stack of ``account`` left."""
    run_dir = project / ".tandem"
    run_dir.mkdir(mode=0o700)
    for name in ("lock", "nginx.conf", "supervisord.conf"):
        (run_dir / name).write_text("# Written by `tandem render`\n")
    give(run_dir, account)
    return run_dir


def test_the_user_of_a_stopped_stack_can_be_changed(project, python, app, nameless) -> None:
    """Its directory is set aside, which `check` knows; it was read as its own user before."""
    setting(project, f'DATABASES = {{}}\nTANDEM = {{"USER": "{app.name}"}}')
    run_dir = stopped_of(project, nameless)
    bind = ("--bind", f"127.0.0.1:{free_port()}")
    for command in ("status", "down"):
        done = run(python, project, command)
        assert (done.returncode, f"Nothing runs in {run_dir}." in done.stderr) == (1, True)
    check = run(python, project, "check", *bind)
    assert check.returncode == 0, check.stdout

    up = run(python, project, "up", "--detach", *bind)
    down = run(python, project, "down")

    assert (up.returncode, down.returncode) == (0, 0), up.stderr
    moved_to = project / ".tandem.1"
    line = f"The run directory of {nameless.name} is now {moved_to}, with its logs.\n"
    assert up.stderr.startswith(line)
    assert (run_dir.stat().st_uid, moved_to.stat().st_uid) == (app.uid, nameless.uid)


def test_root_starts_after_a_refused_start_by_another_user(project, python, app) -> None:
    """Such as one that can't write to the database, which is all that `check` finds."""
    (project / "db.sqlite3").touch()
    (project / ".tandem").mkdir(mode=0o700)
    bind = ("--bind", f"127.0.0.1:{free_port()}")
    check = run(python, project, "check", *bind, "--user", app.name)
    assert check.stderr.startswith("1 error, "), check.stdout
    refused = run(python, project, "up", *bind, "--user", app.name)
    assert (refused.returncode, (project / ".tandem").stat().st_uid) == (1, app.uid)

    up = run(python, project, "up", *bind, "--detach", "--user", "root")
    down = run(python, project, "down")

    assert (up.returncode, down.returncode) == (0, 0), up.stderr
    assert (project / ".tandem").stat().st_uid == 0


def test_a_root_that_may_not_become_another_user(project, python, app) -> None:
    """As in a container without capabilities."""
    setting(project, f'TANDEM = {{"USER": "{app.name}"}}')

    done = run(python, project, "plan", prefix=("setpriv", "--bounding-set", "-setuid,-setgid"))

    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"root may not become user {app.name} here: Operation not permitted.\n"
        "  Give the container the capabilities SETUID and SETGID, start tandem as that user, "
        "or run everything as root with `tandem up --user root`.\n",
    )


def test_a_root_without_the_right_to_listen_below_1024_becomes_the_user(
    project, python, app
) -> None:
    """There is nothing to keep then, and the address is refused as for any other user."""
    setting(project, f'DATABASES = {{}}\nTANDEM = {{"USER": "{app.name}"}}')
    prefix = ("setpriv", "--bounding-set", "-net_bind_service")

    done = run(python, project, "up", "--bind", "127.0.0.1:1023", prefix=prefix)

    assert error_of(done) == (
        2,
        "This user may not listen on 127.0.0.1:1023.\n"
        "  Listen on a port of at least 1024 with `--bind`.\n",
    )
