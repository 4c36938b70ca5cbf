"""The source distribution of the installed Django: it has the tests that the wheel leaves out."""

import subprocess
import sys
import tarfile
from pathlib import Path

import django

KEPT = Path(__file__).parents[3] / "build" / "django-suite"


def unpacked() -> Path:
    """Return the unpacked source distribution, fetched from the package index the first time."""
    version = django.get_version()
    directory = KEPT / f"django-{version}"
    if not (directory / "tests" / "runtests.py").exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        _unpack(_fetched(version))
    return directory


def _fetched(version: str) -> Path:
    archive = KEPT / f"django-{version}.tar.gz"
    if not archive.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        options = ["--no-binary", ":all:", "--no-deps", "--dest", str(KEPT)]
        subprocess.run([*pip, *options, f"Django=={version}"], check=True)
    return archive


def _unpack(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(KEPT, filter="data")
