"""A page read back: elements, what they hold, and a complaint where they don't close."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = ("meta", "br")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    inside: list["Element | str"] = field(default_factory=list)

    def all(self, tag: str = "", cls: str = "") -> "list[Element]":
        """Every element in it, or those of that tag and class, in their order."""
        return [
            each
            for each in self._walk()
            if tag in ("", each.tag) and (not cls or cls in each.classes)
        ]

    def one(self, tag: str = "", cls: str = "") -> "Element":
        (found,) = self.all(tag, cls)
        return found

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """What is read of it, with each run of blanks as one."""
        parts = (each if isinstance(each, str) else f" {each.text} " for each in self.inside)
        return " ".join("".join(parts).split())

    def _walk(self) -> "Iterator[Element]":
        for each in self.inside:
            if isinstance(each, Element):
                yield each
                yield from each._walk()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        self.open[-1].inside.append(data)


def read(text: str) -> Element:
    """Read a page; each element must end where it ought to."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    (root,) = reader.open
    return root


def lines(table: Element) -> list[list[str]]:
    """What each line of a table says, cell by cell, without its heading."""
    return [
        [cell.text for cell in row.inside if isinstance(cell, Element)]
        for row in table.one("tbody").all("tr")
    ]
