"""A pin → the source of a settings module that has it, as an edit of its text."""

import ast
import io

from django_tandem.model import Pin
from django_tandem.syntax import parse

NAME, ROUTES = "TANDEM", "ROUTES"


def pin_text(pin: Pin) -> str:
    """Return the entry of TANDEM["ROUTES"]."""
    return f'("{pin.target}", "{pin.stack}")'


def with_pin(source: str, pin: Pin, *, has_setting: bool) -> str | None:
    """
    Return ``source`` with ``pin`` as the last entry of TANDEM["ROUTES"]; None where it can't be.

    Only a dict that is written out is edited, and nothing else in it changes. ``has_setting`` is
    true where the settings have a TANDEM, which the module may import.
    """
    try:
        edited = _edited(source, parse(source), pin_text(pin), has_setting=has_setting)
        # The edited text must have the intended meaning.
        if edited is None or ast.literal_eval(_routes(parse(edited)))[-1] != tuple(
            map(str, (pin.target, pin.stack))
        ):
            return None
    except (SyntaxError, ValueError, IndexError, TypeError):
        return None
    return edited


def _edited(source: str, tree: ast.Module, text: str, *, has_setting: bool) -> str | None:
    if not has_setting and NAME not in source:
        end = _line_end(source)
        separator = "" if source.endswith("\n") or not source else end
        return f'{source}{separator}{end}TANDEM = {{"{ROUTES}": [{text}]}}{end}'
    written = _dict(tree)
    if written is None:
        return None
    if (routes := _value(written, ROUTES)) is None:
        return _appended(source, written, f'"{ROUTES}": [{text}]', written.values)
    return _appended(source, routes, text, routes.elts) if isinstance(routes, ast.List) else None


def _dict(tree: ast.Module) -> ast.Dict | None:
    """Return the dict that is assigned to TANDEM at the top of the module, once and alone."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == NAME]
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and names[:1] == _targets(node)
    ]
    is_alone = len(names) == 1 and len(values) == 1
    written = values[0] if is_alone else None
    return written if isinstance(written, ast.Dict) and _is_written_out(written) else None


def _is_written_out(written: ast.Dict) -> bool:
    """Return whether each key is in the source, ROUTES no more than once: `**X` may have one."""
    keys = [each.value if isinstance(each, ast.Constant) else None for each in written.keys]
    return None not in keys and keys.count(ROUTES) <= 1


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _value(written: ast.Dict, name: str) -> ast.expr | None:
    for key, value in zip(written.keys, written.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == name:
            return value
    return None


def _routes(tree: ast.Module) -> ast.expr:
    written = _dict(tree)
    found = _value(written, ROUTES) if written else None
    if found is None:
        raise ValueError(ROUTES)
    return found


def _appended(source: str, node: ast.List | ast.Dict, text: str, entries: list[ast.expr]) -> str:
    """Return ``source`` with ``text`` as the last entry of ``node``, formatted as the others."""
    # Where Python ends a line: str.splitlines() does so at a form feed, too.
    lines = list(io.StringIO(source, newline=""))
    end = _offset(lines, node.end_lineno or 0, (node.end_col_offset or 0) - 1)
    if not entries:
        return f"{source[:end]}{text}{source[end:]}"
    last = entries[-1]
    after = _offset(lines, last.end_lineno or 0, last.end_col_offset or 0)
    has_comma = "," in _without_comments(source[after:end])
    if last.end_lineno == node.end_lineno:
        begin = after if not has_comma else source.index(",", after) + 1
        return f"{source[:begin]}{' ' if has_comma else ', '}{text}{source[begin:]}"
    indent = " " * (len(lines[last.lineno - 1]) - len(lines[last.lineno - 1].lstrip(" ")))
    comma = "" if has_comma else ","
    line_end = source.rindex("\n", 0, end) + 1
    entry = f"{indent}{text},{_line_end(source)}"
    return f"{source[:after]}{comma}{source[after:line_end]}{entry}{source[line_end:]}"


def _line_end(source: str) -> str:
    return "\r\n" if "\r\n" in source else "\n"


def _without_comments(text: str) -> str:
    return "\n".join(line.partition("#")[0] for line in text.split("\n"))


def _offset(lines: list[str], line: int, column: int) -> int:
    # Python counts the column in bytes.
    before = lines[line - 1].encode()[:column].decode()
    return sum(map(len, lines[: line - 1])) + len(before)
