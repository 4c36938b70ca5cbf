"""The program "monitor": ``python -P -m django_tandem.monitor RUN_DIR``."""

import asyncio
import sys
from pathlib import Path

from django_tandem.monitor.program import Monitor

if __name__ == "__main__":
    asyncio.run(Monitor(Path(sys.argv[1])).run())
