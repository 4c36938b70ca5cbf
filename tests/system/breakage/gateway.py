"""Breakages of the rules lowered for a gateway, and of the stacks behind it."""

from breakage.mutant import Mutant

ORACLE = "tests/system/gateway/test_lowered.py::test_no_path_of_asgi_is_sent_to_wsgi"
LOWERING = "tests/unit/render/kubernetes/test_lowering.py"
FIRST_MATCH = "tests/unit/render/kubernetes/test_first_match.py"
PATHS = "tests/unit/render/kubernetes/test_gateway_path.py"
ROUTES = "tests/unit/render/kubernetes/test_routes.py"
BEHIND = "tests/unit/inprocess/test_direct_gateway.py"

MUTANTS = (
    Mutant(
        name="a prefix that ends within a segment",
        file="render/kubernetes/gateway_path.py",
        old='path=text.rpartition("/")[0] or "/", is_prefix=True)',
        new='path=text.rstrip("/") or "/", is_prefix=True)',
        tests=(ORACLE,),
    ),
    Mutant(
        name="a path with characters that clients encode as they like",
        file="render/kubernetes/gateway_path.py",
        old='"[A-Za-z0-9._~/-]*"',
        new='"[^%]*"',
        tests=(ORACLE, PATHS),
    ),
    Mutant(
        name="slashes and dots that gateways normalize",
        file="render/kubernetes/gateway_path.py",
        old="    normalized = _NORMALIZED.search(found)\n",
        new="    normalized = None\n",
        tests=(PATHS,),
    ),
    Mutant(
        name="a repeat that ends after its first round",
        file="project/regex/prefixes.py",
        old="if most == 1 else _closed(_sequence(items), _End.CUT)",
        new="if most == 1 else _sequence(items)",
        tests=(ORACLE,),
    ),
    Mutant(
        name="something optional that is always there",
        file="project/regex/prefixes.py",
        old="return once if least else _distinct([*_EMPTY, *once])",
        new="return once",
        tests=(ORACLE,),
    ),
    Mutant(
        name="a path that stays WSGI's behind a pattern for ASGI",
        file="render/kubernetes/lowering.py",
        old="rule.match.literal is not None and not _may_be_asgi(known, path)",
        new="rule.match.literal is not None",
        tests=(ORACLE,),
    ),
    Mutant(
        name="a prefix of WSGI that a pattern for ASGI precedes",
        file="render/kubernetes/first_match.py",
        old="            if earlier.stack is Stack.ASGI\n            for prefix",
        new="            if earlier.stack is Stack.WSGI\n            for prefix",
        tests=(FIRST_MATCH, LOWERING),
    ),
    Mutant(
        name="an inexact pattern that decides",
        file="render/kubernetes/first_match.py",
        old="if matches and not rule.match.why_inexact:",
        new="if matches:",
        tests=(ORACLE, FIRST_MATCH),
    ),
    Mutant(
        name="an inexact prefix that is all WSGI's",
        file="render/kubernetes/first_match.py",
        old="match.literal is None and not match.why_inexact",
        new="match.literal is None",
        tests=(ORACLE,),
    ),
    Mutant(
        name="a branch that is not followed left to WSGI",
        file="routing/table.py",
        old="    return Stack.ASGI if is_unknown else verdict.stack\n",
        new="    return verdict.stack\n",
        tests=(ORACLE,),
    ),
    Mutant(
        name="merged paths that are dropped",
        file="render/kubernetes/lowering.py",
        old="paths = {wide, *(path for path in paths if not wide.covers(path))}",
        new="paths = {path for path in paths if not wide.covers(path)}",
        tests=(LOWERING,),
    ),
    Mutant(
        name="a WebSocket sent to WSGI on an exact path",
        file="render/kubernetes/lowering.py",
        old="            if path in wsgi:\n                yield from",
        new="            if path == EVERYTHING:\n                yield from",
        tests=(LOWERING,),
    ),
    Mutant(
        name="the edge's headers kept from a gateway",
        file="inprocess/direct_gateway.py",
        old="        for key in _KEYS:\n            environ.pop(key, None)\n",
        new="",
        tests=(BEHIND,),
    ),
    Mutant(
        name="the edge's headers kept from a gateway on ASGI",
        file="inprocess/direct_gateway.py",
        old="if pair[0].lower() not in _NAMES]",
        new="]",
        tests=(BEHIND,),
    ),
    Mutant(
        name="the migrations for any client below a script name",
        file="inprocess/direct_gateway.py",
        old='if environ.get("PATH_INFO") == MIGRATIONS_PATH and',
        new="if raw_target_of_environ(environ) == MIGRATIONS_PATH.encode() and",
        tests=(f"{BEHIND}::test_no_script_name_leads_to_the_migrations",),
    ),
    Mutant(
        name="a redirect to another host",
        file="inprocess/direct_gateway.py",
        old="str(escape_leading_slashes(quote(decoded + mark + query, safe=QUERY_SAFE)))",
        new="quote(decoded + mark + query, safe=QUERY_SAFE)",
        tests=(BEHIND,),
    ),
    Mutant(
        name="pods behind a gateway with a secret",
        file="render/kubernetes/application.py",
        old="return not (self.has_tls or self.is_direct)",
        new="return not self.has_tls",
        tests=(f"{ROUTES}::test_the_pods_have_no_secret_and_trust_no_edge",),
    ),
)
