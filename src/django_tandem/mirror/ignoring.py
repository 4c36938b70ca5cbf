"""What a comparison leaves out, as `--ignore` names it: a header, a JSON path or a regex."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_JSON_PATH = re.compile(r"\$(?:\.[^.\[\]]+|\[(?:\d+|\*)\])+")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")

# A step of a path: the key of an object, or the index of an array.
Step = str | int
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """
    What is not compared.

    ``headers`` are names in lower case. A JSON path matches a value and all below it; its step "*"
    matches any key and any index. The text that one of ``regexes`` matches is removed from bodies
    and from the strings of JSON.
    """

    headers: frozenset[str] = frozenset()
    json_paths: tuple[tuple[str, ...], ...] = ()
    regexes: tuple[re.Pattern[str], ...] = ()

    def has_path(self, path: tuple[Step, ...]) -> bool:
        """Return whether the value at ``path`` is not compared."""
        return any(_matches(pattern, path) for pattern in self.json_paths)

    def strip(self, text: str) -> str:
        """Return ``text`` without what a regex matches."""
        for each in self.regexes:
            text = each.sub("", text)
        return text


def parse_ignored(given: Iterable[str]) -> Ignored:
    r"""
    Return what the texts name: ``X-Served-By``, ``$.lots[*].age`` or ``/took \d+ ms/``.

    Raises ValueError with a sentence for a text that is none of these.
    """
    headers, paths, regexes = set(), [], []
    for text in given:
        if len(text) > 2 and text[0] == text[-1] == "/":
            regexes.append(_regex(text))
        elif text.startswith("$") and _JSON_PATH.fullmatch(text):
            paths.append(tuple(key or index for key, index in _STEP.findall(text)))
        elif not text.startswith("$") and _HEADER.fullmatch(text):
            headers.add(text.lower())
        else:
            raise ValueError(
                'Expected a header, a JSON path such as "$.lots[*].age" or a regex between '
                f'slashes, got "{text}".'
            )
    return Ignored(headers=frozenset(headers), json_paths=tuple(paths), regexes=tuple(regexes))


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text[1:-1])
    except re.error as error:
        raise ValueError(f'"{text}" is not a regular expression: {error}.') from error


def _matches(pattern: tuple[str, ...], path: tuple[Step, ...]) -> bool:
    return len(pattern) <= len(path) and all(
        wanted in (ANY, str(step)) for wanted, step in zip(pattern, path, strict=False)
    )
