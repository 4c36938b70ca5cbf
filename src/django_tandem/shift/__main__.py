"""
The program "shift": ``python -P -m django_tandem.shift RUN_DIR``.

The plugin inside supervisord starts it while requests are split, and again if it is killed. All
that it knows of a shift but the samples of the step is in `shifts.json`.
"""

import os
import sys
from pathlib import Path

from django_tandem.inprocess.worker_process import stop_with
from django_tandem.runtime import lock
from django_tandem.shift.program import watch


def main(argv: list[str]) -> int:
    """Watch the run directory ``argv[0]`` until no request is split."""
    run_dir = Path(argv[0])
    stop_with(os.getppid())
    if lock.try_to_take(run_dir, lock.SHIFTER) is not None:
        watch(run_dir)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
