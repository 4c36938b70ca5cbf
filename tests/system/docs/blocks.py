"""The code blocks of a page, and the commands in those that show a terminal."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
# Decisions are kept as they were made, and hold no instructions.
PAGES = sorted(path for path in DOCS.rglob("*.md") if path.parent.name != "decisions")

_BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(?P<language>[\w-]+)\n"
    r"(?P<options>(?::\w+:[^\n]*\n)*)\n?(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_CAPTION = re.compile(r":caption: (.*)\n")
_ENDS_WITH = re.compile(r"\s+#.*\bexit code (\d+)$")
_ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)")
_APPENDED = ", at its end"


@dataclass(frozen=True)
class Command:
    """One line behind a ``$``, how it ends, and what the page shows of its output."""

    text: str
    shown: tuple[str, ...] = ()
    exit_code: int = 0

    @property
    def words(self) -> list[str]:
        """All of it but the variables set in front."""
        words = shlex.split(self.text)
        return words[len(self.environment) :]

    @property
    def environment(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for word in shlex.split(self.text):
            assigned = _ASSIGNMENT.fullmatch(word)
            if assigned is None:
                break
            found[assigned[1]] = assigned[2]
        return found


@dataclass(frozen=True)
class Block:
    """One fenced block; ``caption`` is a file's name, a terminal's, or empty."""

    page: Path
    line: int
    language: str
    caption: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(DOCS)}:{self.line}"

    @property
    def is_terminal(self) -> bool:
        return self.language == "console"

    @property
    def file(self) -> str:
        return "" if self.is_terminal else self.caption.removesuffix(_APPENDED)

    @property
    def is_appended(self) -> bool:
        return self.caption.endswith(_APPENDED)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def commands(self) -> list[Command]:
        """The commands of a terminal; what is shown before the first belongs to none."""
        return [_command(text, shown) for text, shown in self._typed() if text]

    def shown_first(self) -> tuple[str, ...]:
        """What the page shows before any command: more of what runs in that terminal."""
        return next((shown for text, shown in self._typed() if not text), ())

    def _typed(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        text, shown = "", []
        for line in self.lines:
            if line.startswith("$ "):
                if text or shown:
                    yield text, tuple(shown)
                text, shown = line.removeprefix("$ "), []
            else:
                shown.append(line)
        yield text, tuple(shown)


def _command(text: str, shown: tuple[str, ...]) -> Command:
    ends = _ENDS_WITH.search(text)
    return Command(
        text=_ENDS_WITH.sub("", text), shown=shown, exit_code=int(ends[1]) if ends else 0
    )


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in their order."""
    text = page.read_text()
    return [
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            caption=_caption(found["options"]),
            text=found["text"],
        )
        for found in _BLOCK.finditer(text)
    ]


def _caption(options: str) -> str:
    found = _CAPTION.search(options)
    return found[1] if found else ""


def every_block(*languages: str) -> list[Block]:
    """The blocks in these languages, of all pages."""
    return [each for page in PAGES for each in blocks(page) if each.language in languages]
