"""A library that flushes at the exit, and memory that its teardown would copy."""

import atexit
import os
from pathlib import Path


def flush():
    with (Path(os.environ["PROJECT_DIRECTORY"]) / "exits").open("a") as file:
        file.write(f"{os.getpid()} exits\n")


TORN = os.open(Path(os.environ["PROJECT_DIRECTORY"]) / "torn", os.O_WRONLY | os.O_CREAT)


class Torn:
    # At the teardown, nothing else is left.
    def __del__(self, write=os.write, file=TORN, pid=os.getpid):
        write(file, b"%d " % pid())


atexit.register(flush)
torn = Torn()
