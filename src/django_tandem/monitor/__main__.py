"""
The program "monitor": ``python -P -m django_tandem.monitor RUN_DIR [PID]``.

With the pid of a program that runs without supervisord it is that program's companion: it also
answers the probes, is started again if it ends, and ends with the program.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from django_tandem.inprocess.worker_process import stop_with

# The pause of a companion that ends again and again.
PAUSE_S = 1.0


async def main(run_dir: Path, program: int) -> None:
    """Serve until SIGTERM, and end."""
    # The process that keeps a companion has no need of it.
    from django_tandem.monitor.program import Monitor  # noqa: PLC0415

    await Monitor(run_dir, program).run()
    # The loop would wait for its threads, and a call to a supervisord that stops takes its time.
    os._exit(0)


def keep(run_dir: Path, program: int) -> NoReturn:
    """Run a companion, and another one whenever it ends, for as long as ``program`` runs."""
    # Ctrl-C reaches all of a terminal's processes, and the program decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_with(program)
    while True:
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            stop_with(keeper)
            asyncio.run(main(run_dir, program))
        os.waitpid(pid, 0)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        keep(Path(sys.argv[1]), int(sys.argv[2]))
    asyncio.run(main(Path(sys.argv[1]), os.getppid()))
