"""Which of a project's files are worth a reload when they change."""

from dataclasses import dataclass
from pathlib import Path

# Code, templates, translations, and what settings are commonly read from.
CODE = (".py", ".html", ".jinja", ".jinja2", ".j2", ".mo", ".graphql")
SETTINGS = (".env", ".toml", ".yaml", ".yml", ".ini", ".cfg")
SUFFIXES = frozenset({*CODE, *SETTINGS})
# Django finds a template below these by any name.
TEMPLATES = frozenset({"templates", "jinja2"})
NEVER = frozenset({"__pycache__", "node_modules", "site-packages"})
# What editors and linters put beside a file while it is open.
TEMPORARY = ("flycheck_", "flymake_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The files below ``directory``, but for those below the ``ignored`` paths; all absolute."""

    directory: Path
    ignored: tuple[Path, ...] = ()

    def has(self, path: Path) -> bool:
        """Return whether a change of ``path`` may change what is served."""
        if any(path.is_relative_to(each) for each in self.ignored if self._is_below(each)):
            return False
        *above, name = path.relative_to(self.directory).parts or ("",)
        # A hidden directory holds a tool's own files, and a hidden file an editor's.
        if any(part in NEVER or part.startswith(".") for part in above):
            return False
        if name.startswith(".") or name.startswith(TEMPORARY) or name.endswith("~"):
            return name == ".env" or name.startswith(".env.")
        return path.suffix in SUFFIXES or (bool(path.suffix) and not TEMPLATES.isdisjoint(above))

    def _is_below(self, path: Path) -> bool:
        # A MEDIA_ROOT that is the project itself, or above it, can't be kept apart from the code.
        return path != self.directory and path.is_relative_to(self.directory)
