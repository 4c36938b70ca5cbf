"""The pages are built without a warning, and those made from declarations say what these say."""

import argparse
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from docs.blocks import DOCS, ROOT

from django_tandem.cli import reload

SVG = "{http://www.w3.org/2000/svg}"


def test_the_generated_pages_are_what_the_declarations_say() -> None:
    """Settings, commands and files; `make docs` writes them anew."""
    done = subprocess.run(
        [sys.executable, "docs/generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, ""), f"run `make docs`\n{done.stderr}"


def test_the_page_on_reload_has_each_of_its_options() -> None:
    """Written by hand, as it says more of them than `--help`."""
    parser = argparse.ArgumentParser(add_help=False)
    reload.add_arguments(parser)
    declared = {name for action in parser._actions for name in action.option_strings}

    page = (DOCS / "reference/reload.md").read_text()

    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == declared


def test_the_list_of_checks_is_that_of_their_headings() -> None:
    """Which another test compares with the checks themselves."""
    page = (DOCS / "reference/checks.md").read_text()

    listed = re.findall(r"^\| \[(tandem\.[EIW]\d{3})\]\(#(\w+)\)", page, re.MULTILINE)

    assert [name for name, _ in listed] == re.findall(r"^### (\S+)", page, re.MULTILINE)
    assert all(anchor == name.replace(".", "").lower() for name, anchor in listed)


def test_every_page_is_reached_and_every_link_leads_somewhere(tmp_path) -> None:
    """Sphinx warns of a page in no table of contents, of a dead reference, and of a picture."""
    build = [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*build, "-d", str(tmp_path / "doctrees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "html" / "tutorial.html").exists()


@pytest.mark.parametrize("path", sorted(DOCS.rglob("pictures/*.svg")), ids=lambda path: path.name)
def test_a_picture_has_a_description_and_is_readable_in_the_dark(path) -> None:
    """With a title, a description, and its own ground in either light."""
    picture = ET.parse(path).getroot()
    style = picture.find(f"{SVG}style").text

    assert picture.find(f"{SVG}title").text
    assert picture.find(f"{SVG}desc").text
    assert "prefers-color-scheme: dark" in style
    assert picture.find(f"{SVG}rect").get("class") == "paper"
