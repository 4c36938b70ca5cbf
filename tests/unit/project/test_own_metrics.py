"""A project that counts with prometheus_client is known, and its own directory is left to it."""

import pytest

from harness.projects import startproject
from harness.stack import tandem

pytestmark = pytest.mark.processes

IMPORT = "from prometheus_client import Counter\n"
OWN = 'import os\nos.environ["PROMETHEUS_MULTIPROC_DIR"] = "/srv/metrics"\n'


@pytest.mark.parametrize(
    ("urls", "settings", "has_directory"),
    [("", "", False), (IMPORT, "", True), (IMPORT, OWN, False)],
    ids=["none", "imported", "a directory"],
)
def test_the_directory_is_planned(tmp_path, urls, settings, has_directory) -> None:
    """Only by what the project imports: the commands of tandem import none of it."""
    startproject(tmp_path)
    for name, text in (("urls", urls), ("settings", settings)):
        with (tmp_path / "mysite" / f"{name}.py").open("a") as file:
            file.write(text)
    done = tandem(tmp_path, "render", "supervisor", "--output", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    rendered = (tmp_path / "out" / "supervisord.conf").read_text()
    assert ("PROMETHEUS_MULTIPROC_DIR" in rendered) is has_directory
