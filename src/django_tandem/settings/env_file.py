"""
The files of ENV_FILE: variables in the format of systemd's EnvironmentFile.

A line is NAME=VALUE, as in Docker's --env-file. Quotes around a value are removed, and a value in
quotes may have several lines. Outside of single quotes a backslash escapes, and joins two lines.
Nothing is expanded. No error shows text of a file, as any line may be a part of a secret.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from django_tandem.errors import SettingError

# Before the path of a file that need not exist, as in systemd's EnvironmentFile.
OPTIONAL = "-"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The start of an assignment; `export` is a shell's, whose files have this format too.
_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([^=\n]*?)[ \t]*=[ \t]*")
# What a line may have instead of an assignment: nothing, a comment, or a name that is inherited.
_REST = re.compile(r"[ \t\r]*(?:[#;][^\n]*|(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t\r]*)?")
_UNQUOTED = re.compile(r"(?:\\[\s\S]|[^\\\n])*")
_QUOTED = {
    "'": re.compile(r"'([^']*)'[ \t\r]*"),
    '"': re.compile(r'"((?:\\[\s\S]|[^\\"])*)"[ \t\r]*'),
}
# Of one file: Linux limits a variable to 128 kB.
_MAX_BYTES = 1024 * 1024


def read_env_files(paths: Iterable[str]) -> dict[str, str]:
    """
    Return the variables of the files in their order: a later one takes precedence.

    Raises SettingError for a file that can't be read or parsed; one with a dash before its path
    may be missing.
    """
    found: dict[str, str] = {}
    for path in paths:
        found |= parse(_text_of(path), path.removeprefix(OPTIONAL))
    return found


def _text_of(path: str) -> str:
    file = Path(path.removeprefix(OPTIONAL))
    try:
        return _read(file).decode("utf-8-sig")
    except FileNotFoundError:
        if path.startswith(OPTIONAL):
            return ""
        raise SettingError(
            f"The environment file {file} does not exist.",
            hint="Create it. Where it may be missing, put a dash before its path: "
            f'"{OPTIONAL}{file}" in TANDEM["ENV_FILE"], or `--env-file={OPTIONAL}{file}`.',
        ) from None
    except OSError as error:
        raise SettingError(
            f"The environment file {file} can't be read: {error.strerror}.",
            hint="The user that runs the stack must be able to read it.",
        ) from None
    except UnicodeDecodeError:
        raise SettingError(
            f"The environment file {file} is not a text in UTF-8.", hint="Save it in UTF-8."
        ) from None


def _read(file: Path) -> bytes:
    with os.fdopen(_open_regular(file), "rb") as opened:
        content = opened.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise SettingError(
            f"The environment file {file} is larger than {_MAX_BYTES // 1024**2} MB.",
            hint="Keep only environment variables in it.",
        )
    return content


def _open_regular(file: Path) -> int:
    # A pipe would otherwise block supervisord until another process writes to it.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SettingError(
            f"The environment file {file} is not a regular file.",
            hint="Name a file: each generation reads it again, which a pipe does not allow.",
        )
    return descriptor


def parse(text: str, file: str) -> dict[str, str]:
    """Return the variables of ``text``; ``file`` is its name in errors, which are SettingErrors."""
    return dict(_assignments(text, file))


def _assignments(text: str, file: str) -> Iterator[tuple[str, str]]:
    if "\0" in text:
        raise SettingError(f"{file} has a NUL byte, which no variable can hold.", hint="Remove it.")
    position = 0
    while position < len(text):
        rest = _REST.match(text, position)
        if rest is not None and text[rest.end() : rest.end() + 1] in ("", "\n"):
            position = rest.end() + 1
            continue
        name, position = _name(text, position, file)
        value, position = _value(text, position, file)
        yield name, value


def _name(text: str, position: int, file: str) -> tuple[str, int]:
    line = text.count("\n", 0, position) + 1
    found = _ASSIGNMENT.match(text, position)
    if found is None:
        raise SettingError(
            f"{file}, line {line} is neither NAME=VALUE nor a comment.",
            hint="Put quotes around a value of several lines. The line is not shown, since it may "
            "be a part of one.",
        )
    name = found[1]
    if not _NAME.fullmatch(name):
        raise SettingError(
            f'{file}, line {line} has no variable\'s name before its "=".',
            hint="A name has letters, digits and underscores, and does not begin with a digit. "
            "Put quotes around a value of several lines. The line is not shown, since it may be a "
            "part of one.",
        )
    return name, found.end()


def _value(text: str, position: int, file: str) -> tuple[str, int]:
    """Return the value at ``position``, and where the next line begins."""
    line = text.count("\n", 0, position) + 1
    quote = text[position : position + 1]
    if quote not in _QUOTED:
        found = _UNQUOTED.match(text, position)
        end = found.end() if found else position
        return _unescaped(_stripped(text[position:end])), end + 1
    quoted = _QUOTED[quote].match(text, position)
    if quoted is None:
        raise SettingError(
            f"{file}, line {line} has a quote that is not closed.",
            hint="Close it, or put the value into the other kind of quotes.",
        )
    if text[quoted.end() : quoted.end() + 1] not in ("", "\n"):
        line = text.count("\n", 0, quoted.end()) + 1
        raise SettingError(
            f"{file}, line {line} has text after a closing quote.",
            hint="Put a comment on its own line, and quotes around the whole value.",
        )
    value = quoted[1] if quote == "'" else _unescaped(quoted[1], only='"\\`$')
    return value, quoted.end() + 1


def _stripped(raw: str) -> str:
    kept = raw.rstrip(" \t\r")
    # The space after a backslash is escaped.
    is_escaped = (len(kept) - len(kept.rstrip("\\"))) % 2 == 1
    return raw[: len(kept) + 1] if is_escaped else kept


def _unescaped(raw: str, *, only: str = "") -> str:
    """Remove the backslashes that escape, of ``only`` these characters if there are any."""

    def replaced(found: re.Match[str]) -> str:
        escaped = found[1]
        if escaped == "\n":
            return ""
        return escaped if not only or escaped in only else found[0]

    return re.sub(r"\\([\s\S])", replaced, raw)
