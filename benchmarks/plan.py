"""What planning takes, beyond what Django itself needs to set a project up, and how it grows."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import urlconf
from results import Ratio, finish, run, say

ROUNDS = 5
COMMAND_ROUTES = 3000
SIZES = (1000, 5000, 20000)
LIMITED = 5000

SET_UP = """
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
"""
STAGES = Path(__file__).with_name("stages.py")


def seconds(argv: list[str], directory: Path) -> float:
    """Return the wall-clock time of a command that must succeed."""
    started = time.perf_counter()
    _run(argv, directory)
    return time.perf_counter() - started


def _run(argv: list[str], directory: Path) -> str:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": python_path()}
    done = subprocess.run(
        argv, cwd=directory, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def python_path() -> str:
    """Let a script beside this one find the project that it is run in."""
    return os.pathsep.join(filter(None, [".", os.environ.get("PYTHONPATH", "")]))


def measure_command(scratch: Path) -> dict[str, float]:
    """Alternate `tandem plan` with Django's own set-up, each a process; return the medians."""
    directory = project(scratch, COMMAND_ROUTES)
    alone, whole = [], []
    for _ in range(ROUNDS):
        alone.append(seconds([sys.executable, "-c", SET_UP], directory))
        whole.append(seconds([sys.executable, "-m", "django_tandem", "plan"], directory))
    return {"django": statistics.median(alone), "tandem plan": statistics.median(whole)}


def measure_stages(scratch: Path) -> dict[int, dict[str, float]]:
    """
    Return the seconds of each stage at each size: the least of some rounds, each a process.

    The least, for what other processes take of a machine only ever adds.
    """
    directories = {size: project(scratch, size) for size in SIZES}
    found: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size, directory in directories.items():
            found[size].append(json.loads(_run([sys.executable, str(STAGES)], directory)))
    return {
        size: {stage: min(each[stage] for each in rounds) for stage in rounds[0]}
        for size, rounds in found.items()
    }


def project(scratch: Path, routes: int) -> Path:
    """Write a project of so many routes."""
    directory = scratch / str(routes)
    directory.mkdir()
    urlconf.write(directory, routes)
    return directory


def show(stages: dict[int, dict[str, float]]) -> None:
    """Print a line a size: each stage, the whole, and what it comes to for a route."""
    for size, each in stages.items():
        listed = ", ".join(f"{stage} {took:.3f}" for stage, took in each.items())
        whole = sum(each.values())
        say(f"{size:>6} routes: {listed}: {whole:.3f} s, {whole / size * 1e6:.0f} µs a route")


def main() -> int:
    """Print the seconds and the growth."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as scratch:
        command = measure_command(Path(scratch))
        stages = measure_stages(Path(scratch))
    django_s, tandem_s = command["django"], command["tandem plan"]
    say(f"{COMMAND_ROUTES} routes: Django's set-up {django_s:.2f} s, tandem plan {tandem_s:.2f} s")
    show(stages)
    a_route = {size: sum(each.values()) / size for size, each in stages.items()}
    growth = a_route[SIZES[-1]] / a_route[SIZES[0]]
    return finish(
        "bench-plan",
        {
            f"tandem plan on {COMMAND_ROUTES} routes, seconds beyond Django's set-up": Ratio(
                value=tandem_s - django_s, at_most=1.0
            ),
            f"planning {LIMITED} routes, seconds": Ratio(
                value=sum(stages[LIMITED].values()), at_most=2.0
            ),
            f"seconds a route, {SIZES[-1]} routes / {SIZES[0]}": Ratio(value=growth, at_most=1.5),
        },
        packages=("django",),
        seconds=command,
        stages=stages,
    )


if __name__ == "__main__":
    run(main)
