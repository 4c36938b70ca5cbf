"""`manage.py tandem` is `tandem`, with the options of every management command before."""

import socket

import pytest
from checks.managing import installed, manage

pytestmark = pytest.mark.processes

OTHER = """
from mysite.settings import *

TANDEM = {{"BIND": "{bind}"}}
"""


@pytest.fixture
def taken():
    """An address that another program listens on, so that a start ends with its name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("command", "directory"),
    [
        (["--settings=other", "--pythonpath=elsewhere", "up"], "elsewhere"),
        (["--settings", "mysite.other", "up", "--watch"], "mysite"),
        (["up", "--settings", "mysite.other"], "mysite"),
    ],
)
def test_settings_before_up_are_those_of_the_stack(command, directory, taken, tmp_path) -> None:
    """Another process takes over, with the same settings module and path."""
    project = installed(tmp_path)
    (project / directory).mkdir(exist_ok=True)
    (project / directory / "other.py").write_text(OTHER.format(bind=taken))
    done = manage(project, "tandem", *command)

    assert done.returncode == 2
    assert f"{taken} is in use by another program.\n" in done.stderr


def test_an_unknown_command_is_named_with_a_similar_one(tmp_path) -> None:
    """As by `tandem` itself."""
    done = manage(installed(tmp_path), "tandem", "stauts")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        '"stauts" is not a command of tandem.\n  Did you mean "status"? The commands are plan, '
    )


def test_a_wrong_value_is_a_sentence_and_a_hint(tmp_path) -> None:
    """As by `tandem` itself, without the usage."""
    done = manage(installed(tmp_path), "tandem", "shift", "/", "--percent", "0")

    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        '--percent: Expected an integer from 1 to 100, got "0".\n'
        "  `manage.py tandem shift --help` lists its arguments.\n",
    )


def test_the_variables_that_only_manage_py_sets_are_rendered(tmp_path) -> None:
    """As by `tandem`, so that a server without one can name it."""
    project = installed(tmp_path, "import os\nSECRET_KEY = os.environ['ITS_KEY']\n")
    file = project / "manage.py"
    file.write_text(
        file.read_text().replace("def main():\n", "def main():\n    os.environ['ITS_KEY'] = 'x'\n")
    )
    done = manage(project, "tandem", "render", "supervisor", "--output", "rendered")

    assert done.returncode == 0, done.stderr
    assert (
        'TANDEM_MANAGE_PY_SETS="ITS_KEY"' in (project / "rendered" / "supervisord.conf").read_text()
    )
