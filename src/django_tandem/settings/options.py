"""How an option of the TANDEM setting is declared, and read from what a user has written."""

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, TypeVar

from django_tandem.errors import SettingError
from django_tandem.settings import readers
from django_tandem.settings.readers import Reader

T = TypeVar("T")

# The default of an option that has none.
REQUIRED = object()


def option(reader: Reader, default: Any, meaning: str, *, repr: bool = True) -> Any:  # noqa: A002
    """Declare an option; ``default`` is written as a user would, and read like any other value."""
    return field(repr=repr, metadata={"reader": reader, "default": default, "meaning": meaning})


def dict_of(cls: type[T]) -> Reader:
    """Return a reader of the dict whose options ``cls`` declares."""
    return Reader("a dict", lambda value, path: read(cls, value, path))


def section(cls: type[T], default: Mapping[str, Any], meaning: str) -> Any:
    """Declare an option that is a dict of further options."""
    return option(dict_of(cls), default, meaning)


def read(cls: type[T], given: Any, path: str) -> T:
    """
    Read the dict ``given`` at ``path`` into the frozen dataclass ``cls``.

    Raises SettingError for an unknown key or a wrong value.
    """
    declared = {item.name.upper(): item for item in fields(cls)}  # type: ignore[arg-type]
    by_key = {key: item.metadata["reader"] for key, item in declared.items()}
    values = readers.table(given, path, by_key)
    for key, item in declared.items():
        if key in values:
            continue
        if item.metadata["default"] is REQUIRED:
            hint = f"Set it to {item.metadata['meaning']}."
            raise SettingError(f'{path}["{key}"] is missing.', hint=hint)
        values[key] = item.metadata["reader"](item.metadata["default"], f'{path}["{key}"]')
    return cls(**{key.lower(): value for key, value in values.items()})
