"""The project's entry points, such as manage.py and wsgi.py, read without running them."""

import ast
from pathlib import Path

VARIABLE = "DJANGO_SETTINGS_MODULE"


def settings_named_in(file: Path) -> str | None:
    """Return the settings module that ``file`` writes into the environment; None for none."""
    try:
        tree = ast.parse(file.read_text())
    except (OSError, SyntaxError, ValueError):
        return None
    named = (_named(node) for node in ast.walk(tree))
    return next((module for module in named if module is not None), None)


def _named(node: ast.AST) -> str | None:
    match node:
        # os.environ.setdefault(VARIABLE, …), and os.environ[VARIABLE] = …
        case ast.Call(args=[ast.Constant(value=name), ast.Constant(value=str(module))]):
            pass
        case ast.Assign(
            targets=[ast.Subscript(slice=ast.Constant(value=name))],
            value=ast.Constant(value=str(module)),
        ):
            pass
        case _:
            return None
    return module if name == VARIABLE else None
