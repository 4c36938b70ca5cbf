"""The keys that docs/reference/json.md describes."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "json.md"


def documented_keys(command: str) -> list[set[str]]:
    """Return the keys of each table in the section of ``command``, in their order."""
    section = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = (part for part in section if part.startswith(f"{command}\n"))
    tables = text.split("| key | value |")[1:]
    return [set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) for table in tables]
