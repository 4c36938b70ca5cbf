"""The environment variables that the settings read, by the text of their modules."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from django_tandem import syntax
from django_tandem.model import Variable

NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# A call of these has no error for a variable that is not set.
OPTIONAL_READERS = frozenset({"os.environ.get", "environ.get", "os.getenv", "getenv"})
# Those of django-environ and environs, and of python-decouple.
REQUIRED_READERS = frozenset({"env", "config"})
MAPPINGS = frozenset({"os.environ", "environ"})


def read_variables(settings_module: str) -> tuple[Variable, ...]:
    """Return what ``settings_module`` and the settings modules that it imports read, by name."""
    found: dict[str, bool] = {}
    for tree in _trees(settings_module):
        own = _own_readers(tree)
        for variable in _variables(tree, own):
            found[variable.name] = found.get(variable.name, False) or variable.is_required
    return tuple(Variable(name=name, is_required=found[name]) for name in sorted(found))


def _trees(settings_module: str) -> Iterator[ast.Module]:
    package = settings_module.partition(".")[0]
    for name, module in sorted(sys.modules.items()):
        is_settings = name.startswith(f"{package}.") and "settings" in name
        file = getattr(module, "__file__", None)
        if file and (is_settings or name == settings_module):
            try:
                yield syntax.parse(Path(file).read_text())
            except (OSError, ValueError, SyntaxError):
                # It may be compiled code, whose text is elsewhere.
                continue


def _own_readers(tree: ast.Module) -> frozenset[str]:
    """Return the module's functions that read the variable which their first argument names."""
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.args.args and _reads_first_argument(node)
    )


def _reads_first_argument(function: ast.FunctionDef) -> bool:
    first = function.args.args[0].arg
    return any(
        isinstance(argument, ast.Name) and argument.id == first
        for argument, _ in _reads(ast.walk(function), frozenset())
    )


def _variables(tree: ast.Module, own: frozenset[str]) -> Iterator[Variable]:
    for argument, is_required in _reads(ast.walk(tree), own):
        named = argument.value if isinstance(argument, ast.Constant) else None
        if isinstance(named, str) and NAME.fullmatch(named):
            yield Variable(name=named, is_required=is_required)


def _reads(nodes: Iterable[ast.AST], own: frozenset[str]) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the argument of each read of the environment, and whether the variable must be set."""
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if ast.unparse(node.value) in MAPPINGS:
                yield node.slice, True
        elif isinstance(node, ast.Call) and node.args:
            reader = ast.unparse(node.func)
            is_env = reader in REQUIRED_READERS or reader.startswith("env.")
            if is_env or reader in OPTIONAL_READERS or reader in own:
                has_default = len(node.args) > 1 or bool(node.keywords)
                yield node.args[0], is_env and not has_default
