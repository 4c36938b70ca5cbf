"""docs/reference/commands.md, from the parser of the command line."""

import argparse
from collections.abc import Iterator

from markdown import code, fill, table

from django_tandem.cli import parser

# Every subcommand takes it, and the introduction says so.
COMMON = {"help", "settings"}


class _Command:
    """What the page says of one subcommand."""

    def __init__(self, name: str, declared: argparse.ArgumentParser) -> None:
        actions = [action for action in declared._actions if action.dest not in COMMON]
        self.name = name
        self.link = f"[`tandem {name}`](#tandem-{name})"
        self.summary = declared.description or ""
        self.usage = " ".join(["tandem", name, *map(_in_usage, actions)])
        rows = [
            (code(_written(action)), (action.help or "").replace("%%", "%")) for action in actions
        ]
        self.arguments = table(("argument", "meaning"), rows) if rows else ""


def page() -> str:
    """Return the whole page."""
    commands = [_Command(name, each) for name, each in _commands()]
    listed = table(("command", "does"), [(each.link, each.summary) for each in commands])
    return fill("commands.md.j2", listed=listed, commands=commands)


def _commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _written(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    return f"{names} {_value(action)}" if names else _value(action)


def _in_usage(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _value(action)
    if not action.option_strings:
        return {"*": f"[{value} …]", "+": f"{value} …", "?": f"[{value}]"}.get(
            str(action.nargs), value
        )
    shown = f"{action.option_strings[-1]} {value}".strip()
    return shown if action.required else f"[{shown}]"


def _value(action: argparse.Action) -> str:
    return str(action.metavar or action.dest.upper())
