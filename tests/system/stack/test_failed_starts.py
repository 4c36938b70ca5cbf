"""A stack that never becomes healthy ends with exit code 1, so that systemd or Docker sees it."""

import pytest
from stack.mistaken import running_in

from harness.stack import free_port, tandem

# In a server only: `tandem up` imports these files too.
IN_SERVER = 'import os\nif "TANDEM_GENERATION" in os.environ:\n    {}\n'


def fail_in_server(project, file: str, statement: str) -> None:
    """Have a file of the project run a statement when a server imports it."""
    path = project / "mysite" / file
    path.write_text(IN_SERVER.format(statement) + path.read_text())


def configure(project, **tandem_setting) -> None:
    """Write the TANDEM setting."""
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(f"\nTANDEM = {tandem_setting!r}\n")


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_server_that_hangs_is_given_up_after_the_timeout(detach, project) -> None:
    """In the foreground as well as detached; nothing of it is left."""
    fail_in_server(project, "wsgi.py", "__import__('time').sleep(600)")

    done = tandem(project, "up", "--timeout", "4", "--bind", f"127.0.0.1:{free_port()}", *detach)

    assert done.returncode == 1
    assert "wsgi-1 can't be started: no answer within 4 s." in done.stderr
    assert "Ready" not in done.stderr
    assert running_in(project) == []


@pytest.mark.parametrize(("server", "program"), [("uvicorn", "master-1"), ("granian", "asgi-1")])
def test_workers_that_never_load_the_project_are_given_up(server, program, project) -> None:
    """Some servers restart them forever and never exit; the last traceback is shown."""
    configure(project, WSGI={"WORKERS": 1}, ASGI={"WORKERS": 2, "SERVER": server})
    fail_in_server(project, "asgi.py", "raise RuntimeError('not on this server')")

    done = tandem(project, "up", "--asgi", "--bind", f"127.0.0.1:{free_port()}")

    assert done.returncode == 1
    assert f"{program} can't be started: " in done.stderr
    assert "RuntimeError: not on this server" in done.stderr
    assert running_in(project) == []


def test_a_server_that_dies_some_seconds_after_each_start_is_given_up(project) -> None:
    """Later than supervisord would call a failed start."""
    fail_in_server(project, "wsgi.py", "import time; time.sleep(6); raise RuntimeError('too late')")

    done = tandem(project, "up", "--bind", f"127.0.0.1:{free_port()}")

    assert done.returncode == 1
    assert "wsgi-1 can't be started: it can't load the project. Its last lines:" in done.stderr
    assert "RuntimeError: too late" in done.stderr
    assert running_in(project) == []


def test_variables_that_only_manage_py_sets_are_named(project) -> None:
    """The servers import asgi.py; the first failure ends the start, with the project's frames."""
    manage = project / "manage.py"
    manage.write_text("import os\nos.environ['ITS_KEY'] = 'x'\n" + manage.read_text())
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write("\nimport os\nos.environ['ITS_KEY']\n")

    done = tandem(project, "up", "--asgi", "--bind", f"127.0.0.1:{free_port()}")

    assert done.returncode == 1
    assert "sets ITS_KEY; mysite/" in done.stderr
    assert done.stderr.count("site-packages") == 0
    assert running_in(project) == []
