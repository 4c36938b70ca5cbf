"""The Django app, for projects that list django_tandem in INSTALLED_APPS."""

from django.apps import AppConfig


class TandemConfig(AppConfig):
    """Provide the management commands and the system checks."""

    name = "django_tandem"
    verbose_name = "django-tandem"

    def ready(self) -> None:
        """Register the checks with Django; `tandem up` runs them without the app too."""
        from django_tandem import checks  # noqa: PLC0415 - Django's own place for it

        checks.register_all()
