"""
What the handler takes from the inside of Django and asgiref, and how that reads when it was read.

`python -m handler.fingerprints` in tests/ adds those of the installed versions. Read first what
has changed, and whether the handler still holds: the middleware's hooks in table.py and
conditions.py, all else in internals.py, chain.py and view.py.
"""

import ast
import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asgiref
import django

from django_tandem.handler.table import DECLARATIONS

FILE = Path(__file__).with_name("fingerprints.json")

HANDLER = "django.core.handlers.base.BaseHandler"
ASGI = "django.core.handlers.asgi.ASGIHandler"
TAKEN = (
    *(
        f"{HANDLER}.{name}"
        for name in (
            "load_middleware",
            "adapt_method_mode",
            "_get_response",
            "_get_response_async",
            "get_response_async",
            "resolve_request",
            "check_response",
            "make_view_atomic",
            "process_exception_by_middleware",
        )
    ),
    *(
        f"{ASGI}.{name}"
        for name in (
            "__init__",
            "__call__",
            "handle",
            "listen_for_disconnect",
            "run_get_response",
            "read_body",
            "create_request",
            "send_response",
            "chunk_bytes",
        )
    ),
    "django.core.handlers.asgi.ASGIRequest.close",
    "django.core.handlers.base.reset_urlconf",
    "django.core.handlers.exception.convert_exception_to_response",
    "django.core.cache.close_caches",
    "django.contrib.messages.storage.base.BaseStorage",
    "django.contrib.sessions.backends.base.SessionBase",
    "django.contrib.sites.models.SiteManager",
    "django.db.close_old_connections",
    "django.db.reset_queries",
    "django.dispatch.dispatcher.Signal._live_receivers",
    "django.dispatch.dispatcher.Signal.asend",
    "django.http.request.HttpRequest.close",
    "django.http.response.HttpResponseBase.close",
    "django.utils.connection.BaseConnectionHandler",
    "django.utils.deprecation.MiddlewareMixin",
    *DECLARATIONS,
    "asgiref.current_thread_executor.CurrentThreadExecutor.submit",
    "asgiref.sync.AsyncToSync.__call__",
    "asgiref.sync.SyncToAsync.__call__",
    "asgiref.sync.SyncToAsync.thread_handler",
    "asgiref.sync.ThreadSensitiveContext",
)


def fingerprint(dotted: str) -> str | None:
    """Return what the source comes to, but for comments and docstrings; None without a source."""
    module, names = _module_of(dotted)
    if module is None:
        return None
    # Not imported: models are of apps that are not installed here.
    source = Path(module).read_text()
    node: Any = ast.parse(source)
    for name in names:
        node = next((each for each in node.body if getattr(each, "name", "") == name), None)
        if node is None:
            return None
    skipped = {line for inner in ast.walk(node) for line in _docstring(inner)}
    lines = enumerate(source.splitlines(), start=1)
    own = [
        line.strip()
        for at, line in lines
        if node.lineno <= at <= node.end_lineno and at not in skipped
    ]
    kept = [line for line in own if line and not line.startswith("#")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def _module_of(dotted: str) -> tuple[str | None, list[str]]:
    parts = dotted.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            spec = find_spec(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        if spec is not None:
            return spec.origin, parts[count:]
    return None, []


def _docstring(node: ast.AST) -> range:
    match node:
        case (
            ast.ClassDef(body=[ast.Expr(value=ast.Constant(value=str())) as text, *_])
            | ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str())) as text, *_])
            | ast.AsyncFunctionDef(body=[ast.Expr(value=ast.Constant(value=str())) as text, *_])
        ):
            return range(text.lineno, (text.end_lineno or text.lineno) + 1)
    return range(0)


def known() -> dict[str, dict[str, str]]:
    """Return the fingerprints by what they are of, each with the version it was first seen in."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def main() -> None:
    """Add what the installed versions have."""
    found = known()
    for dotted in TAKEN:
        version = asgiref.__version__ if dotted.startswith("asgiref") else django.get_version()
        seen = fingerprint(dotted)
        if seen is not None:
            found.setdefault(dotted, {}).setdefault(seen, version)
    FILE.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
