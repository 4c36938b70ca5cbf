"""A file that a target renders."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that a target renders; ``name`` is relative to the directory it is written to."""

    name: str
    content: str
    mode: int = 0o644
