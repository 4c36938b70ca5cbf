"""The Dockerfile and .dockerignore, by their instructions."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builders import plan, verdict
from django_tandem.errors import QuotingError
from django_tandem.model import Packaging, Plan, StaticFiles, Variable
from django_tandem.render import compose

ROOT = "/srv/project"
FILES = {
    "uv": ("uv.lock", "pyproject.toml"),
    "poetry": ("poetry.lock", "pyproject.toml"),
    "pdm": ("pdm.lock", "pyproject.toml"),
    "pipenv": ("Pipfile.lock", "Pipfile"),
    "pip": ("requirements.txt", "requirements/base.txt"),
    "pyproject": ("pyproject.toml",),
}


def planned(files: tuple[str, ...] = ("requirements.txt",), **changes: Any) -> Plan:
    packaging = Packaging(root=ROOT, files=files, python="3.13")
    tandem = {"PEERS": {"WSGI": ["wsgi:9000"]}}
    return plan(verdict("/"), tandem=tandem, packaging=packaging, **changes)


def text_of(name: str, made: Plan) -> str:
    return next(file.content for file in compose.render(made) if file.name == name)


def instructions(made: Plan) -> list[str]:
    return text_of("Dockerfile", made).replace("\\\n", "").splitlines()


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (
            FILES["uv"],
            [
                "COPY uv.lock pyproject.toml ./",
                "RUN uv sync --active --locked --no-cache --no-dev --no-install-project",
                "COPY . .",
            ],
        ),
        (
            FILES["pip"],
            [
                "COPY requirements.txt ./",
                "COPY requirements/base.txt requirements/",
                "RUN pip install --no-cache-dir -r requirements.txt",
                "COPY . .",
            ],
        ),
        (FILES["pyproject"], ["COPY . .", "RUN pip install --no-cache-dir ."]),
    ],
)
def test_packages_are_installed_by_the_files_that_name_them(files, lines) -> None:
    """Before the code is copied, where they do not need it: a change of code keeps that layer."""
    found = instructions(planned(files))

    first = found.index(lines[0])
    assert found[first : first + len(lines)] == lines


def test_a_project_below_its_root_runs_in_its_directory() -> None:
    """That of manage.py, which the whole root surrounds."""
    found = instructions(planned(directory=f"{ROOT}/src"))

    assert found.count("WORKDIR /app/src") == 2


def test_static_files_are_collected_in_the_build() -> None:
    """With a value for each variable that the settings require, and no more of them."""
    variables = (
        Variable(name="DATABASE_URL", is_required=True),
        Variable(name="LOG_LEVEL"),
        Variable(name="SECRET_KEY", is_required=True),
    )
    static = StaticFiles(prefix="/static/", directory=f"{ROOT}/collected")

    made = planned(static=static, variables=variables, manage_py=f"{ROOT}/manage.py")

    assert (
        "RUN DATABASE_URL=sqlite://:memory: SECRET_KEY=build "
        "python manage.py collectstatic --noinput  && python -m compileall -q ."
    ) in instructions(made)
    assert "collected" in text_of(".dockerignore", made).splitlines()


def test_static_files_outside_of_the_root_get_into_the_image() -> None:
    """The edge serves them from there."""
    static = StaticFiles(prefix="/static/", directory="/var/www/static")

    assert "COPY --from=build /var/www/static /var/www/static" in instructions(
        planned(static=static)
    )


def test_the_settings_are_those_that_it_was_rendered_with() -> None:
    """And not those that manage.py names."""
    found = "\n".join(instructions(planned(settings_module="config.settings.production")))

    assert found.count("DJANGO_SETTINGS_MODULE=config.settings.production") == 2


def test_a_path_with_other_characters_is_refused() -> None:
    """Escapes differ from instruction to instruction."""
    with pytest.raises(QuotingError) as raised:
        compose.render(planned(directory=f"{ROOT}/my site"))

    assert str(raised.value) == (
        "'/app/my site' can't be written to a Dockerfile: it has other characters than letters, "
        "digits and _./:@+-.\n"
        "  Rename it."
    )


@pytest.mark.processes
@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_hadolint_finds_nothing(files, tmp_path) -> None:
    """In the Dockerfile of each installer."""
    media = StaticFiles(prefix="/media/", directory=f"{ROOT}/media")
    static = StaticFiles(prefix="/static/", directory=f"{ROOT}/collected")
    path = tmp_path / "Dockerfile"
    path.write_text(text_of("Dockerfile", planned(files, static=static, media=media)))

    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, path], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")
