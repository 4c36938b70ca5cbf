"""How the thread hops of a request on ASGI are shown: how many, who forces them, what to do."""

from collections.abc import Iterable

from django_tandem.cli import console
from django_tandem.model import Middleware, Plan, Project, Protocol, Stack, Verdict
from django_tandem.project.middleware import STOCK_HANDLERS_HOPS, hops


def row(verdict: Verdict, project: Project) -> dict[str, object]:
    """Return what `--json` says of one route; nothing takes a hop but plain HTTP on ASGI."""
    if not _is_concerned(verdict):
        return {"hops": None, "middleware": []}
    behind = project.middleware if verdict.route.by_django else ()
    forcing = [
        {"middleware": each.dotted, "hops": each.hops, "why": each.why}
        for each in behind
        if each.hops
    ]
    taken = hops(verdict.route, behind, is_stock=project.has_stock_handler)
    return {"hops": taken, "middleware": forcing}


def show(plan: Plan) -> None:
    """Print the hops of the project's middleware, when a route on ASGI goes through it."""
    concerned = [each for each in plan.verdicts if _is_concerned(each) and each.route.by_django]
    if concerned:
        console.line_out("")
        for line in (_told(concerned, plan.project), *advice(plan.project.middleware)):
            console.line_out(line)


def advice(middleware: Iterable[Middleware]) -> list[str]:
    """Return what can be done about the hops that ``middleware`` forces, a sentence each."""
    forcing = [each for each in middleware if each.hops or each.is_sync_only]
    said = []
    if stuck := [each.dotted for each in forcing if each.is_sync_only]:
        said.append(
            "Without an async mode, so that each request holds a thread until its view is done: "
            f"{', '.join(stuck)}. Give it one: @sync_and_async_middleware, from "
            "django.utils.decorators."
        )
    if own := [each for each in forcing if not each.is_sync_only and not _is_stock(each)]:
        named = ", ".join(f"{each.dotted} ({each.why})" for each in own)
        said.append(f"With synchronous methods: {named}. Write it as an async function: no hop.")
    if any(map(_is_stock, forcing)):
        said.append(
            "Django's own are synchronous inside: leave out of MIDDLEWARE what no route needs."
        )
    return said


def _is_concerned(verdict: Verdict) -> bool:
    return verdict.stack is Stack.ASGI and verdict.route.protocol is Protocol.HTTP


def _told(concerned: list[Verdict], project: Project) -> str:
    shares = [(_name(each), each.hops) for each in project.middleware if each.hops]
    handler = ""
    if project.has_stock_handler:
        shares.append(("Django itself", STOCK_HANDLERS_HOPS))
        handler = " with Django's own handler (see W009)"
    total = sum(share for _, share in shares)
    listed = ": " + ", ".join(f"{name} {share}" for name, share in shares) if shares else ""
    is_sync = any(not each.route.view.is_coroutine for each in concerned)
    more = " A synchronous view takes one more." if is_sync else ""
    hops_taken = f"{total or 'no'} thread hop{'' if total == 1 else 's'}"
    return f"Each request on ASGI takes {hops_taken}{handler}{listed}.{more}"


def _name(middleware: Middleware) -> str:
    return middleware.dotted.rpartition(".")[2] if _is_stock(middleware) else middleware.dotted


def _is_stock(middleware: Middleware) -> bool:
    return middleware.dotted.startswith("django.")
