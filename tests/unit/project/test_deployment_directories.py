"""The directories that the settings name, and the warnings that reading them must not cause."""

import warnings
from pathlib import Path

import pytest
from django.conf import LazySettings

from django_tandem.project import deployment
from django_tandem.project.deployment import FILE_EMAIL


def found(monkeypatch: pytest.MonkeyPatch, **given: object) -> tuple[str, ...]:
    settings = LazySettings()
    settings.configure(**given)
    monkeypatch.setattr(deployment, "django_settings", settings)
    return deployment.written_directories(Path("/srv/project"))


def test_the_directories_of_mailers_are_written_to(monkeypatch) -> None:
    """Django has no EMAIL_BACKEND beside them."""
    mailers = {
        "default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"},
        "smtp": {"OPTIONS": {"host": "localhost"}},
        "kept": {"BACKEND": FILE_EMAIL, "OPTIONS": {"file_path": "/srv/mail"}},
    }

    assert found(monkeypatch, MAILERS=mailers) == ("/srv/mail",)


@pytest.mark.filterwarnings("ignore:The EMAIL_:PendingDeprecationWarning")
def test_the_directory_of_the_email_backend_is_written_to(monkeypatch) -> None:
    """Django has no MAILERS before 6.1, and takes these settings until 2028."""
    given = {"EMAIL_BACKEND": FILE_EMAIL, "EMAIL_FILE_PATH": "mail"}

    assert found(monkeypatch, **given) == ("/srv/project/mail",)


def test_no_default_that_is_deprecated_is_read(monkeypatch) -> None:
    """Django 6.1 warns for it, and a project may make an error of each warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert found(monkeypatch, MEDIA_ROOT="/srv/media") == ("/srv/media",)
