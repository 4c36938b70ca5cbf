"""A project of slow views, copied for each stack and served as a test asks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.stack import Up

SITE = Path(__file__).parent / "site"


@pytest.fixture(scope="session")
def up_with(tmp_path_factory) -> Callable[..., Up]:
    """Make a stack with these settings of WSGI, behind this NGINX or the system's."""

    def make(*, nginx: str | None = None, monitor: bool = False, **wsgi: Any) -> Up:
        directory = tmp_path_factory.mktemp("p")
        project = Path(shutil.copytree(SITE, directory, dirs_exist_ok=True))
        setting = {
            "WSGI": wsgi,
            "ASGI": {"WORKERS": 1},
            "MONITOR": monitor,
            "EDGE": {"NGINX": nginx, "MAX_BODY": "4M"},
        }
        return Up(project, environment={"CROWD_TANDEM": json.dumps(setting)})

    return make
