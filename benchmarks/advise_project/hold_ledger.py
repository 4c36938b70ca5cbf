"""
A bookkeeping job that holds the lock of the ledger for most of the time, and never uses it.

It has the lock for HELD_S, and leaves FREE_S to others.
"""

import sqlite3
import time
from pathlib import Path

HELD_S, FREE_S = 0.5, 0.15


def hold(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    while True:
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(HELD_S)
        connection.execute("COMMIT")
        time.sleep(FREE_S)


if __name__ == "__main__":
    hold(Path(__file__).with_name("ledger.sqlite3"))
