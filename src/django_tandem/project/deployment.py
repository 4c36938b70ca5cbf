"""What a deployment needs to know of a project: packages, variables, databases, directories."""

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_tandem import syntax
from django_tandem.model import Database, Packaging, Variable

# The first that exists is read. A lock file has exact versions.
CANDIDATES: tuple[tuple[str, ...], ...] = (
    ("uv.lock", "pyproject.toml"),
    ("poetry.lock", "pyproject.toml"),
    ("pdm.lock", "pyproject.toml"),
    ("Pipfile.lock", "Pipfile"),
    ("requirements.txt",),
    ("requirements/production.txt",),
    ("pyproject.toml",),
)
# A project in src/ or backend/ may have them above.
INCLUDE_LEVELS = 3
_INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)
_PINNED = re.compile(r"(\d+\.\d+)(?:\.\d+)?\s*")


def read_packaging(directory: Path) -> Packaging | None:
    """Return the files of the project in ``directory``; None where there are none of those."""
    for root in (directory, *directory.parents)[:INCLUDE_LEVELS]:
        for files in CANDIDATES:
            if all((root / name).is_file() for name in files):
                named = dict.fromkeys((*files, *_included(root, files[0])))
                return Packaging(root=str(root), files=tuple(named), python=_python(root))
        if (root / ".git").exists():
            break
    return None


def _included(root: Path, first: str) -> tuple[str, ...]:
    """Return the files below ``root`` that the requirements ``first`` include, itself too."""
    found = [first]
    for name in found if first.endswith(".txt") else ():
        file = root / name
        for named in _INCLUDED.findall(file.read_text()):
            target = Path(os.path.relpath(file.parent / named, root))
            if (root / target).is_file() and ".." not in target.parts and str(target) not in found:
                found.append(str(target))
    return tuple(found)


def _python(root: Path) -> str:
    """Return the version in .python-version, else that of this interpreter."""
    try:
        pinned = _PINNED.fullmatch((root / ".python-version").read_text())
    except OSError:
        pinned = None
    return pinned[1] if pinned else f"{sys.version_info.major}.{sys.version_info.minor}"


VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# A call of these has no error for a variable that is not set.
OPTIONAL_READERS = frozenset({"os.environ.get", "environ.get", "os.getenv", "getenv"})
# Those of django-environ and environs, and of python-decouple.
REQUIRED_READERS = frozenset({"env", "config"})
MAPPINGS = frozenset({"os.environ", "environ"})


def read_variables(settings_module: str) -> tuple[Variable, ...]:
    """Return what ``settings_module`` and the settings modules that it imports read, by name."""
    found: dict[str, bool] = {}
    for tree in _trees(settings_module):
        own = _own_readers(tree)
        for variable in _variables(tree, own):
            found[variable.name] = found.get(variable.name, False) or variable.is_required
    return tuple(Variable(name=name, is_required=found[name]) for name in sorted(found))


def _trees(settings_module: str) -> Iterator[ast.Module]:
    package = settings_module.partition(".")[0]
    for name, module in sorted(sys.modules.items()):
        is_settings = name.startswith(f"{package}.") and "settings" in name
        file = getattr(module, "__file__", None)
        if file and (is_settings or name == settings_module):
            try:
                yield syntax.parse(Path(file).read_text())
            except (OSError, ValueError, SyntaxError):
                # It may be compiled code, whose text is elsewhere.
                continue


def _own_readers(tree: ast.Module) -> frozenset[str]:
    """Return the module's functions that read the variable which their first argument names."""
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.args.args and _reads_first_argument(node)
    )


def _reads_first_argument(function: ast.FunctionDef) -> bool:
    first = function.args.args[0].arg
    return any(
        isinstance(argument, ast.Name) and argument.id == first
        for argument, _ in _reads(ast.walk(function), frozenset())
    )


def _variables(tree: ast.Module, own: frozenset[str]) -> Iterator[Variable]:
    for argument, is_required in _reads(ast.walk(tree), own):
        named = argument.value if isinstance(argument, ast.Constant) else None
        if isinstance(named, str) and VARIABLE_NAME.fullmatch(named):
            yield Variable(name=named, is_required=is_required)


def _reads(nodes: Iterable[ast.AST], own: frozenset[str]) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the argument of each read of the environment, and whether the variable must be set."""
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if ast.unparse(node.value) in MAPPINGS:
                yield node.slice, True
        elif isinstance(node, ast.Call) and node.args:
            reader = ast.unparse(node.func)
            is_env = reader in REQUIRED_READERS or reader.startswith("env.")
            if is_env or reader in OPTIONAL_READERS or reader in own:
                has_default = len(node.args) > 1 or bool(node.keywords)
                yield node.args[0], is_env and not has_default


# What Django puts where DATABASES has none.
NO_DATABASE = "django.db.backends.dummy"


def read_databases() -> tuple[Database, ...]:
    """Return those of DATABASES, without a connection to any of them."""
    return tuple(
        _read_database(alias, given)
        for alias, given in django_settings.DATABASES.items()
        if given.get("ENGINE", NO_DATABASE) != NO_DATABASE
    )


def atomic_databases() -> tuple[str, ...]:
    """Return the aliases of those with ATOMIC_REQUESTS."""
    databases = django_settings.DATABASES.items()
    return tuple(alias for alias, given in databases if given.get("ATOMIC_REQUESTS"))


def _read_database(alias: str, given: dict[str, Any]) -> Database:
    host = str(given.get("HOST") or "")
    return Database(
        alias=alias,
        vendor=_vendor(alias, str(given["ENGINE"])),
        # psycopg takes the directory of a socket for a host.
        host="" if host.startswith(("/", "@")) else host,
        name=str(given.get("NAME") or ""),
        user=str(given.get("USER") or ""),
    )


def _vendor(alias: str, engine: str) -> str:
    try:
        return str(connections[alias].vendor)
    except (ImproperlyConfigured, ImportError):
        # Its driver is not installed here.
        return engine.rpartition(".")[2]


# Where a database is a file.
SQLITE = frozenset({"sqlite3", "spatialite"})
FILE_CACHE = "django.core.cache.backends.filebased.FileBasedCache"
FILE_EMAIL = "django.core.mail.backends.filebased.EmailBackend"


def written_directories(project: Path) -> tuple[str, ...]:
    """Return the absolute paths, without those that are below another of them."""
    found = {Path(project, path).resolve() for path in _paths() if path}
    # A log may be /dev/stderr.
    own = {path for path in found if not path.is_relative_to("/dev")}
    return tuple(sorted(str(path) for path in own if own.isdisjoint(path.parents)))


def sqlite_file(database: Mapping[str, Any]) -> str | None:
    """Return the path of an SQLite database; None for a URI, one in memory or another engine."""
    name = str(database["NAME"])
    is_sqlite = database["ENGINE"].rpartition(".")[2] in SQLITE
    return name if is_sqlite and name and not name.startswith((":", "file:")) else None


def _paths() -> Iterator[Any]:
    yield django_settings.MEDIA_ROOT
    for database in connections.settings.values():
        # SQLite keeps its journal next to the file.
        if file := sqlite_file(database):
            yield Path(file).parent
    for cache in django_settings.CACHES.values():
        if cache.get("BACKEND") == FILE_CACHE:
            yield cache.get("LOCATION")
    yield django_settings.SESSION_FILE_PATH
    yield from _mail_paths()
    for handler in (django_settings.LOGGING or {}).get("handlers", {}).values():
        if file := handler.get("filename"):
            yield Path(file).parent


def _mail_paths() -> Iterator[Any]:
    for mailer in getattr(django_settings, "MAILERS", {}).values():
        if mailer.get("BACKEND") == FILE_EMAIL:
            yield mailer.get("OPTIONS", {}).get("file_path")
    # Since 6.1, Django warns for this setting, and raises for it where MAILERS is set.
    is_set = django_settings.is_overridden("EMAIL_BACKEND")
    if is_set and django_settings.EMAIL_BACKEND == FILE_EMAIL:
        yield django_settings.EMAIL_FILE_PATH


SECURITY_MIDDLEWARE = "django.middleware.security.SecurityMiddleware"


def security_headers() -> tuple[tuple[str, str], ...]:
    """Return names and values, but `nosniff`, which every file has; none without the middleware."""
    return tuple(_headers()) if SECURITY_MIDDLEWARE in settings.MIDDLEWARE else ()


def _headers() -> Iterator[tuple[str, str]]:
    if settings.SECURE_HSTS_SECONDS:
        subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        preload = "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        seconds = settings.SECURE_HSTS_SECONDS
        yield "Strict-Transport-Security", f"max-age={seconds}{subdomains}{preload}"
    if policy := settings.SECURE_REFERRER_POLICY:
        named = policy.split(",") if isinstance(policy, str) else policy
        yield "Referrer-Policy", ",".join(each.strip() for each in named)
    if settings.SECURE_CROSS_ORIGIN_OPENER_POLICY:
        yield "Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY
