"""What can't be read of the project is told as `tandem` would tell it, and is no traceback."""

from checks.saying import told

from django_tandem.checks.facts import EntryPoint, Facts
from django_tandem.checks.project import (
    application_is_imported,
    entry_points_agree,
    setting_is_read,
)
from django_tandem.errors import ProjectError, SettingError


def test_a_mistake_in_the_setting_is_an_error() -> None:
    """With the sentence and the hint that every subcommand would end with."""
    error = SettingError('TANDEM["BNID"] is not an option.', hint='Did you mean "BIND"?')

    assert told(setting_is_read(Facts(setting_error=error))) == [
        ("tandem.E001", "TANDEM", 'TANDEM["BNID"] is not an option.', 'Did you mean "BIND"?')
    ]


def test_an_application_that_fails_to_import_is_an_error() -> None:
    """Where it was raised is in the hint."""
    error = ProjectError("It can't be imported.", hint="Raised at asgi.py, line 3.")
    facts = Facts(asgi="config.asgi.application", asgi_error=error)

    assert told(application_is_imported(facts)) == [
        (
            "tandem.E002",
            "config.asgi.application",
            "It can't be imported.",
            "Raised at asgi.py, line 3.",
        )
    ]


def test_a_project_that_can_be_read_is_not_spoken_of() -> None:
    """None of them has anything to say."""
    assert [*setting_is_read(Facts()), *application_is_imported(Facts())] == []
    assert entry_points_agree(Facts()) == []


def _entry(stack: str, settings_module: str) -> EntryPoint:
    return EntryPoint(file=f"config/{stack}.py", settings_module=settings_module)


def test_entry_points_that_name_different_settings_are_a_warning() -> None:
    """Both are named, as either may be the wrong one."""
    entry_points = (_entry("wsgi", "config.production"), _entry("asgi", "config.settings"))

    assert told(entry_points_agree(Facts(entry_points=entry_points))) == [
        (
            "tandem.W008",
            "config/asgi.py",
            "The stacks are meant to have different settings: config/wsgi.py names "
            '"config.production", config/asgi.py names "config.settings".',
            "Name the same in each. `tandem` serves both stacks by one settings module: that of "
            "--settings, else of DJANGO_SETTINGS_MODULE, else of manage.py.",
        )
    ]


def test_entry_points_that_agree_or_stand_alone_are_fine() -> None:
    """A project may have but one of them."""
    one = _entry("wsgi", "config.settings")

    assert entry_points_agree(Facts(entry_points=(one,))) == []
    assert entry_points_agree(Facts(entry_points=(one, _entry("asgi", "config.settings")))) == []
