"""The image of the site beside this file, as the documentation's Dockerfile makes it."""

import os
from pathlib import Path

import pytest

from harness.images import build

SITE = Path(__file__).parent / "site"


@pytest.fixture(scope="session")
def image() -> str:
    """Its name in podman's storage."""
    if os.geteuid() != 0:
        pytest.skip("only root can start these containers")
    return build(SITE, "containers")
