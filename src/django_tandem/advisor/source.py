"""The source of a view → what must change in it before it can be awaited; nothing is imported."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath

from django_tandem import syntax
from django_tandem.advisor.code import Change, Framework, RouteCode
from django_tandem.advisor.known_calls import (
    BLOCKING,
    ORM,
    QUERYSETS,
    RENAMED,
    SYNC_DECORATORS,
    SYNC_ONLY,
    UNCHANGED_DECORATORS,
)
from django_tandem.model import Project, Protocol, Stack, Verdict

# How many calls away from the view's own code is read.
CALLS = 3
# A view in which more must change is not converted by a list.
MOST_CHANGES = 20
BY_PACKAGE = {
    "adrf": Framework.ADRF,
    "rest_framework": Framework.REST,
    "graphene_django": Framework.GRAPHENE,
}
FRAMEWORK_CHANGES = {
    Framework.REST: "Take the class or decorator from adrf, not rest_framework, and make its "
    "handlers async; serializers, permissions and renderers stay.",
    Framework.GRAPHENE: "Graphene's view is synchronous: serve the schema by Strawberry's "
    "AsyncGraphQLView, with async resolvers.",
}

# Directories in which an installer puts packages of others.
PACKAGES = frozenset({"site-packages", "dist-packages"})
OF_A_PACKAGE = "The view is of another package: use its async variant, if it has one."

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A parsed file: ``names`` are the dotted paths of its imports and of its global objects."""

    path: Path
    shown: str
    names: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)

    def dotted(self, node: ast.expr) -> str:
        """Return the dotted path of an expression such as ``requests.get``; empty for others."""
        match node:
            case ast.Name(id=name):
                return self.names.get(name, name)
            case ast.Attribute(value=value, attr=name):
                inner = self.dotted(value)
                return f"{inner}.{name}" if inner else ""
            case ast.Call(func=function):
                # What a method of a client or a queryset is called on.
                return self.dotted(function)
            case ast.Subscript(value=value):
                return self.dotted(value)
        return ""

    def at(self, node: ast.AST) -> str:
        """Return the place of a node."""
        return f"{self.shown}:{getattr(node, 'lineno', 0)}"


def read_code(verdict: Verdict, project: Project, *, atomic: Iterable[str] = ()) -> RouteCode:
    """
    Return what the code of a route shows; ``atomic`` are the databases with ATOMIC_REQUESTS.

    Its view's file is parsed, and those of the project with functions that it calls.
    """
    route, view = verdict.route, verdict.route.view
    module, found = _find(view.dotted, view.source, project.directory)
    framework = _framework(view.dotted, module, found)
    changes = [] if module is None or found is None else _changes(module, found, project.directory)
    return RouteCode(
        view=view.dotted,
        source=view.source or "",
        reason=verdict.reason,
        is_async=view.is_coroutine,
        is_websocket=route.protocol is Protocol.WEBSOCKET,
        is_stream=view.is_event_stream,
        is_pinned=verdict.pin is not None or view.mark is not None,
        is_read=found is not None,
        framework=framework,
        changes=(
            *_first_changes(verdict, framework),
            *changes[:MOST_CHANGES],
            *_project_changes(project, atomic, is_async=view.is_coroutine),
        ),
    )


def _first_changes(verdict: Verdict, framework: Framework) -> Iterator[Change]:
    view = verdict.route.view
    place = view.source or ""
    if view.is_coroutine:
        if verdict.stack is Stack.WSGI:
            yield Change(text=f"Remove what keeps it on WSGI: {verdict.reason}.", place=place)
        return
    if view.wrapper:
        yield Change(
            text="A synchronous wrapper hides the async view: make it async.", place=view.wrapper
        )
        return
    text = OF_A_PACKAGE if _is_packaged(place) else "Make the view async."
    yield Change(text=FRAMEWORK_CHANGES.get(framework, text), place=place)


def _project_changes(
    project: Project, atomic: Iterable[str], *, is_async: bool
) -> Iterator[Change]:
    for alias in atomic:
        if not is_async:
            using = "" if alias == "default" else f'(using="{alias}")'
            yield Change(
                text=f'DATABASES["{alias}"]["ATOMIC_REQUESTS"] is True, and an async view has no '
                f"transaction: decorate it with @transaction.non_atomic_requests{using}."
            )
    for each in project.middleware:
        if each.is_sync_only:
            yield Change(
                text=f"The middleware {each.dotted} has no async mode, and holds a thread until "
                "the view returns."
            )
        elif each.thread_switches:
            yield Change(
                text=f"The middleware {each.dotted} switches to a thread for each request on ASGI: "
                f"{each.why}."
            )


# The files


def _find(
    dotted: str, source: str | None, directory: str
) -> tuple[Module | None, Definition | None]:
    path = (source or "").rpartition(":")[0] or source
    # A package of others is not the project's to change.
    if not path or not path.endswith(".py") or _is_packaged(path):
        return None, None
    module = _parsed(str(Path(directory, path)), directory)
    if module is None:
        return None, None
    return module, module.definitions.get(dotted.rpartition(".")[2])


def _is_packaged(path: str) -> bool:
    return not PACKAGES.isdisjoint(PurePath(path).parts)


@lru_cache(maxsize=512)
def _parsed(file: str, directory: str) -> Module | None:
    path = Path(file)
    try:
        tree = syntax.parse(path.read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return None
    shown = str(path.relative_to(directory)) if path.is_relative_to(directory) else file
    module = Module(path=path, shown=shown)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.names.update(_imported(node, _package_of(path, directory)))
    for statement in tree.body:
        if isinstance(statement, Definition):
            module.definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            # A client that the module has made, such as requests.Session().
            made = module.dotted(statement.value)
            targets = [each.id for each in statement.targets if isinstance(each, ast.Name)]
            module.names.update(dict.fromkeys(targets, made))
    return module


def _imported(node: ast.Import | ast.ImportFrom, package: list[str]) -> dict[str, str]:
    if isinstance(node, ast.Import):
        # `import urllib.request` binds its first part.
        return {
            each.asname or each.name.partition(".")[0]: each.name
            if each.asname
            else each.name.partition(".")[0]
            for each in node.names
        }
    base = package[: len(package) - node.level + 1] if node.level else []
    origin = ".".join([*base, *([node.module] if node.module else [])])
    return {each.asname or each.name: f"{origin}.{each.name}" for each in node.names}


def _package_of(path: Path, directory: str) -> list[str]:
    if not path.is_relative_to(directory):
        return []
    return list(path.relative_to(directory).parent.parts)


@lru_cache(maxsize=8192)
def _elsewhere(dotted: str, directory: str) -> tuple[Module, Definition] | None:
    """Return the function or class of the project that ``dotted`` names."""
    origin, _, name = dotted.rpartition(".")
    if not origin:
        return None
    place = Path(directory, *origin.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            module = _parsed(str(file), directory)
            found = module.definitions.get(name) if module else None
            return (module, found) if module and found else None
    return None


# The view


def _framework(dotted: str, module: Module | None, found: Definition | None) -> Framework:
    names = [dotted]
    if module is not None and found is not None:
        bases = found.bases if isinstance(found, ast.ClassDef) else []
        names += [module.dotted(each) for each in (*found.decorator_list, *bases)]
    for name in names:
        framework = BY_PACKAGE.get(name.partition(".")[0])
        if framework:
            return framework
    return Framework.DJANGO if found is not None else Framework.OTHER


def _changes(module: Module, view: Definition, directory: str) -> list[Change]:
    changes: dict[Change, None] = {}
    for decorator in view.decorator_list:
        changes.update(dict.fromkeys(_of_decorator(module, decorator)))
    for where, definition in _reached(module, view, directory):
        for node in ast.walk(definition):
            changes.update(dict.fromkeys(_of_node(where, node)))
    return list(changes)


def _reached(
    module: Module, view: Definition, directory: str
) -> Iterator[tuple[Module, Definition]]:
    """Yield the view, and what it calls in the files of the project."""
    waiting, seen = [(module, view, 0)], set[tuple[str, str]]()
    while waiting:
        where, definition, calls = waiting.pop(0)
        if (where.shown, definition.name) in seen:
            continue
        seen.add((where.shown, definition.name))
        yield where, definition
        if calls < CALLS:
            waiting += [(*each, calls + 1) for each in _called(where, definition, directory)]


def _called(
    module: Module, definition: Definition, directory: str
) -> Iterator[tuple[Module, Definition]]:
    for node in ast.walk(definition):
        # Bases and serializers of the project, and functions that are passed on, count as called.
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        name = module.dotted(node)
        own = module.definitions.get(name)
        if own is not None:
            yield module, own
        elif (found := _elsewhere(name, directory)) is not None:
            yield found


def _of_decorator(module: Module, node: ast.expr) -> Iterator[Change]:
    name = module.dotted(node)
    if name in SYNC_DECORATORS:
        yield Change(
            text=f"@{name} is for synchronous views: {SYNC_DECORATORS[name]}", place=module.at(node)
        )
    elif name and not name.startswith(UNCHANGED_DECORATORS):
        yield Change(text=f"The decorator @{name} must await the view.", place=module.at(node))


def _of_node(module: Module, node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Call):
        yield from _of_call(module, node)
    elif isinstance(node, ast.For) and _is_query(module, node.iter):
        yield Change(text="for over a queryset: async for", place=module.at(node))


def _of_call(module: Module, call: ast.Call) -> Iterator[Change]:
    name, place = module.dotted(call.func), module.at(call)
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        # A method of what a call has returned: that call is the one to replace.
        name = ""
    blocking = next((prefix for prefix in BLOCKING if _begins(name, prefix)), None)
    if blocking:
        yield Change(text=f"{name}() blocks: {BLOCKING[blocking]}", place=place, blocks=True)
    elif name in SYNC_ONLY:
        last = name.rpartition(".")[2]
        yield Change(
            text=f"{last}() has no async form: call its function by sync_to_async", place=place
        )
    elif name in RENAMED:
        yield Change(text=f"{name.rpartition('.')[2]}(): await {RENAMED[name]}()", place=place)
    elif isinstance(call.func, ast.Attribute) and call.func.attr in ORM:
        if _is_query(module, call.func.value):
            yield Change(text=f".{call.func.attr}(): await .a{call.func.attr}()", place=place)
    elif name in ("list", "tuple", "set") and call.args and _is_query(module, call.args[0]):
        yield Change(text=f"{name}() of a queryset: [each async for each in …]", place=place)


def _begins(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _is_query(module: Module, node: ast.expr) -> bool:
    return not QUERYSETS.isdisjoint(module.dotted(node).split("."))
