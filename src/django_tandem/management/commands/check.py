"""Django's own command `check`, which reports our errors as errors, not warnings."""

from django.core.management.commands import check

from django_tandem.checks import keeping_errors


class Command(check.Command):
    """Run Django's `check`; before other commands, our errors are warnings."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run it as `manage.py check`, and not as what the test runner calls."""
        with keeping_errors():
            super().run_from_argv(argv)
