"""A project may be in a directory with any name that its file system allows."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from nginx.conftest import SITE

from harness.client import ask
from harness.stack import Up, tandem

NAMES = ["100% of %(here)s %s", "it's {a} [b]", 'a "quoted" é %%']


@pytest.fixture
def scratch():
    """A directory with a short name, so that the run directory is inside the project."""
    with tempfile.TemporaryDirectory(prefix="t-") as path:
        yield Path(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_project_in_a_directory_with_an_odd_name_is_served(scratch, name) -> None:
    """Each file has its own escapes: `%` begins an expansion in supervisord.conf."""
    directory = scratch / name
    shutil.copytree(SITE, directory)
    (directory / "collected").mkdir()
    (directory / "collected" / "file.txt").write_text("a file")
    setting = json.dumps({"WSGI": {"WORKERS": 1}})
    environment = {
        "EDGESITE_TANDEM": setting,
        "EDGESITE_URLS": "edgesite.urls_of_wsgi",
        "EDGESITE_CHANNELS": "0",
    }

    with Up(directory, environment=environment) as up:
        assert ask(up.port, "/sync/").status == 200
        assert ask(up.port, "/static/file.txt").text == "a file"
        assert tandem(directory, "status", **environment).returncode == 0
