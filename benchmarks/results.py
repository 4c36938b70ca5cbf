"""What each benchmark writes and prints: ratios with the bounds they must reach."""

import json
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from django_tandem.bench.report import machine

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """
    A measured ratio, and the bound it must reach: one of the two is set.

    ``value`` is None where it could not be measured, for the reason ``why``.
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
        word = "ok" if ratio.holds else "FALLS SHORT"
        shown = ratio.why if ratio.value is None else f"{ratio.value:.3f}"
        print(f"{name}: {shown} ({ratio.bound}) {word}")
    return 0 if all(ratio.holds for ratio in ratios.values()) else 1


def say(text: str) -> None:
    """Print progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)
