"""Checks of what is installed: versions with known faults, and libraries that are missing."""

import contextlib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import PurePath

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from packaging.version import Version

from django_tandem import fingerprints
from django_tandem.checks.facts import Facts
from django_tandem.handler.internals import SOURCES
from django_tandem.servers import Launch
from django_tandem.servers.uvicorn import UVICORN

_DISTRIBUTIONS = ("daphne", "gunicorn")
_GUNICORN_ASGI = {"asgi", "gunicorn.workers.gasgi.ASGIWorker"}

# What each `--ws` of Uvicorn imports; any one of them will do.
_WS_NEEDS = {
    "auto": {"websockets", "wsproto"},
    "websockets": {"websockets"},
    "websockets-sansio": {"websockets"},
    "wsproto": {"wsproto"},
}


def daphne_is_safe(facts: Facts) -> Iterator[CheckMessage]:
    """Find a Daphne with known vulnerabilities that would serve the project."""
    is_server = facts.serves_asgi and facts.settings.asgi.server == "daphne"
    is_program = any(runs(each.command, "daphne") for _, each in facts.settings.programs)
    installed = facts.version_of("daphne")
    if not (is_server or is_program) or installed is None or installed >= Version("4.2.2"):
        return
    # A warning: a project may have to pin an older version, and serves with it.
    yield Warning(
        f"daphne {installed} is installed, and Daphne before 4.2.2 has two known "
        "vulnerabilities (CVEs 44545 and 44546).",
        hint='Run pip install "daphne>=4.2.2".',
        obj="daphne",
        id="tandem.W014",
    )


def handler_knows_the_packages(facts: Facts) -> Iterator[CheckMessage]:
    """Find a Django or asgiref that our ASGI handler was not written for."""
    is_wanted = facts.serves_http_on_asgi and facts.settings.asgi.handler != "django"
    if not is_wanted or not facts.unknown_packages:
        return
    installed = " and ".join(facts.unknown_packages)
    yield Warning(
        f"Django's own ASGI handler serves: the code of {installed} differs from the "
        "versions that django-tandem's handler was written for.",
        hint="Upgrade to the latest patch release, or accept Django's handler with "
        'TANDEM["ASGI"]["HANDLER"] = "django".',
        obj="django_tandem.asgi",
        id="tandem.W015",
    )


def gunicorn_does_not_leak(facts: Facts) -> Iterator[CheckMessage]:
    """Find a Gunicorn whose ASGI worker leaks database connections, where that worker is used."""
    installed = facts.version_of("gunicorn")
    if installed is None or not Version("25.1") <= installed < Version("26.1"):
        return
    for where, argv in _gunicorns(facts):
        if option_value(argv, "--worker-class", "-k") in _GUNICORN_ASGI:
            yield Error(
                f"{where} runs Gunicorn's ASGI worker, which leaks database connections "
                f"in gunicorn {installed} (its issue 3627, in 25.1 to 26.0).",
                hint='Run pip install "gunicorn>=26.1".',
                obj="gunicorn",
                id="tandem.E007",
            )


def _gunicorns(facts: Facts) -> Iterator[tuple[str, tuple[str, ...]]]:
    if facts.settings.wsgi.server == "gunicorn":
        yield 'TANDEM["WSGI"]["ARGS"]', facts.settings.wsgi.args
    if facts.serves_asgi and facts.settings.asgi.server == "gunicorn":
        yield 'TANDEM["ASGI"]["SERVER"]', ("--worker-class=asgi",)
    for name, program in facts.settings.programs:
        if runs(program.command, "gunicorn"):
            yield f'TANDEM["PROGRAMS"]["{name}"]', program.command


def uvicorn_speaks_websocket(facts: Facts) -> Iterator[CheckMessage]:
    """Find a Uvicorn without the library that it needs for the project's WebSockets."""
    is_server = facts.serves_asgi and facts.settings.asgi.server == "uvicorn"
    if not is_server or not facts.application.has_websocket:
        return
    chosen = _ws(facts)
    needed = _WS_NEEDS.get(chosen)
    if chosen == "none":
        problem = 'TANDEM["ASGI"]["ARGS"] has --ws none, so Uvicorn rejects every WebSocket'
        yield _no_websocket(problem, "Leave --ws out.")
    elif needed is not None and not needed & facts.importable:
        library = min(needed)
        problem = f"Uvicorn's --ws {chosen} needs the library {library}, which is not installed"
        yield _no_websocket(problem, f"Run pip install {library}.")


def _ws(facts: Facts) -> str:
    launch = Launch(
        python="",
        application="",
        socket="",
        workers=1,
        timeout_s=1,
        grace_s=1,
        args=facts.settings.asgi.args,
    )
    return option_value(UVICORN.argv(launch), "--ws") or "auto"


def _no_websocket(problem: str, hint: str) -> CheckMessage:
    return Error(
        f"{problem}, and the project has WebSockets.", hint=hint, obj="uvicorn", id="tandem.E008"
    )


def read_versions() -> Iterator[tuple[str, Version]]:
    """Yield each distribution with a known fault and its version, where it is installed."""
    for distribution in _DISTRIBUTIONS:
        with contextlib.suppress(PackageNotFoundError):
            yield distribution, Version(version(distribution))


def unknown_packages() -> tuple[str, ...]:
    """Return the packages, with versions, whose private code our ASGI handler does not know."""
    unknown = fingerprints.unknown_among(SOURCES)
    return tuple(sorted({fingerprints.installed_version(dotted) for dotted in unknown}))


def importable_libraries() -> frozenset[str]:
    """Return the WebSocket libraries that are installed."""
    return frozenset(name for name in ("websockets", "wsproto") if find_spec(name))


def runs(argv: Sequence[str], program: str) -> bool:
    """Return whether ``argv`` runs ``program``, by its path, by ``python -m``, or below another."""
    return any(PurePath(word).name == program for word in argv)


def option_value(argv: Sequence[str], long: str, short: str = "") -> str | None:
    """Return the value of an option, the last one given; None when it is not there."""
    found = None
    for word, following in zip(argv, [*argv, ""][1:], strict=True):
        if word in {long, short} and word:
            found = following
        elif word.startswith(f"{long}="):
            found = word.removeprefix(f"{long}=")
        elif short and word.startswith(short) and not word.startswith("--"):
            found = word.removeprefix(short)
    return found
