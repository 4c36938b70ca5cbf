"""`tandem up --watch`: a saved change is served; one that fails is reported and changes nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stack.mistaken import exit_and_stderr, running_in

from harness.client import ask, wait_for
from harness.projects import SMALL, without_apps
from harness.stack import Up, clean_environment, free_port, tandem

URLS = """
import os

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

urlpatterns = [
    path("", lambda request: HttpResponse("{}")),
    path("page/", lambda request: render(request, "page.html")),
    path("name/", lambda request: HttpResponse(os.environ["NAME_OF_IT"])),
]
"""
SETTINGS = """
import os

TEMPLATES[0] |= {"DIRS": [BASE_DIR / "templates"], "OPTIONS": {}}
MEDIA_ROOT = BASE_DIR / "media"
for line in (BASE_DIR / ".env").read_text().splitlines():
    os.environ.setdefault(*line.split("="))
"""
# A note of the plan, and a check's finding when asgi.py names other settings than wsgi.py.
KNOWN = "Nothing in this project needs ASGI"
FOUND = "tandem.W008"
# On a loaded machine a reload takes its time.
SERVED_S = 60


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = without_apps(tmp_path_factory.mktemp("watched"), **SMALL)
    (directory / "mysite" / "urls.py").write_text(URLS.format("first"))
    (directory / "templates").mkdir()
    (directory / "templates" / "page.html").write_text("a page")
    (directory / ".env").write_text("NAME_OF_IT=old\n")
    settings = directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + SETTINGS)
    # Only --settings names it: the settings of manage.py do not exist.
    settings.rename(settings.with_name("chosen.py"))
    args = ("--watch", "--settings", "mysite.chosen", "--run-dir", "kept")
    with Up(directory, args=args) as running:
        wait_for(lambda: "Watching " in running.output, within_s=SERVED_S)
        yield running
        running.stop(signal.SIGTERM)
        wait_for(lambda: running_in(directory) == [])


def _save(up: Up, text: str) -> None:
    (up.directory / "mysite" / "urls.py").write_text(text)


def _serves(up: Up, text: str, target: str = "/") -> bool:
    return wait_for(lambda: ask(up.port, target).text == text, within_s=SERVED_S)


def _reloads(up: Up) -> int:
    return up.output.count("; reloading")


def _is_watched(directory: Path) -> bool:
    return any("runtime.watch" in each for each in running_in(directory))


def _wait_until_quiet(up: Up) -> None:
    """Return when each reload has ended."""

    def is_quiet() -> bool:
        ended = up.output.count(" is live.\n") + up.output.count("reloads again.\n")
        return ended == _reloads(up)

    wait_for(is_quiet, within_s=SERVED_S)


def test_a_change_is_served(up) -> None:
    """And named."""
    assert _serves(up, "first")

    _save(up, URLS.format("second"))

    assert _serves(up, "second")
    assert "changed: mysite/urls.py; reloading\n" in up.output
    assert wait_for(lambda: "Generation 2 is live.\n" in up.output)


def test_the_run_directory_of_the_command_line_is_kept(up) -> None:
    """The watcher reloads the stack in it, and nothing is written to another one."""
    state = json.loads((up.directory / "kept" / "state.json").read_text())

    assert state["generation"] == 2
    assert state["overrides"]["run_dir"] == str(up.directory / "kept")
    assert not (up.directory / ".tandem").exists()
    status = tandem(up.directory, "status", "--run-dir", "kept")
    assert (status.returncode, status.stderr) == (0, "")
    where = ("--run-dir", "kept", "--settings", "mysite.chosen")
    blocked = tandem(up.directory, "block", "/none/", *where)
    assert (blocked.returncode, "Nothing runs" in blocked.stdout) == (0, False)
    assert tandem(up.directory, "unblock", "/none/", *where).returncode == 0


def test_a_reload_prints_only_new_findings(up) -> None:
    """A check's finding is printed once, and no note of the start again."""
    _wait_until_quiet(up)
    assert up.output.count(KNOWN) == 1
    asgi = up.directory / "mysite" / "asgi.py"
    asgi.write_text(asgi.read_text().replace("mysite.settings", "mysite.others"))
    assert wait_for(lambda: up.output.count(FOUND) == 1, within_s=SERVED_S)
    _wait_until_quiet(up)

    _save(up, URLS.format("third"))

    assert _serves(up, "third")
    _wait_until_quiet(up)
    assert (up.output.count(KNOWN), up.output.count(FOUND)) == (1, 1)


def test_a_syntax_error_is_printed_and_the_last_good_code_keeps_serving(up) -> None:
    """With Python's own message and the project's lines only; the next save is served."""
    before = ask(up.port, "/").text
    _save(up, URLS.format("spoilt") + "def (:\n")
    wait_for(lambda: "The next change reloads again." in up.output, within_s=SERVED_S)
    assert ask(up.port, "/").text == before
    assert "    def (:\n        ^\nSyntaxError: invalid syntax\n" in up.output
    files = [line for line in up.output.splitlines() if line.startswith('  File "')]
    assert files == [f'  File "{up.directory}/mysite/urls.py", line 13']
    assert "can't be imported: SyntaxError: invalid syntax (urls.py, line 13)\n" in up.output

    _save(up, URLS.format("healed"))

    assert _serves(up, "healed")


def test_a_template_is_served(up) -> None:
    """As it is after the change."""
    _wait_until_quiet(up)
    (up.directory / "templates" / "page.html").write_text("another page")

    assert _serves(up, "another page", "/page/")
    assert wait_for(lambda: "changed: templates/page.html; reloading" in up.output)


def test_settings_are_read_again(up) -> None:
    """With the files they read: the first reading leaves nothing in the environment."""
    assert ask(up.port, "/name/").text == "old"

    (up.directory / ".env").write_text("NAME_OF_IT=new\n")

    assert _serves(up, "new", "/name/")


def test_ten_quick_saves_make_few_reloads(up) -> None:
    """All changes during a reload make one more."""
    _wait_until_quiet(up)
    before = _reloads(up)

    for number in range(10):
        _save(up, URLS.format(f"number {number}"))

    assert _serves(up, "number 9")
    _wait_until_quiet(up)
    assert _reloads(up) - before <= 2


def test_other_files_reload_nothing(up) -> None:
    """Uploads, databases and compiled code; a change of the code shows that it still watches."""
    _wait_until_quiet(up)
    before = _reloads(up)
    (up.directory / "media").mkdir()
    for name in ("media/page.html", "db.sqlite3-journal", "debug.log", "mysite/x.pyc"):
        (up.directory / name).write_text("x")

    _save(up, URLS.format("last"))

    assert _serves(up, "last")
    _wait_until_quiet(up)
    assert _reloads(up) - before == 1
    assert "changed: mysite/urls.py; reloading" in up.output.splitlines()


def test_ctrl_c_stops_everything(tmp_path) -> None:
    """During a reload too, which is not reported as failed."""
    without_apps(tmp_path, **SMALL)
    log = tmp_path / "output.log"
    argv = ["up", "--watch", "--bind", f"127.0.0.1:{free_port()}"]
    with log.open("w") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "django_tandem", *argv],
            cwd=tmp_path,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        for sign in ("Watching ", "Ready: "):
            wait_for(lambda sign=sign: sign in log.read_text(), within_s=SERVED_S)
        (tmp_path / "mysite" / "urls.py").write_text(URLS.format("never"))
        wait_for(lambda: "Starting wsgi-2" in log.read_text(), within_s=SERVED_S)
    finally:
        # As a terminal sends it: to each process of its foreground.
        os.killpg(started.pid, signal.SIGINT)

    assert started.wait(30) == 0
    wait_for(lambda: running_in(tmp_path) == [])
    # The programs' own lines begin with their names.
    own = "\n".join(line for line in log.read_text().splitlines() if " | " not in line)
    assert "Starting wsgi-2" in own
    assert not any(word in own for word in ("Traceback", "tried again"))


def test_the_watcher_ends_with_a_killed_supervisord(tmp_path) -> None:
    """There is no stack left to reload."""
    with Up(without_apps(tmp_path, **SMALL), args=("--watch",)) as up:
        wait_for(lambda: "Watching " in up.output, within_s=SERVED_S)
        assert _is_watched(tmp_path)

        up.stop(signal.SIGKILL)

        assert wait_for(lambda: not _is_watched(tmp_path))
    wait_for(lambda: running_in(tmp_path) == [])


def test_watch_and_detach_exclude_each_other(project) -> None:
    """The command fails before it loads the project."""
    assert exit_and_stderr(tandem(project, "up", "--watch", "--detach")) == (
        2,
        "`--watch` and `--detach` exclude each other: --watch needs the terminal.\n"
        "  Leave one out; `tandem reload` reloads a detached stack.\n",
    )


# In the order in which `tandem up` finds them.
MISTAKES = (
    ("settings.py", 'TANDEM = {"STACK": 1}', 'TANDEM["STACK"] is not an option.'),
    ("urls.py", "def (:", "SyntaxError: invalid syntax"),
)


def test_a_project_with_mistakes_is_started_once_they_are_fixed(project) -> None:
    """As runserver does; without --watch the command ends."""
    sound = {}
    for file, mistake, _ in MISTAKES:
        path = project / "mysite" / file
        sound[path] = path.read_text()
        path.write_text(f"{sound[path]}\n{mistake}\n")
    waits = f"Watching {project}: the next change starts the stack.\n"
    up = Up(project, args=("--watch",))

    def fix() -> None:
        for number, (file, _, message) in enumerate(MISTAKES, 1):
            path = project / "mysite" / file
            wait_for(lambda count=number: up.output.count(waits) == count, within_s=SERVED_S)
            assert message in up.output
            done = tandem(project, "up")
            assert (done.returncode, message in done.stderr) == (2, True)
            path.write_text(sound[path])

    with ThreadPoolExecutor() as pool:
        fixed = pool.submit(fix)
        with up:
            fixed.result()
            assert ask(up.port, "/admin/login/").status == 200
            wait_for(lambda: "a change reloads the stack" in up.output, within_s=SERVED_S)
    wait_for(lambda: running_in(project) == [])
