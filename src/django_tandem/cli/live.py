"""A view that is drawn again and again, until Ctrl-C."""

import io
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout

from rich.cells import cell_len, set_cell_size

EVERY_S = 1.0
# Terminal control sequences (ECMA-48): to the first cell; erase what follows, of the line or all.
HOME, ERASE_LINE, ERASE_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def repeat(show: Callable[[], None]) -> None:
    """
    Have ``show`` print its view each second, in place on a terminal, until Ctrl-C.

    Whatever ``show`` raises ends it.
    """
    is_terminal = sys.stdout.isatty()
    try:
        if is_terminal:
            sys.stdout.write(HOME + ERASE_BELOW)
        while True:
            frame = printed(show)
            sys.stdout.write(_in_place(frame) if is_terminal else f"{frame}\n")
            sys.stdout.flush()
            time.sleep(EVERY_S)
    except KeyboardInterrupt:
        return


def printed(show: Callable[[], None]) -> str:
    """Return what ``show`` prints to stdout."""
    with redirect_stdout(io.StringIO()) as frame:
        show()
    return frame.getvalue()


def _in_place(frame: str) -> str:
    columns, lines = shutil.get_terminal_size()
    # A line that wraps, or a last one that scrolls, would move all that is above.
    shown = [_cut(line, columns) for line in frame.splitlines()[: lines - 1]]
    return HOME + "".join(f"{line}{ERASE_LINE}\n" for line in shown) + ERASE_BELOW


def _cut(line: str, columns: int) -> str:
    return set_cell_size(line, columns) if cell_len(line) > columns else line
