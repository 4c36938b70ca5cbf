"""The image without a project of the documentation, and a project that extends it."""

import os
import re
from pathlib import Path

import pytest

from harness.client import ask
from harness.containers import READ_ONLY, UNPRIVILEGED, Container
from harness.images import ROOT, build

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start these containers"),
]

PAGE = ROOT / "docs" / "how-to" / "base-image.md"
SITE = ROOT / "tests" / "system" / "containers" / "site"
FENCE = r"```\{code-block\} dockerfile\n:caption: [^\n]*\n\n(.*?)^```"


def recipe() -> str:
    """Return both Dockerfiles as one: podman can pull no base that is in no registry."""
    base, project = re.findall(FENCE, PAGE.read_text(), re.M | re.S)
    first, rest = project.split("\n", 1)
    assert first.startswith("FROM registry.example.com/")
    return f"{base}{rest}"


def test_a_project_that_extends_the_base_is_served() -> None:
    """By any user, with nothing writable but /run; it inherits the command."""
    image = build(Path(SITE), "base-image", recipe())
    options = (*READ_ONLY, *UNPRIVILEGED, "--user", "12345:0")
    with Container(image=image, options=options) as container:
        assert ask(container.port, "/who/").json["ids"] == [12345, 0]
        checked = container.podman("healthcheck", "run", container.name)

    assert checked.returncode == 0, checked.stderr
