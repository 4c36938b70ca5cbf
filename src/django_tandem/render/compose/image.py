"""The Dockerfile of a project: how its packages are installed, and what the build runs."""

from dataclasses import dataclass
from pathlib import PurePath

from django_tandem.model import Packaging, Plan, Project
from django_tandem.render import quoting
from django_tandem.render.containers import RUN_DIR
from django_tandem.render.target import fill

# Where the root of the project is in the image.
ROOT = PurePath("/app")

# The values of variables that the settings require while files are collected: text that parses.
BUILD_VALUES = {"DATABASE_URL": "sqlite://:memory:", "REDIS_URL": "redis://build"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """
    How packages get from their files to /venv, the active virtual environment.

    ``tool`` is the requirement of the program that reads the files, empty for pip. With
    ``needs_code`` it also reads the project's code.
    """

    command: str
    tool: str = ""
    needs_code: bool = False


# By the first of the files that name the packages.
INSTALLERS = {
    "uv.lock": Installer(
        tool="uv>=0.5,<1",
        command="uv sync --active --locked --no-cache --no-dev --no-install-project",
    ),
    "poetry.lock": Installer(
        tool="poetry>=2,<3",
        command="poetry install --no-cache --no-interaction --no-root --only main",
    ),
    "pdm.lock": Installer(tool="pdm>=2,<3", command="pdm sync --no-self --prod"),
    "Pipfile.lock": Installer(tool="pipenv>=2024", command="pipenv sync"),
    "pyproject.toml": Installer(command="pip install --no-cache-dir .", needs_code=True),
}


def dockerfile(plan: Plan, packaging: Packaging, port: int) -> str:
    """Return the text of the Dockerfile, whose context is the root of ``packaging``."""
    project = plan.project
    static, media = (
        in_image(each.directory, packaging) if each else None
        for each in (project.static, project.media)
    )
    return fill(
        "compose/Dockerfile.j2",
        python=packaging.python,
        installer=_installer(packaging),
        copies=_copies(packaging),
        settings_module=project.settings_module,
        directory=in_image(project.directory, packaging),
        build_only=static is not None and any(each.is_required for each in project.variables),
        steps=_steps(project, media, has_static=static is not None),
        outside=[each for each in (static, media) if each and not _is_within(each)],
        port=port,
        run_dir=RUN_DIR,
    )


def ignored(project: Project, packaging: Packaging) -> list[str]:
    """Return the directories below the root that the image is built without."""
    made = (project.static, project.media)
    found = (PurePath(in_image(each.directory, packaging)) for each in made if each)
    return [str(each.relative_to(ROOT)) for each in found if each.is_relative_to(ROOT)]


def in_image(directory: str, packaging: Packaging) -> str:
    """Return where a directory of this machine is in the image."""
    found = PurePath(directory)
    inside = found.is_relative_to(packaging.root)
    return str(ROOT / found.relative_to(packaging.root)) if inside else directory


def _is_within(directory: str) -> bool:
    return PurePath(directory).is_relative_to(ROOT)


def _installer(packaging: Packaging) -> Installer:
    first = packaging.files[0]
    known = INSTALLERS.get(first)
    return known or Installer(command=f"pip install --no-cache-dir -r {first}")


def _copies(packaging: Packaging) -> list[tuple[list[str], str]]:
    """Return the files to copy before the code, by the directory that they are copied to."""
    by_directory: dict[str, list[str]] = {}
    for name in packaging.files:
        by_directory.setdefault(str(PurePath(name).parent), []).append(name)
    return [
        (files, f"{directory}/" if directory != "." else "./")
        for directory, files in by_directory.items()
    ]


def _steps(project: Project, media: str | None, *, has_static: bool) -> list[str]:
    """Return the commands that the build runs once the code is there."""
    required = [each.name for each in project.variables if each.is_required]
    variables = [f"{name}={BUILD_VALUES.get(name, 'build')}" for name in required]
    collect = " ".join((*variables, "python", *manage(project), "collectstatic", "--noinput"))
    found = [collect] if has_static else []
    found.append("python -m compileall -q .")
    if media:
        path = quoting.dockerfile(media)
        # A volume has the owner that its directory has in the image.
        found.append(f"mkdir -p {path} && chown 1000:0 {path}")
    return found


def manage(project: Project) -> tuple[str, ...]:
    """Return the arguments of Python for a management command."""
    return ("manage.py",) if project.manage_py else ("-m", "django")
