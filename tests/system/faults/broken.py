"""Broken deploys: each is refused, and no request fails."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load, untouched
from faults.site_up import Site, site, tandem_of

REFUSED = 1
MISTAKEN = 2
# Only inside a server: `tandem reload` itself imports parts of the project.
IN_SERVER = 'import os\nif "TANDEM_GENERATION" in os.environ:\n    {}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """How a deploy is broken, the exit code that refuses it, and the options of the reload."""

    name: str
    do: Callable[[Site], None]
    exit_code: int = REFUSED
    args: tuple[str, ...] = ()


def prepend(name: str, text: str) -> Callable[[Site], None]:
    """Have a file of the site begin with ``text``."""
    return lambda site: site.write(name, text + (site.package / name).read_text())


def bad_edge(site: Site) -> None:
    """Have the edge include what NGINX refuses."""
    (site.directory / "bad.conf").write_text("no_such_directive on;\n")
    site.configure(**tandem_of(), EDGE={"INCLUDE": "bad.conf"})


BREAKS = (
    # What the plan itself is made from is wrong before a server is started.
    Break(name="syntax", do=prepend("version.py", "VERSION = (\n"), exit_code=MISTAKEN),
    Break(name="import-in-wsgi", do=prepend("wsgi.py", IN_SERVER.format("import no_such_module"))),
    Break(name="import-in-asgi", do=prepend("asgi.py", IN_SERVER.format("import no_such_module"))),
    Break(name="wsgi-dies", do=prepend("wsgi.py", IN_SERVER.format("os._exit(3)"))),
    Break(name="asgi-dies", do=prepend("asgi.py", IN_SERVER.format("os._exit(3)"))),
    Break(
        name="never-answers",
        do=prepend("wsgi.py", IN_SERVER.format("__import__('time').sleep(600)")),
        args=("--timeout", "5"),
    ),
    Break(name="edge-include", do=bad_edge),
    Break(
        name="settings",
        do=lambda site: site.configure(**tandem_of(), WROKERS=1),
        exit_code=MISTAKEN,
    ),
    Break(
        name="settings-raise",
        do=prepend("settings.py", "raise RuntimeError('broken')\n"),
        exit_code=MISTAKEN,
    ),
)


async def deploy(broken: Break, *, rate: float = 100, sockets: int = 50) -> Row:
    """Reload with a broken deploy under load, then with a sound one when the load has ended."""
    with site() as running:
        async with under_load(running, rate=rate, sockets=sockets) as scene:
            sound = _read(running)
            running.deploy(1)
            broken.do(running)
            done = await asyncio.to_thread(running.tandem, "reload", *broken.args)
            seen = await asyncio.to_thread(running.version, "/faults/version/")
        _restore(running, sound)
        mended = await asyncio.to_thread(running.tandem, "reload")
        return scene.row(
            bounds=untouched(scene) | _bounds(broken, done.returncode, seen, mended.returncode),
            notes=_notes(scene, done.stderr, mended.stderr if mended.returncode else ""),
        )


def _bounds(broken: Break, exit_code: int, seen: int, mended: int) -> dict[str, Bound]:
    return {
        "exit code": Bound(value=exit_code, at_least=broken.exit_code, at_most=broken.exit_code),
        "version that serves": Bound(value=abs(seen), at_most=0),
        "exit code once mended": Bound(value=mended, at_most=0),
    }


def _notes(scene: Scene, output: str, output_again: str) -> tuple[str, ...]:
    words = [line for line in output.splitlines() if line.strip()][-4:]
    return (
        f"slowest request {scene.load.slowest_s:.1f} s",
        *words,
        *output_again.splitlines()[-4:],
    )


def _read(site: Site) -> dict[str, str]:
    files = [*site.package.glob("*.py"), site.directory / "tandem.json"]
    return {str(path): path.read_text() for path in files}


def _restore(site: Site, files: dict[str, str]) -> None:
    for path in site.package.glob("*.py"):
        site.write(path.name, files[str(path)])
    site.configure_as(files[str(site.directory / "tandem.json")])


FAULTS = tuple(Fault(name=f"deploy-{each.name}", run=partial(deploy, each)) for each in BREAKS)
