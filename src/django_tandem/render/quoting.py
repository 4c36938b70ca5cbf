"""Quoting, one function per format; a value that a format can't represent is an error."""

import json
import re
import shlex
from collections.abc import Callable, Iterable

from django_tandem.errors import QuotingError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BARE_SYSTEMD = re.compile(r"[A-Za-z0-9_./:@=+,%$-]+")
_BARE = re.compile(r"[A-Za-z0-9_./:@+-]+")

# NGINX reads a parameter into a buffer of 4096 bytes.
NGINX_PARAMETER_BYTES = 4096


def nginx(value: object) -> str:
    """Quote a parameter of an NGINX directive in which ``$`` would begin a variable."""
    text = str(value)
    if "$" in text:
        raise QuotingError(
            f"{text!r} can't be written to nginx.conf, which has no escape for a dollar sign.",
            hint="Use a name or a path without one.",
        )
    return nginx_regex(text) if not _BARE.fullmatch(text) else text


def nginx_regex(value: object) -> str:
    """Quote a parameter in which NGINX expands no variable, such as a regular expression."""
    text = str(value)
    if _CONTROL.search(text):
        raise QuotingError(
            f"{text!r} can't be written to nginx.conf: it has a control character.",
            hint="Remove it, or write it as an escape.",
        )
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if len(quoted.encode()) > NGINX_PARAMETER_BYTES:
        raise QuotingError(
            f"{text[:60]!r}… can't be written to nginx.conf: it is longer than "
            f"{NGINX_PARAMETER_BYTES} bytes.",
            hint="Shorten it.",
        )
    return quoted


def nginx_text(value: object) -> str:
    """Quote any text for a parameter with variables: its dollar signs are $tandem_dollar."""
    return nginx_regex(_CONTROL.sub(" ", str(value)).replace("$", "${tandem_dollar}"))


def supervisor(value: object) -> str:
    """Escape a value of supervisord.conf, in which ``%`` would begin an expansion."""
    text = str(value)
    if _is_altered(text):
        raise QuotingError(
            f"{text!r} can't be written to supervisord.conf: "
            "it has a control character, or a semicolon or a hash after a space.",
            hint="Remove it, or move it to a file that the program reads.",
        )
    return text.replace("%", "%%")


def _is_altered(text: str) -> bool:
    # supervisord reads " ;" and " #" anywhere in a value as the start of a comment.
    return bool(_CONTROL.search(text) or re.search(r"(?:^|\s)[;#]", text))


def supervisor_command(argv: Iterable[str]) -> str:
    """Join an argv list in such a way that supervisord splits it into the same arguments."""
    return supervisor(shlex.join(argv))


def supervisor_environment(pairs: Iterable[tuple[str, str]]) -> str:
    """Join environment variables in such a way that supervisord reads the same values."""
    return ",".join(f"{name}={_supervisor_value(name, value)}" for name, value in pairs)


def _supervisor_value(name: str, value: str) -> str:
    # supervisord knows both kinds of quotes but no escape, and strips all quotes at the ends.
    quote = "'" if '"' in value else '"'
    quoted = f"{quote}{value}{quote}"
    if quote in value or value.strip("'\"") != value:
        reason = "both kinds of quotes, or begins or ends with one"
    elif _is_altered(quoted):
        reason = "a control character, or a semicolon or a hash after a space"
    else:
        return supervisor(quoted)
    # Not the value itself: it may be a secret, and errors are logged.
    raise QuotingError(
        f"The value of {name} can't be written to the environment in supervisord.conf: "
        f"it has {reason}.",
        hint="Set it in the environment in which tandem starts.",
    )


def nginx_comment(value: object) -> str:
    """Keep a text on the line of its comment."""
    return _CONTROL.sub("?", str(value))


def yaml(value: object) -> str:
    """Quote a text for YAML, which includes JSON's strings."""
    return json.dumps(str(value))


def systemd(value: object) -> str:
    """Escape a whole value of a unit file, in which ``%`` would begin a specifier."""
    text = str(value)
    # A backslash at the end would continue the line.
    if _CONTROL.search(text) or text != text.strip() or text.endswith("\\"):
        raise QuotingError(
            f"{text!r} can't be written to a unit file: it has a control character, a space at "
            "one of its ends, or a backslash at its end.",
            hint="Use a name or a path without one.",
        )
    return text.replace("%", "%%")


def systemd_word(value: object) -> str:
    """Quote one word of a list in a unit file, such as a path of ReadWritePaths=."""
    text = systemd(value)
    if _BARE_SYSTEMD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def systemd_command(argv: Iterable[str]) -> str:
    """Join an argv list for ExecStart=, in which ``$`` would begin a variable."""
    return " ".join(systemd_word(each.replace("$", "$$")) for each in argv)


def compose(value: object) -> str:
    """Quote a text for compose.yaml, in which ``$`` would begin a variable."""
    return yaml(str(value).replace("$", "$$"))


def compose_list(values: Iterable[object]) -> str:
    """Quote the texts of a list of compose.yaml, on one line."""
    return f"[{', '.join(map(compose, values))}]"


def dockerfile(value: object) -> str:
    """Return a path for a Dockerfile or for .dockerignore, whose escapes differ: it needs none."""
    text = str(value)
    if not _BARE.fullmatch(text):
        raise QuotingError(
            f"{text!r} can't be written to a Dockerfile: it has other characters than letters, "
            "digits and _./:@+-.",
            hint="Rename it.",
        )
    return text


FILTERS: dict[str, Callable[..., str]] = {
    "compose": compose,
    "compose_list": compose_list,
    "dockerfile": dockerfile,
    "nginx": nginx,
    "nginx_regex": nginx_regex,
    "nginx_text": nginx_text,
    "nginx_comment": nginx_comment,
    "supervisor": supervisor,
    "supervisor_command": supervisor_command,
    "supervisor_environment": supervisor_environment,
    "systemd": systemd,
    "systemd_word": systemd_word,
    "systemd_command": systemd_command,
    "yaml": yaml,
}
