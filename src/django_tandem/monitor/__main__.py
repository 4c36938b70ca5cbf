"""The program "monitor": ``python -P -m django_tandem.monitor RUN_DIR``."""

import asyncio
import os
import sys
from pathlib import Path

from django_tandem.monitor.program import Monitor


async def main(run_dir: Path) -> None:
    """Serve until SIGTERM, and end."""
    await Monitor(run_dir).run()
    # The loop would wait for its threads, and a call to a supervisord that stops takes its time.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
