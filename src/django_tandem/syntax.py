"""Python's own parser, for sources that are read and not run."""

import ast
import gc


def parse(source: str) -> ast.Module:
    """
    Return the syntax tree of ``source``; raises SyntaxError or ValueError as `ast.parse` does.

    No garbage is collected meanwhile. The finalizer of an object may parse something as well, as
    the traceback of a lost task does, and Python 3.11 then ends the outer one with a SystemError.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        if was_enabled:
            gc.enable()
