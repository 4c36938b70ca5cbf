"""
One run of Django's runtests.py: `run.py stock|ours REPORT RUNTESTS-ARGUMENTS`, in its directory.

The handlers are replaced before the suite imports anything, so what its tests import by name, and
what they derive from it, is ours.
"""

import json
import runpy
import sys
from pathlib import Path

import recording
import replacing

RUNTESTS = Path("runtests.py").resolve()


def main(handler: str, report: str, *argv: str) -> None:
    """Run the suite, and write what came of each test to ``report``, however it ends."""
    requests = replacing.counting(ours=handler == "ours")
    outcomes = recording.recording()
    sys.path[0] = str(RUNTESTS.parent)
    sys.argv = [str(RUNTESTS), *argv]
    try:
        runpy.run_path(str(RUNTESTS), run_name="__main__")
    finally:
        found = {outcome: sorted(ids) for outcome, ids in outcomes.items()}
        Path(report).write_text(json.dumps(found | {"requests": requests()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
