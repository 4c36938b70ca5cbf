"""Several rendered edges as one nginx.conf: each keeps its server block, and all share the rest."""

import re
from collections.abc import Iterator, Sequence

HTTP = "\nhttp {\n"
# One statement of the http block, or one block in it, by the indentation of the templates.
ITEM = re.compile(r"^ {4}(?=[^ #}\n]).*?(?:;|\{\n.*?^ {4}\})$", re.MULTILINE | re.DOTALL)
# What has a name in the http block, which no two may have.
NAMED = re.compile(
    r" {4}(?:(?:map|geo|split_clients) .*?\$(\w+) \{\n|(?:log_format|upstream) (\w+))"
)


def merged(confs: Sequence[str]) -> str:
    """
    Return one nginx.conf with the server blocks of all.

    NGINX takes most of its start for maps, of which a URLconf changes few. Those that differ, and
    those that read them, get a number behind their names; what is the same in all is there once.
    """
    first, *others = confs
    if not others:
        return first
    head = first.partition(HTTP)[0]
    assert all(each.partition(HTTP)[0] == head for each in others)
    every = [ITEM.findall(each.partition(HTTP)[2]) for each in confs]
    shared, names = _shared(every)
    kept = [item for item in every[0] if item in shared]
    own = [
        item
        for number, items in enumerate(every)
        for item in _own(number, [each for each in items if each not in shared], names)
    ]
    return "\n".join([f"{head}{HTTP}", *kept, *own, "}\n"])


def _shared(every: Sequence[Sequence[str]]) -> tuple[set[str], set[str]]:
    """Return the items that mean the same in all, and the names of the others."""
    shared = set.intersection(*map(set, every))
    while True:
        names = {_name(item) for items in every for item in items if item not in shared} - {""}
        reading = {item for item in shared if names and _of(names).search(item)}
        if not reading:
            return shared, names
        shared -= reading


def _name(item: str) -> str:
    found = NAMED.match(item)
    return (found[1] or found[2]) if found else ""


def _of(names: set[str]) -> re.Pattern[str]:
    # A location may have the name of a variable, after an @.
    return re.compile(rf"(?<![\w@])(?:{'|'.join(map(re.escape, sorted(names)))})\b")


def _own(number: int, items: Sequence[str], names: set[str]) -> Iterator[str]:
    """Yield the items of one edge; any other statement of the http block moves to its server."""
    renamed = [_of(names).sub(rf"\g<0>_{number}", each) for each in items]
    servers = [each for each in renamed if each.startswith("    server {\n")]
    statements = [each for each in renamed if each not in servers and not _name(each)]
    yield from (each for each in renamed if _name(each))
    opened = "\n".join(["    server {", *statements, ""])
    yield from (each.replace("    server {\n", opened, 1) for each in servers)
