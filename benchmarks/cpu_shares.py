"""How many CPUs each program of a benchmark uses, those of its clients and its database too."""

import contextlib
import time
from collections import Counter

import psutil


class CpuShares:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._before, self._began = _seconds(), time.monotonic()

    def by_program(self) -> dict[str, float]:
        """Return the CPUs of each program since then, the most first; it must still run."""
        took_s = time.monotonic() - self._began
        used = _seconds() - self._before
        return {name: round(seconds / took_s, 4) for name, seconds in used.most_common()}


def _seconds() -> Counter[str]:
    found: Counter[str] = Counter()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            found[_program(process)] += times.user + times.system
    return found


def _program(process: psutil.Process) -> str:
    """Return the name of the process, or of the module that its Python runs."""
    name, words = process.name(), process.cmdline()
    if name.startswith("python") and "-m" in words:
        return words[words.index("-m") + 1]
    return name
