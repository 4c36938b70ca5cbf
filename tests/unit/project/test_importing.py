"""An exception of the project's code becomes one sentence, with its place."""

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from django.apps.config import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from django_tandem.errors import ProjectError
from django_tandem.project.importing import module_exists, trying

SHOWN = "`python manage.py check` shows the whole traceback."


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Path:
    """The directory of a package that can be imported, until the end of the test."""
    before = set(sys.modules)
    directory = tmp_path / "its_shop"
    directory.mkdir()
    (directory / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield directory
    for name in set(sys.modules) - before:
        del sys.modules[name]


def _message(what: str, step: partial) -> tuple[str, str]:
    with pytest.raises(ProjectError) as raised:
        trying(what, step)
    return raised.value.message, raised.value.hint


def test_an_app_that_is_not_there_is_named_as_the_settings_name_it(monkeypatch) -> None:
    """There is no line that could be mended but theirs."""
    monkeypatch.setattr(settings, "INSTALLED_APPS", ["django.contrib.auth", "no_such_app"])
    message = _message("The project", partial(AppConfig.create, "no_such_app"))

    assert message == (
        "The project can't be imported: ModuleNotFoundError: No module named 'no_such_app'",
        f'Named in INSTALLED_APPS, as "no_such_app". {SHOWN}',
    )


def test_a_configuration_whose_package_is_not_there_is_named_whole(monkeypatch) -> None:
    """Python names the first package that it does not find."""
    entry = "no_such_app.apps.NoSuchConfig"
    monkeypatch.setattr(settings, "INSTALLED_APPS", ["other.apps.Config", entry])
    _, hint = _message("The project", partial(AppConfig.create, entry))

    assert hint == f'Named in INSTALLED_APPS, as "{entry}". {SHOWN}'


def test_of_two_of_one_package_the_one_that_it_lacks_is_named(shop, monkeypatch) -> None:
    """Django names the module and the class each for itself."""
    (shop / "apps.py").write_text("class There: pass\n")
    entries = ["its_shop.apps.There", "its_shop.apps.NotThere"]
    monkeypatch.setattr(settings, "INSTALLED_APPS", entries)
    _, hint = _message("The project", partial(AppConfig.create, entries[1]))

    assert hint == f'Named in INSTALLED_APPS, as "its_shop.apps.NotThere". {SHOWN}'


@pytest.mark.parametrize("dotted", ["no_such_package.Middleware", "its_shop.NoMiddleware"])
def test_a_middleware_that_is_not_there_is_named(dotted, shop, monkeypatch) -> None:
    """Its module or its class."""
    monkeypatch.setattr(settings, "MIDDLEWARE", ["its_shop.Other", dotted])
    _, hint = _message(f'The middleware "{dotted}"', partial(import_string, dotted))

    assert hint == f'Named in MIDDLEWARE, as "{dotted}". {SHOWN}'


def test_a_urlconf_that_is_not_there_is_named(monkeypatch) -> None:
    """As one setting."""
    monkeypatch.setattr(settings, "ROOT_URLCONF", "no_such_package.urls")
    _, hint = _message(
        'The URLconf "no_such_package.urls"', partial(import_module, "no_such_package.urls")
    )

    assert hint == f'Named in ROOT_URLCONF, as "no_such_package.urls". {SHOWN}'


def test_what_the_projects_own_code_imports_keeps_its_line(shop, monkeypatch) -> None:
    """Though the settings name the module that it is in."""
    (shop / "urls.py").write_text("\nimport no_such_package\n")
    monkeypatch.setattr(settings, "ROOT_URLCONF", "its_shop.urls")
    _, hint = _message('The URLconf "its_shop.urls"', partial(import_module, "its_shop.urls"))

    assert hint == f"Raised at {shop / 'urls.py'}, line 2. {SHOWN}"


def test_what_the_projects_own_code_names_keeps_its_line(shop) -> None:
    """`include()` has Django import it."""
    (shop / "urls.py").write_text(
        'from django.urls import include, path\n\nurlpatterns = [path("", include("no_such"))]\n'
    )

    _, hint = _message('The URLconf "its_shop.urls"', partial(import_module, "its_shop.urls"))

    assert hint == f"Raised at {shop / 'urls.py'}, line 3. {SHOWN}"


def test_what_no_setting_names_has_no_place() -> None:
    """A line of Python's own would mislead."""
    _, hint = _message('The settings module "no_such"', partial(import_module, "no_such"))

    assert hint == SHOWN


def test_a_syntax_error_has_its_line(shop) -> None:
    """As in Python's own message."""
    (shop / "views.py").write_text("\ndef (:\n")

    _, hint = _message("The project", partial(import_module, "its_shop.views"))

    assert hint == f"Raised at {shop / 'views.py'}, line 2. {SHOWN}"


def test_any_other_error_has_the_line_that_raised_it(shop) -> None:
    """Also a settings module that ends the interpreter."""
    (shop / "views.py").write_text("import sys\n\nsys.exit('no')\n")

    message = _message("The project", partial(import_module, "its_shop.views"))

    assert message == (
        "The project can't be imported: SystemExit: no",
        f"Raised at {shop / 'views.py'}, line 3. {SHOWN}",
    )


def test_a_module_whose_package_fails_is_named_with_the_line(shop) -> None:
    """A search for the module imports its package."""
    (shop / "__init__.py").write_text("raise PermissionError(13, 'Permission denied', 'key')\n")
    with pytest.raises(ProjectError) as raised:
        module_exists("its_shop.wsgi")

    assert raised.value.message == (
        'The package of "its_shop.wsgi" can\'t be imported: PermissionError: [Errno 13] '
        "Permission denied: 'key'"
    )
    assert raised.value.hint == f"Raised at {shop / '__init__.py'}, line 1. {SHOWN}"


def test_a_module_that_is_not_there_does_not_exist(shop) -> None:
    """Neither in its package, nor without one."""
    (shop / "asgi.py").touch()

    assert module_exists("its_shop.asgi")
    assert not module_exists("its_shop.wsgi")
    assert not module_exists("no_such_shop.wsgi")
