"""The compiled templates, kept where Python keeps the bytecode of the package that has them."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from django_tandem.atomic_files import replacing


class TemplateCache(BytecodeCache):
    """
    Keeps the bytecode of the templates of ``package``; compiling them takes as long as an import.

    As with Python's own, one who can't write there compiles at each start, and
    PYTHONDONTWRITEBYTECODE and PYTHONPYCACHEPREFIX are respected. Jinja compares the source, which
    ``options`` of the environment have compiled.
    """

    def __init__(self, package: str, options: Mapping[str, bool]) -> None:
        source = str(files(package).joinpath("__init__.py"))
        self._directory = Path(cache_from_source(source)).parent
        # Jinja's own number for the format changes less often than what it compiles to.
        self._suffix = f"jinja-{version('jinja2')}"
        self._options = repr(sorted(options.items()))

    def get_source_checksum(self, source: str) -> str:
        """Return the checksum of what the bytecode is made from: a release may change either."""
        return super().get_source_checksum(f"{self._options}\n{source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read what was kept, if anything was."""
        with suppress(OSError), self._path(bucket).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write it whole, for other processes read it meanwhile."""
        if sys.dont_write_bytecode:
            return
        with suppress(OSError), replacing(self._path(bucket)) as new:
            new.write_bytes(bucket.bytecode_to_string())

    def _path(self, bucket: Bucket) -> Path:
        return self._directory / f"{bucket.key}.{self._suffix}"
