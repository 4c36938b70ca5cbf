"""The image of the documentation's Dockerfile, built by podman on a Debian unpacked for it."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/containers.md"
# What make names: images and wheels are kept from one run to the next.
CACHE = Path(os.environ.get("CONTAINERS") or Path.home() / ".cache/django-tandem/containers")
# Debian 13 has this version of Python; the image of that name is Debian 13 too.
SUITE, PYTHON = "trixie", "3.13"
# Some sandboxes let nobody raise the limits, as podman does by default.
LIMITS = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
# Unpacked, but not configured: what its scripts would have made, the hooks make.
PACKAGES = "python3-venv,ca-certificates,base-files,base-passwd,coreutils,dash,libc-bin,grep,sed"
HOOKS = (
    'cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"',
    'cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"',
    'ln -s python3 "$1/usr/bin/python"',
    'cd "$1" && cat usr/share/ca-certificates/mozilla/*.crt > etc/ssl/certs/ca-certificates.crt',
)
# What has no wheel, by what needs it.
WITHOUT_WHEEL = {"graphene": "promise"}
BUILD_S = 300
# Of the newest ones, another run of the tests may be about to start a container.
KEPT = 4


def podman(*arguments: str) -> list[str]:
    """Return a command line of podman, with its own storage."""
    storage = ("--root", f"{CACHE}/images", "--runroot", f"{CACHE}/run")
    engine = ("--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none")
    return ["podman", *storage, *engine, *arguments]


def build(project: Path, repository: str, recipe: str | None = None) -> str:
    """
    Return the image of ``project`` with this django-tandem, which is built if it is new.

    ``recipe`` is the text of its Dockerfile, else that of the documentation.
    """
    text = recipe or dockerfile()
    with _locked():
        wheels = _downloaded(project)
        name = f"localhost/{repository}:{_digest(project, wheels, text)}"
        if not exists(name):
            base = _base_name(text)
            if not exists(base):
                make_base(base, PACKAGES)
            _build(project, wheels, name, text)
            _remove_old(name.partition(":")[0])
    return name


@contextmanager
def _locked() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_server(name: str, packages: str, *hooks: str, command: str) -> None:
    """Make the image ``name`` of Debian with ``packages`` if it is new; it runs ``command``."""
    with _locked():
        if not exists(name):
            make_base(name, packages, *hooks, changes=(f'CMD ["{command}"]',))


def dockerfile() -> str:
    """Return the one of the documentation."""
    found = re.search(
        r"```\{code-block\} dockerfile\n:caption: [^\n]*\n\n(.*?)^```",
        PAGE.read_text(),
        re.M | re.S,
    )
    assert found, f"there is no Dockerfile in {PAGE}"
    return found[1]


def _base_name(text: str) -> str:
    named = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(named) == {f"python:{PYTHON}-slim"}, named
    return f"docker.io/library/{named[0]}"


def exists(name: str) -> bool:
    return subprocess.run(podman("image", "exists", name), check=False).returncode == 0


def _remove_old(repository: str) -> None:
    listed = podman("images", "--quiet", "--sort", "created", repository)
    found = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    # One that a container still runs stays.
    subprocess.run(podman("rmi", *found[KEPT:]), capture_output=True, check=False)


def _run(*command: str, **more: object) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=BUILD_S, check=False, **more
    )
    assert done.returncode == 0, f"{' '.join(command[:2])} failed:\n{done.stdout}{done.stderr}"


def make_base(name: str, packages: str, *more: str, changes: tuple[str, ...] = ()) -> None:
    """
    Import Debian with ``packages`` as an image.

    ``more`` are hooks of mmdebstrap, ``changes`` instructions of a Dockerfile.
    """
    hooks = [f"--extract-hook={hook}" for hook in (*HOOKS, *more)]
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root = f"{scratch}/root.tar"
        _run("mmdebstrap", "--variant=extract", f"--include={packages}", *hooks, SUITE, root)
        _run(*podman("import", *(f"--change={each}" for each in changes), root, name))


def _downloaded(project: Path) -> Path:
    """Return a directory with the wheels of everything but django-tandem itself."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    own = [
        line for line in (project / "requirements.txt").read_text().split() if "tandem" not in line
    ]
    wanted = [*declared["dependencies"], *declared["optional-dependencies"]["bundled"], *own]
    constraints = (ROOT / "constraints.txt").read_bytes()
    known = hashlib.sha256("\n".join(wanted).encode() + constraints).hexdigest()[:12]
    directory = CACHE / f"wheels-{PYTHON}-{known}"
    if not directory.exists():
        with _made_whole(directory) as new:
            pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
            pins = ("-q", "-c", str(ROOT / "constraints.txt"))
            for each in (each for each in WITHOUT_WHEEL if any(each in line for line in own)):
                _run(*pip, "wheel", *pins, "--no-deps", "-w", str(new), WITHOUT_WHEEL[each])
            which = ("--only-binary=:all:", "--python-version", PYTHON, "--find-links", str(new))
            _run(*pip, "download", *pins, *which, "-d", str(new), *wanted)
    return directory


@contextmanager
def _made_whole(directory: Path) -> Iterator[Path]:
    new = directory.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    yield new
    new.rename(directory)


def _digest(project: Path, wheels: Path, text: str) -> str:
    """Return what stands for all that the image is made of."""
    made_of = hashlib.sha256(f"{wheels.name}{text}".encode())
    for top in (ROOT / "src/django_tandem", ROOT / "pyproject.toml", project):
        for path in sorted(path for path in (*top.rglob("*"), top) if path.is_file()):
            if "__pycache__" not in path.parts:
                made_of.update(f"{path.relative_to(top)}\n".encode() + path.read_bytes())
    return made_of.hexdigest()[:12]


def _build(project: Path, wheels: Path, name: str, text: str) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        context, own = Path(scratch, "context"), Path(scratch, "wheels")
        shutil.copytree(project, context, ignore=shutil.ignore_patterns("__pycache__"))
        (context / "Dockerfile").write_text(text)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q")
        _run(*pip, "--no-deps", "--no-build-isolation", "-w", str(own), str(ROOT))
        # pip finds the packages here, and the build has no network.
        config = Path(scratch, "pip.conf")
        config.write_text("[global]\nno-index = true\nfind-links =\n    /wheels\n    /own\n")
        _run(
            *podman("build", "--pull=never", "--layers=false", "--format=docker"),
            *(*LIMITS, "--network=none", "--tag", name),
            *("--volume", f"{wheels}:/wheels:ro", "--volume", f"{own}:/own:ro"),
            *("--volume", f"{config}:/etc/pip.conf:ro", str(context)),
        )
