"""What is tried and fails ends the whole, says why, and leaves nothing running: exit code 1."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from stack.mistaken import append, exit_and_stderr, running_in, setting

from harness.projects import SMALL, startproject
from harness.stack import free_port, tandem

BROKEN_WSGI = '\nraise ValueError("no licence")\n'


@pytest.mark.parametrize(
    ("directives", "complaint"),
    [
        ("sing loudly;", 'unknown directive "sing" in {include}:1'),
        ("\n\nlocation / { return 204; }", 'duplicate location "/" in'),
    ],
    ids=["a directive it does not know", "a location it has already"],
)
def test_an_include_that_nginx_refuses(project, directives, complaint) -> None:
    """NGINX's own line is shown, which names the file."""
    setting(project, '{"EDGE": {"INCLUDE": "edge.conf"}}')
    (project / "edge.conf").write_text(directives + "\n")
    run_dir = project / ".tandem"
    include = f"{run_dir}/../edge.conf"

    code, output = exit_and_stderr(tandem(project, "up", "--bind", f"127.0.0.1:{free_port()}"))
    first, own, last = output.splitlines()
    assert (code, first) == (1, "NGINX rejects the rendered nginx.conf.")
    assert complaint.format(include=include, run_dir=run_dir) in own
    assert last.endswith(f"configuration file {run_dir}/nginx.conf test failed")


@pytest.mark.parametrize(
    ("edge", "option", "given"),
    [
        ({"INCLUDE": "edge.conf"}, '["INCLUDE"]', "edge.conf"),
        ({"TLS": {"CERTIFICATE": "c", "KEY": "k"}}, '["TLS"]["CERTIFICATE"]', "c"),
    ],
)
def test_a_file_that_is_not_there_is_named_by_its_option(project, edge, option, given) -> None:
    """Before NGINX would say it in words about another file."""
    setting(project, str({"EDGE": edge}))

    assert exit_and_stderr(tandem(project, "up", "--bind", f"127.0.0.1:{free_port()}")) == (
        2,
        f'TANDEM["EDGE"]{option} is "{given}", which is not readable.\n'
        "  Give its path; a relative one is relative to the directory of manage.py.\n",
    )


def test_a_program_that_does_not_exist_is_named_before_anything_starts(project) -> None:
    """With the name it has in the setting."""
    setting(project, '{"PROGRAMS": {"absent": ["no-such"]}}')

    assert exit_and_stderr(tandem(project, "up", "--bind", f"127.0.0.1:{free_port()}")) == (
        2,
        'TANDEM["PROGRAMS"]["absent"] begins with "no-such", which is not a program here.\n'
        "  Install it, or give its absolute path.\n",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("#!/bin/nosuch\n", 'its interpreter "/bin/nosuch" is not a program here'),
        ("echo\n", 'it has no "#!" line'),
    ],
)
def test_a_program_that_can_not_be_run_is_named_before_anything_starts(
    project, content, problem
) -> None:
    """The kernel would refuse it at each of supervisord's attempts."""
    (project / "work").write_text(content)
    (project / "work").chmod(0o755)
    setting(project, '{"PROGRAMS": {"work": "./work"}}')

    assert exit_and_stderr(tandem(project, "up", "--bind", f"127.0.0.1:{free_port()}")) == (
        2,
        f'TANDEM["PROGRAMS"]["work"] begins with "./work", which can\'t be run: {problem}.\n'
        '  A script begins with a line such as "#!/usr/bin/env python3".\n',
    )


@dataclass(frozen=True)
class Ended:
    """A stack that could not be kept up, and how long it was tried."""

    directory: Path
    code: int
    stdout: str
    stderr: str
    took_s: float


SPOILT: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "wsgi": (lambda project: append(project / "mysite" / "wsgi.py", BROKEN_WSGI), ()),
    "detached": (
        lambda project: append(project / "mysite" / "wsgi.py", BROKEN_WSGI),
        ("--detach",),
    ),
    "brief": (
        lambda project: setting(project, '{"PROGRAMS": {"brief": ["echo", "nothing to do"]}}'),
        (),
    ),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> dict[str, Ended]:
    """What became of each; they are tried side by side, for each takes its time."""

    def try_it(name: str) -> Ended:
        directory = startproject(tmp_path_factory.mktemp(name), **SMALL)
        spoil, options = SPOILT[name]
        spoil(directory)
        began = time.monotonic()
        done = tandem(directory, "up", "--bind", f"127.0.0.1:{free_port()}", *options)
        took_s = time.monotonic() - began
        return Ended(directory, done.returncode, done.stdout, exit_and_stderr(done)[1], took_s)

    with ThreadPoolExecutor() as pool:
        return dict(zip(SPOILT, pool.map(try_it, SPOILT), strict=True))


@pytest.mark.parametrize("name", SPOILT)
def test_a_program_that_does_not_come_up_ends_the_stack(ended, name) -> None:
    """With exit code 1, after a few attempts, and with nothing left running."""
    stack = ended[name]

    assert (stack.code, stack.took_s < 60) == (1, True)
    assert running_in(stack.directory) == []
    left = {path.suffix for path in (stack.directory / ".tandem").iterdir()}
    assert not left & {".sock", ".pid"}
    assert "Traceback" not in stack.stderr.partition("Its last lines:")[0]


@pytest.mark.parametrize("name", ["wsgi", "detached"])
def test_a_server_that_cannot_import_the_project_is_named(ended, name) -> None:
    """With its last lines, whose last says why."""
    stack = ended[name]

    first, *lines = stack.stderr.splitlines()
    assert first == "wsgi-1 can't be started: it can't load the project. Its last lines:"
    assert len(lines) <= 20
    assert lines[-1] == "  ValueError: no licence"
    assert f'  File "{stack.directory}/mysite/wsgi.py", line ' in stack.stderr


def test_a_server_that_cannot_load_the_project_is_not_tried_again(ended) -> None:
    """It recorded its failure, and the next attempt would fail alike."""
    output = ended["wsgi"].stdout

    # Its end is not printed where the record was read before.
    assert output.count("tandem     | wsgi-1 failed to start: it exited with code") <= 1
    assert "restarting it" not in output
    assert output.count("tandem     | wsgi-1 failed to start: stopping the stack\n") == 1
    assert "Ctrl-C again" not in output
    # Its last lines are on stderr.
    assert "ValueError: no licence" not in output
    assert "tandem     | `tandem logs wsgi-1` shows the whole traceback\n" in output


def test_a_program_that_ends_at_once_is_named(ended) -> None:
    """It is to be supervised: one that ends is no program to supervise."""
    output = ended["brief"].stdout

    reason = "it exited with code 0 right after its start, and a program has to keep running"
    attempts = output.count(f"tandem     | brief-1 failed to start: {reason}\n")
    assert 1 <= attempts <= 4
    assert (f"brief-1 can't be started: {reason}. Its last lines:\n  nothing to do\n") in ended[
        "brief"
    ].stderr
    assert "tandem     | brief-1 failed to start: stopping the stack\n" in output


def test_logs_of_a_program_that_does_not_exist(ended) -> None:
    """The names there are come from what ran last."""
    assert exit_and_stderr(tandem(ended["wsgi"].directory, "logs", "wsgy")) == (
        2,
        '"wsgy" is not a program of this stack.\n  Did you mean "wsgi-1"?\n',
    )
    assert exit_and_stderr(tandem(ended["wsgi"].directory, "logs", "celery")) == (
        2,
        '"celery" is not a program of this stack.\n  There are wsgi-1, nginx.\n',
    )


def test_the_next_start_knows_nothing_of_the_failed_one(ended) -> None:
    """Once the mistake is fixed."""
    directory = ended["detached"].directory
    wsgi = directory / "mysite" / "wsgi.py"
    wsgi.write_text(wsgi.read_text().replace(BROKEN_WSGI, ""))
    started = tandem(directory, "up", "--detach", "--bind", f"127.0.0.1:{free_port()}")
    stopped = tandem(directory, "down")

    assert (started.returncode, stopped.returncode) == (0, 0)
    assert running_in(directory) == []
