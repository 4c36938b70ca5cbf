"""Source distributions, which have the tests that a wheel leaves out."""

import subprocess
import sys
import tarfile
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build"


def unpacked(distribution: str, version: str, directory: str) -> Path:
    """Return the unpacked source distribution, fetched from the package index the first time."""
    kept = BUILD / directory
    name = f"{distribution.lower()}-{version}"
    if not (kept / name).exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tarfile.open(_fetched(distribution, version, kept)) as opened:
            opened.extractall(kept, filter="data")
    return kept / name


def _fetched(distribution: str, version: str, kept: Path) -> Path:
    archive = kept / f"{distribution.lower()}-{version}.tar.gz"
    if not archive.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        options = ["--no-binary", ":all:", "--no-deps", "--dest", str(kept)]
        subprocess.run([*pip, *options, f"{distribution}=={version}"], check=True)
    return archive
