"""A project of slow views, copied for each test and served as it asks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.stack import Up

SITE = Path(__file__).parent / "site"


@pytest.fixture
def up_with(tmp_path, nginx_program) -> Callable[..., Up]:
    """Make a stack of the project with these settings, behind either NGINX."""
    project = Path(shutil.copytree(SITE, tmp_path / "p"))

    def make(**wsgi: Any) -> Up:
        setting = {
            "WSGI": wsgi,
            "ASGI": {"WORKERS": 1},
            "EDGE": {"NGINX": nginx_program.program, "MAX_BODY": "4M"},
        }
        return Up(project, environment={"CROWD_TANDEM": json.dumps(setting)})

    return make
