"""What the project's own code saw, one line each, in a file that the test reads."""

import os


def note(line: str) -> None:
    handle = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with os.fdopen(handle, "a") as file:
        file.write(f"{line}\n")
