"""The results of a benchmark: ratios with their bounds, on stdout and in results/TARGET.json."""

import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from django_tandem.bench.report import machine
from django_tandem.cli import INTERRUPTED
from django_tandem.cli.interrupts import interruptible

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """
    A measured ratio and its bound: one of the two is set.

    ``value`` is None where it was not measured; ``why`` is the reason.
    """

    value: float | None
    at_least: float | None = None
    at_most: float | None = None
    why: str | None = None

    @property
    def holds(self) -> bool:
        if self.value is None:
            return False
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    @property
    def bound(self) -> str:
        return (
            f"at least {self.at_least}" if self.at_least is not None else f"at most {self.at_most}"
        )


def finish(
    target: str, ratios: dict[str, Ratio], *, packages: tuple[str, ...], **more: object
) -> int:
    """Write results/TARGET.json, print the ratios, and return the exit code."""
    found = {
        "ratios": {
            name: {key: value for key, value in asdict(ratio).items() if value is not None}
            for name, ratio in ratios.items()
        },
        "machine": machine(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in packages},
        **more,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{target}.json").write_text(json.dumps(found, indent=1) + "\n")
    for name, ratio in ratios.items():
        verdict = "ok" if ratio.holds else "FALLS SHORT"
        shown = ratio.why if ratio.value is None else f"{ratio.value:.3f}"
        print(f"{name}: {shown} ({ratio.bound}) {verdict}")
    return 0 if all(ratio.holds for ratio in ratios.values()) else 1


def run(main: Callable[[], int]) -> NoReturn:
    """Run a benchmark; a signal ends it as Ctrl-C does, so that it stops what it started."""
    try:
        with interruptible():
            sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def say(text: str) -> None:
    """Print progress to stderr."""
    print(text, file=sys.stderr, flush=True)
