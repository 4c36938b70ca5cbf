"""What can't be read of the project is told as `tandem` would tell it, and is no traceback."""

from checks.saying import told
from django_tandem.checks.facts import Facts
from django_tandem.checks.project import application_is_imported, setting_is_read
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
    """Neither of the two has anything to say."""
    assert [*setting_is_read(Facts()), *application_is_imported(Facts())] == []
