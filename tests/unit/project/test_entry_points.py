"""manage.py, wsgi.py and asgi.py say which settings they want, and are not run for it."""

import pytest

from django_tandem.project.entry_points import settings_named_in


@pytest.mark.parametrize(
    "source",
    [
        'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")\n',
        'from os import environ\nenviron["DJANGO_SETTINGS_MODULE"] = "config.settings"\n',
        'def main():\n    os.putenv("DJANGO_SETTINGS_MODULE", "config.settings")\n    exit(1)\n',
    ],
)
def test_the_settings_are_read_however_they_are_written(source, tmp_path) -> None:
    """As a default, outright, or inside a function."""
    file = tmp_path / "wsgi.py"
    file.write_text(source)

    assert settings_named_in(file) == "config.settings"


@pytest.mark.parametrize(
    "source",
    [
        "",
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", NAME)\n',
        'os.environ["DJANGO_SETTINGS_MODULE"] = f"config.{STAGE}"\n',
        'os.environ.setdefault("DJANGO_CONFIGURATION", "Production")\n',
        "this is no Python\n",
        "\0",
    ],
)
def test_what_is_not_written_out_is_not_guessed_at(source, tmp_path) -> None:
    """Neither is a file that can't be read."""
    file = tmp_path / "wsgi.py"
    file.write_text(source)

    assert settings_named_in(file) is None
    assert settings_named_in(tmp_path / "no-such.py") is None
