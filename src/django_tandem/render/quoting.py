"""Quoting, one function a format; what a format can't represent is refused."""

import re
import shlex
from collections.abc import Callable, Iterable

from django_tandem.errors import QuotingError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BARE_NGINX = re.compile(r"[A-Za-z0-9_./:@+-]+")

# NGINX reads a parameter into a buffer of 4096 bytes.
NGINX_PARAMETER_BYTES = 4096


def nginx(value: object) -> str:
    """Quote one parameter of an NGINX directive in which ``$`` would begin a variable."""
    text = str(value)
    if "$" in text:
        raise QuotingError(
            f"{text!r} can't be written in NGINX's file: it has no way to say a dollar sign.",
            hint="Take a name or a path without one.",
        )
    return nginx_regex(text) if not _BARE_NGINX.fullmatch(text) else text


def nginx_regex(value: object) -> str:
    """Quote one parameter that NGINX takes as it stands, such as a regular expression."""
    text = str(value)
    if _CONTROL.search(text):
        raise QuotingError(
            f"{text!r} can't be written in NGINX's file: it holds a control character.",
            hint="Take it out, or write it as an escape.",
        )
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if len(quoted.encode()) > NGINX_PARAMETER_BYTES:
        raise QuotingError(
            f"{text[:60]!r}… can't be written in NGINX's file: it is over "
            f"{NGINX_PARAMETER_BYTES} bytes long.",
            hint="Make it shorter.",
        )
    return quoted


def supervisor(value: object) -> str:
    """Write a value of supervisord's file as it stands: ``%`` would begin an expansion there."""
    text = str(value)
    # supervisord's reader takes " ;" and " #" for the start of a comment, wherever it stands.
    if _CONTROL.search(text) or re.search(r"(?:^|\s)[;#]", text):
        raise QuotingError(
            f"{text!r} can't be written in supervisord's file: "
            "it holds a control character, or a semicolon or a hash after a blank.",
            hint="Take it out, or move it to a file that the program reads.",
        )
    return text.replace("%", "%%")


def supervisor_command(argv: Iterable[str]) -> str:
    """Join an argv list the way supervisord splits it again: as a shell would, with no shell."""
    return supervisor(shlex.join(argv))


def supervisor_environment(pairs: Iterable[tuple[str, str]]) -> str:
    """Join environment variables the way supervisord splits them again."""
    return ",".join(f"{name}={_supervisor_value(value)}" for name, value in pairs)


def _supervisor_value(value: str) -> str:
    # Its reader knows both kinds of quotes but no escape, and strips every quote at the ends.
    quote = "'" if '"' in value else '"'
    if quote in value or value.strip("'\"") != value:
        raise QuotingError(
            f"{value!r} can't be written in supervisord's environment: "
            "it holds both kinds of quotes, or begins or ends with one.",
            hint="Set it in the environment that tandem is started from instead.",
        )
    return supervisor(f"{quote}{value}{quote}")


def nginx_comment(value: object) -> str:
    """Make a text harmless in a comment: it stays on its line."""
    return _CONTROL.sub("?", str(value))


FILTERS: dict[str, Callable[..., str]] = {
    "nginx": nginx,
    "nginx_regex": nginx_regex,
    "nginx_comment": nginx_comment,
    "supervisor": supervisor,
    "supervisor_command": supervisor_command,
    "supervisor_environment": supervisor_environment,
}
