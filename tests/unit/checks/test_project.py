"""The settings, the entry points and the ASGI application are checked."""

from checks.gathered import facts
from checks.messages import contents, ids

from django_tandem.checks.facts import EntryPoint
from django_tandem.checks.project import (
    application_is_imported,
    application_is_ours,
    entry_points_agree,
    hosts_are_allowed,
    setting_is_read,
)
from django_tandem.errors import ProjectError, SettingError


def test_a_mistake_in_the_setting_is_an_error() -> None:
    """With the sentence and the hint that every subcommand prints."""
    error = SettingError('TANDEM["BNID"] is not an option.', hint='Did you mean "BIND"?')

    assert contents(setting_is_read(facts(setting_error=error))) == [
        ("tandem.E001", "TANDEM", 'TANDEM["BNID"] is not an option.', 'Did you mean "BIND"?')
    ]


def test_an_application_that_fails_to_import_is_an_error() -> None:
    """The hint says where it was raised."""
    error = ProjectError("It can't be imported.", hint="Raised at asgi.py, line 3.")
    found = facts(asgi_error=error)

    assert contents(application_is_imported(found)) == [
        (
            "tandem.E002",
            "config.asgi.application",
            "It can't be imported.",
            "Raised at asgi.py, line 3.",
        )
    ]


def test_a_project_without_errors_has_no_findings() -> None:
    """None of the checks returns a message."""
    assert [*setting_is_read(facts()), *application_is_imported(facts())] == []
    assert ids(entry_points_agree(facts())) == []


def _entry(stack: str, settings_module: str) -> EntryPoint:
    return EntryPoint(file=f"config/{stack}.py", settings_module=settings_module)


def test_entry_points_that_name_different_settings_are_a_warning() -> None:
    """Both are named, as either may be the wrong one."""
    entry_points = (_entry("wsgi", "config.production"), _entry("asgi", "config.settings"))

    assert contents(entry_points_agree(facts(entry_points=entry_points))) == [
        (
            "tandem.W008",
            "config/asgi.py",
            "The entry points name different settings modules: config/wsgi.py names "
            '"config.production", config/asgi.py names "config.settings".',
            "Name the same one in both. `tandem` serves both stacks with one settings module: that "
            "of --settings, else of DJANGO_SETTINGS_MODULE, else of manage.py.",
        )
    ]


def test_entry_points_that_agree_or_stand_alone_are_fine() -> None:
    """A project may have but one of them."""
    one = _entry("wsgi", "config.settings")

    assert ids(entry_points_agree(facts(entry_points=(one,)))) == []
    assert (
        ids(entry_points_agree(facts(entry_points=(one, _entry("asgi", "config.settings"))))) == []
    )


def test_an_empty_list_of_hosts_is_a_warning() -> None:
    """`runserver` does not start with it, and `tandem up` does."""
    assert contents(hosts_are_allowed(facts(rejects_hosts=True))) == [
        (
            "tandem.W020",
            "ALLOWED_HOSTS",
            "DEBUG is False and ALLOWED_HOSTS is empty, so Django rejects the host of each "
            "request.",
            'Name the hosts of the site in ALLOWED_HOSTS, such as ["www.example.com"]; a client '
            "gets 400 until then.",
        )
    ]
    assert ids(hosts_are_allowed(facts())) == []


def test_djangos_own_application_is_a_warning() -> None:
    """The module to change is named."""
    assert contents(application_is_ours(facts(stock_modules=("config.asgi",)))) == [
        (
            "tandem.W009",
            "config.asgi",
            "config.asgi makes Django's own ASGI application: each synchronous middleware causes a "
            "thread switch, and each request with synchronous code takes its own thread and "
            "database connection.",
            "Import get_asgi_application from django_tandem.asgi instead: Django's own middleware "
            "runs without thread switches, a synchronous view takes one, and threads and their "
            "connections are bounded and reused.",
        )
    ]


def test_our_application_is_no_finding() -> None:
    """Nor is a project without one."""
    assert ids(application_is_ours(facts())) == []


def test_djangos_handler_by_choice_is_no_finding() -> None:
    """TANDEM["ASGI"]["HANDLER"] keeps it."""
    found = facts(tandem={"ASGI": {"HANDLER": "django"}}, stock_modules=("config.asgi",))

    assert ids(application_is_ours(found)) == []
