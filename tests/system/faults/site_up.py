"""The example with the harness's own site beside it, copied, deployed to, and served."""

import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django_tandem.runtime.reload import wait_until_drained
from harness import forking
from harness.client import ask
from harness.example import LEFT_OUT, copied, prepare, token_of
from harness.stack import Up, clean_environment

HERE = Path(__file__).parent
SETTINGS = {"DJANGO_SETTINGS_MODULE": "faultsite.settings"}
# A short window, so that many reloads fit in; what must be spread over it is the same.
DRAIN_S = 5
# How long a subcommand may take on a machine that is loaded.
COMMAND_S = 180
TANDEM = ("-m", "django_tandem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A project to deploy to, and its stack."""

    directory: Path
    up: Up
    environment: dict[str, str]
    # What the load bids with.
    token: str

    @property
    def package(self) -> Path:
        return self.directory / "faultsite"

    def write(self, name: str, text: str) -> None:
        """Write a file of the site as a deploy does: whole, with its own time stamp."""
        path = self.package / name
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)
        # Python tells stale bytecode by whole seconds and the length.
        shutil.rmtree(self.package / "__pycache__", ignore_errors=True)

    def deploy(self, version: int, *, routes: int | None = None) -> None:
        """Have the code say ``version``, and have so many async routes when that is given."""
        self.write("version.py", f"VERSION = {version}\n")
        if routes is not None:
            self.write("routes.py", f"ADDED = {routes}\n")

    def configure(self, **tandem: object) -> None:
        """Write the TANDEM setting."""
        self.configure_as(json.dumps(tandem))

    def configure_as(self, text: str) -> None:
        """Write the TANDEM setting from its JSON."""
        (self.directory / "tandem.json").write_text(text)

    def tandem(self, *args: str, script: tuple[str, ...] = TANDEM, **more: str):
        """Run a subcommand to its end and return what came of it."""
        environment = clean_environment() | self.environment | more
        if script == TANDEM:
            return forking.run([*script, *args], self.directory, environment, timeout_s=COMMAND_S)
        return subprocess.run(
            [sys.executable, *script, *args],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def wait_until_drained(self) -> None:
        """Return when nothing runs but the generation that serves."""
        wait_until_drained(self.up.run_dir)

    def version(self, path: str) -> int:
        """Ask over its own connection which version serves, or get the status negative."""
        answer = ask(self.up.port, path)
        return answer.json["version"] if answer.status == 200 else -answer.status


@contextmanager
def site(
    *,
    wsgi: str = "gunicorn",
    asgi: str = "uvicorn",
    drain_s: int = DRAIN_S,
    nginx: str | None = None,
    environment: dict[str, str] | None = None,
    more: dict[str, object] | None = None,
) -> Iterator[Site]:
    """Serve a fresh copy until the end of the block, with ``more`` in its TANDEM setting."""
    given = SETTINGS | (environment or {})
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        directory = Path(shutil.copytree(_prepared(), Path(scratch, "p")))
        # Already here, for the project's settings read it.
        tandem = {**tandem_of(wsgi, asgi, drain_s), "EDGE": {"NGINX": nginx}, **(more or {})}
        (directory / "tandem.json").write_text(json.dumps(tandem))
        if environment:
            # Such as another database.
            prepare(directory, **given)
        made = Site(
            directory=directory,
            up=Up(directory, environment=given),
            environment=given,
            token=token_of("ada", directory, **given),
        )
        with made.up:
            yield made


def tandem_of(wsgi: str = "gunicorn", asgi: str = "uvicorn", drain_s: int = DRAIN_S) -> dict:
    """Return the TANDEM setting for a pair of servers."""
    return {
        "WSGI": {"SERVER": wsgi},
        "ASGI": {"SERVER": asgi},
        "DRAIN_S": drain_s,
    }


@cache
def _prepared() -> Path:
    """Prepare a copy once, with its database; each site is a copy of that."""
    scratch = Path(tempfile.mkdtemp(prefix="faults-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    directory = copied(scratch / "p")
    shutil.copytree(HERE / "site", directory, ignore=LEFT_OUT, dirs_exist_ok=True)
    (directory / "tandem.json").write_text("{}")
    prepare(directory, **SETTINGS)
    return directory
