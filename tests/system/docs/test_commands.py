"""Every command in the docs is one that there is, each of its options too."""

import argparse
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands
from docs.blocks import PAGES, Command, every_block
from docs.installing import check_installed

from django_tandem.cli import parser

# Installed by the reader, or the system's.
OTHERS = {
    "cd",
    "cp",
    "certbot",
    "curl",
    "docker",
    "django-admin",
    "editor",
    "git",
    "grep",
    "kubectl",
    ".venv/bin/tandem",
    "ln",
    "mkdir",
    "sleep",
    "openssl",
    "scp",
    "source",
    "sudo",
    "sqlite3",
    "ssh",
}
# That a page has its reader write.
SCRIPTS = {"listen.py", "load.py"}


def _indented() -> list[str]:
    # As Markdown has it beside the fences.
    found = [
        re.findall(r"^    ((?:tandem|pip) .*)$", page.read_text(), re.MULTILINE) for page in PAGES
    ]
    return [text for texts in found for text in texts]


def _in_prose() -> list[tuple[Path, str]]:
    found = [(page, re.findall(r"(?<!`)`(tandem [a-z][^`]*)`", page.read_text())) for page in PAGES]
    return [(page, text.replace("\n", " ")) for page, texts in found for text in texts]


@pytest.mark.parametrize("block", every_block("console"), ids=str)
def test_a_command_is_one_that_there_is(block) -> None:
    """Of tandem's own each option too; of manage.py the subcommand."""
    for command in block.commands():
        _check(command)


def _check(command: Command) -> None:
    program, *arguments = command.words
    if Path(program).name == "tandem":
        parser().parse_args(arguments)
    elif program == "pip":
        assert arguments[0] == "install"
        if "-r" not in arguments:
            check_installed(arguments[1:])
    elif program in ("python", "python3"):
        _check_python(arguments)
    else:
        assert program in OTHERS, command.text


def _check_python(arguments: list[str]) -> None:
    if arguments[0] == "manage.py":
        # Of contrib.staticfiles, which get_commands() knows in a project only.
        assert arguments[1] in {*get_commands(), "collectstatic"}
    else:
        assert arguments == ["-m", "venv", ".venv"] or arguments[0] in SCRIPTS


@pytest.mark.parametrize("text", _indented())
def test_an_indented_command_is_one_that_there_is(text) -> None:
    """As those of a terminal are."""
    _check(Command(text=" ".join(shlex.quote(word) for word in shlex.split(text, comments=True))))


@pytest.mark.parametrize(
    ("page", "text"), _in_prose(), ids=lambda value: getattr(value, "stem", value)
)
def test_a_command_in_a_sentence_is_one_too(page, text) -> None:
    """But for those with a word that stands for the reader's own."""
    _, name, *arguments = shlex.split(text)
    commands = next(
        action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
    )

    assert name.rstrip("…") in commands.choices, page
    if name != "…" and not any(word.isupper() or "…" in word for word in arguments):
        _try(name, arguments)


def _try(name: str, arguments: list[str]) -> None:
    # `tandem explain` and `tandem render` alone are spoken of as well.
    if arguments or name not in {"explain", "render", "bench", "block", "unblock"}:
        parser().parse_args([name, *arguments])
