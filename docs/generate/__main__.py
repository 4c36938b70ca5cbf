"""
Write the reference pages that are made from the declarations, or with ``--check`` compare them.

``python docs/generate`` writes; ``--check`` prints a diff and exits with 1 when a page differs.
"""

import sys
from pathlib import Path

import commands_page
import files_page
import settings_page

from django_tandem import output
from django_tandem.model import File

REFERENCE = Path(__file__).resolve().parent.parent / "reference"

PAGES = (
    File(name="settings.md", content=settings_page.page()),
    File(name="commands.md", content=commands_page.page()),
    File(name="files.md", content=files_page.page()),
)


def main(argv: list[str]) -> int:
    """Write the pages, or print how they differ."""
    if argv == ["--check"]:
        found = output.diff(PAGES, REFERENCE)
        print(found, end="")  # noqa: T201 - the result
        return 1 if found else 0
    for name in output.write(PAGES, REFERENCE):
        print(f"Wrote docs/reference/{name}.", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
