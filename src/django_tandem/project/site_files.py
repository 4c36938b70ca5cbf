"""The files of a site, static or uploaded, as far as the edge could serve them."""

import os
from pathlib import Path

from django_tandem.model import StaticFiles


def site_files(url: str | None, directory: str | os.PathLike[str] | None) -> StaticFiles | None:
    """Return the files below ``url``; None unless that is a path of this site, not its root."""
    if not url or not directory or not url.startswith("/") or url == "/":
        return None
    return StaticFiles(prefix=f"{url.rstrip('/')}/", directory=str(Path(directory).resolve()))
