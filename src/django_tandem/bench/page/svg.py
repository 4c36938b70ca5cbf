"""A plotted SVG document → an SVG element that may stand in a page, among others like it."""

import re
from xml.etree import ElementTree as ET

from markupsafe import Markup

from django_tandem.bench.page.colours import NAMES
from django_tandem.bench.page.telling import printable

_FONT = re.compile(r"font-family:[^;]*;?\s*")
_COLOUR = re.compile("|".join(NAMES))
_REFERENCE = re.compile(r"#(\w+)")
REFERRING = ("href", "clip-path")


def inline(document: str, *, name: str, title: str, description: str) -> Markup:
    """
    Return the drawing as an element whose ids all begin with ``name``.

    It is told by ``title`` and ``description`` to who can't see it, takes its colours and its
    font from the page, and names no address, not even a namespace's.
    """
    root = ET.fromstring(document)  # noqa: S314 - our own library wrote it
    for element in root.iter():
        _bare(element)
    for style in [each for each in root if each.find("style") is not None]:
        root.remove(style)
    _name_apart(root, name)
    _tell(root, name, title, description)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - escaped by ElementTree


def _bare(element: ET.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for key, value in list(element.attrib.items()):
        del element.attrib[key]
        plain = " ".join(value.split())
        if key == "style":
            plain = _COLOUR.sub(lambda found: NAMES[found[0]], _FONT.sub("", plain))
        element.set(key.rpartition("}")[2], plain)
    # What is between elements is layout alone, but in a text.
    if element.tag != "text":
        element.text = None
    element.tail = None


def _name_apart(root: ET.Element, name: str) -> None:
    """Keep the ids that something refers to, and tell them from those of other drawings."""
    values = (each.get(key, "") for each in root.iter() for key in REFERRING)
    used = {found for value in values for found in _REFERENCE.findall(value)}
    for element in root.iter():
        own = element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            if key in REFERRING:
                element.set(key, value.replace("#", f"#{name}-"))
        if own in used:
            element.set("id", f"{name}-{own}")


def _tell(root: ET.Element, name: str, title: str, description: str) -> None:
    view = root.get("viewBox", "")
    root.attrib.clear()
    ids = f"{name}-title {name}-desc"
    root.attrib.update({"viewBox": view, "role": "img", "aria-labelledby": ids})
    for place, (tag, text) in enumerate([("title", title), ("desc", description)]):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = printable(text)
        root.insert(place, element)
