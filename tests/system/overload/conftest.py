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
def up_with(tmp_path) -> Callable[..., Up]:
    """Make a stack with these settings of WSGI, behind this NGINX or the system's."""
    project = Path(shutil.copytree(SITE, tmp_path / "p"))

    def make(*, nginx: str | None = None, **wsgi: Any) -> Up:
        setting = {
            "WSGI": wsgi,
            "ASGI": {"WORKERS": 1},
            "EDGE": {"NGINX": nginx, "MAX_BODY": "4M"},
        }
        return Up(project, environment={"CROWD_TANDEM": json.dumps(setting)})

    return make
