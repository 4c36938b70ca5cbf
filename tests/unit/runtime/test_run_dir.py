"""The run directory is private, short enough for sockets, and this user's own."""

import os
import pwd
import socket
from pathlib import Path

import pytest

from builders import plan
from django_tandem.errors import MachineError
from django_tandem.inprocess import shared_memory, slot_file
from django_tandem.model import Plan
from django_tandem.runtime import run_dir
from django_tandem.runtime.run_dir import remove_leftovers

# What a start does, and what `tandem check` does without making anything.
WHO_REFUSES = pytest.mark.parametrize("refuse", [run_dir.prepare, run_dir.require_usable])


def test_it_lies_beside_manage_py() -> None:
    """A relative setting is relative to the project."""
    assert str(run_dir.locate("/srv/project", ".tandem")) == "/srv/project/.tandem"
    assert str(run_dir.locate("/srv/project", "/run/mine")) == "/run/mine"


def test_a_path_too_long_for_a_socket_falls_back_to_a_short_one(monkeypatch, tmp_path) -> None:
    """The kernel takes 107 bytes; the same project gets the same place each time."""
    project = "/srv/" + "x" * 80
    short = run_dir.locate(project, ".tandem")

    assert short == run_dir.locate(project, ".tandem")
    assert short != run_dir.locate(project + "y", ".tandem")
    assert f"tandem-{os.geteuid()}-" in short.name


def test_the_longest_path_still_takes_supervisords_socket(tmp_path) -> None:
    """Its server binds a name with a pid behind it first."""
    room = run_dir.MAX_BYTES - len(str(tmp_path)) - 1
    directory = run_dir.locate(str(tmp_path), "d" * room)
    assert directory == tmp_path / ("d" * room)
    run_dir.prepare(directory)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "supervisor.sock.4194304"))

    assert (directory / "supervisor.sock.4194304").exists()


def test_nobody_else_may_enter_and_nothing_in_it_is_committed(tmp_path) -> None:
    """Even where it was there before, open to all."""
    (tmp_path / "run").mkdir(mode=0o777)

    run_dir.prepare(tmp_path / "run")

    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "run" / ".gitignore").read_text() == "*\n"


@WHO_REFUSES
def test_a_link_in_its_place_is_refused(refuse, tmp_path) -> None:
    """Whoever made the link could swap what it leads to."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(MachineError) as caught:
        refuse(tmp_path / "run")

    assert str(caught.value) == (
        f'{tmp_path}/run is not a directory.\n  Name another one in TANDEM["RUN_DIR"].'
    )


@WHO_REFUSES
def test_a_directory_that_can_not_be_created_is_reported(refuse, tmp_path) -> None:
    """A file lies where a directory should."""
    (tmp_path / "file").write_text("")

    with pytest.raises(MachineError) as caught:
        refuse(tmp_path / "file" / "run")

    assert str(caught.value) == (
        f"{tmp_path}/file/run can't be made: Not a directory.\n"
        '  Name a directory that can be written to in TANDEM["RUN_DIR"].'
    )


@WHO_REFUSES
def test_a_directory_that_serves_something_else_is_left_as_it_is(refuse, tmp_path) -> None:
    """It would be made private, and its sockets and pid files removed."""
    (tmp_path / "celery.pid").write_text("1")
    mode = tmp_path.stat().st_mode

    with pytest.raises(MachineError) as caught:
        refuse(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path} holds files that are not tandem's.\n"
        '  Name a new or an empty directory in TANDEM["RUN_DIR"].'
    )
    assert tmp_path.stat().st_mode == mode
    assert [path.name for path in tmp_path.iterdir()] == ["celery.pid"]


def test_the_owner_of_another_users_directory_is_named(tmp_path) -> None:
    """A hint to remove it would cost a running stack."""
    if os.geteuid() == 0:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        os.chown(theirs, 65534, 65534)
    else:
        theirs = Path("/root")

    with pytest.raises(MachineError) as caught:
        run_dir.refuse_foreign(theirs)

    owner = pwd.getpwuid(theirs.stat().st_uid).pw_name
    assert str(caught.value) == (
        f"{theirs} belongs to user {owner}.\n"
        f"  Run the command as that user, with `sudo -u {owner}`, "
        'or name another directory in TANDEM["RUN_DIR"].'
    )


def test_a_full_file_system_is_found_before_a_start(monkeypatch, tmp_path) -> None:
    """Also where the run directory does not exist yet, and nothing is made."""
    monkeypatch.setattr(run_dir, "FREE_BYTES", 1 << 80)

    with pytest.raises(MachineError) as caught:
        run_dir.require_usable(tmp_path / "run")

    assert str(caught.value) == (
        f"The file system of {tmp_path}/run is full: No space left on device.\n"
        "  Make room and try again; a stack that runs keeps serving."
    )
    assert list(tmp_path.iterdir()) == []


def temp_plan(directory: Path, **changes: str) -> Plan:
    return plan(tandem={"EDGE": {"TEMP_DIR": str(directory)}}, **changes)


def test_the_directory_of_large_bodies_is_made_for_the_edge(tmp_path) -> None:
    """With the directories above it, and closed to others; a host without the edge needs none."""
    run_dir.prepare_temp_dir(temp_plan(tmp_path / "a" / "temp"))
    run_dir.prepare_temp_dir(temp_plan(tmp_path / "b", roles="workers", channel_names=("mail",)))
    run_dir.prepare_temp_dir(plan())

    assert (tmp_path / "a" / "temp").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


WHO_REFUSES_TEMP = pytest.mark.parametrize(
    "refuse",
    [
        lambda directory: run_dir.prepare_temp_dir(temp_plan(directory)),
        run_dir.require_usable_temp_dir,
    ],
    ids=["prepare", "require"],
)


@WHO_REFUSES_TEMP
def test_a_directory_of_large_bodies_that_can_not_be_made_is_reported(refuse, tmp_path) -> None:
    """By its own setting."""
    (tmp_path / "file").write_text("")

    with pytest.raises(MachineError) as caught:
        refuse(tmp_path / "file" / "temp")

    assert str(caught.value) == (
        f"{tmp_path}/file/temp can't be made: Not a directory.\n"
        '  Name a directory that can be written to in TANDEM["EDGE"]["TEMP_DIR"].'
    )


@WHO_REFUSES_TEMP
def test_large_bodies_are_not_kept_where_a_link_leads(refuse, tmp_path) -> None:
    """Whoever made the link in a directory for all, such as /var/tmp, could read them."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "temp").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(MachineError) as caught:
        refuse(tmp_path / "temp")

    assert str(caught.value) == (
        f'{tmp_path}/temp is not a directory.\n  Name another one in TANDEM["EDGE"]["TEMP_DIR"].'
    )


def test_the_slots_of_killed_workers_are_removed(tmp_path, monkeypatch) -> None:
    """With their files in shared memory, which nothing else names."""
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(shared_memory, "DIRECTORY", memory)
    slot_file.map_slot(tmp_path).close()
    remove_leftovers(tmp_path)

    assert list(memory.iterdir()) == list((tmp_path / "scoreboard").iterdir()) == []


def test_what_a_stop_leaves_is_removed(tmp_path) -> None:
    """Whichever module names the file."""
    for name in (
        *("asgi.sock", "asgi-2.sock", "wsgi-2.sock", "valkey.sock", "supervisor.sock"),
        *("supervisor.sock.4711", "supervisord.pid", "nginx.pid", "handovers.lock"),
        *("nginx.conf.next", "nginx.conf.previous", "master-2.failed", "wsgi-2.failed"),
        *("restarts-2", "heartbeat-2", "drain-2", "requests.tsv", "health.sock", "metrics.sock"),
    ):
        (tmp_path / name).touch()

    remove_leftovers(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_tracebacks_of_a_failed_start_stay_for_the_command_that_prints_them(tmp_path) -> None:
    """It polls, and may look only once supervisord has ended."""
    for name in ("master-1.failed", "wsgi-1.sock"):
        (tmp_path / name).touch()

    remove_leftovers(tmp_path, keeps_failures=True)

    assert [path.name for path in tmp_path.iterdir()] == ["master-1.failed"]


def test_files_of_the_user_and_what_outlives_a_stop_stay(tmp_path) -> None:
    """A link is removed although its target does not exist."""
    for name in ("drain-1", "state.json.next", "handovers.json", "shifts.json", "drain.txt"):
        (tmp_path / name).touch()
    (tmp_path / "wsgi.sock").symlink_to("wsgi-1.sock")

    remove_leftovers(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["drain.txt", "shifts.json"]
