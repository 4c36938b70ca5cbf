"""Paths that the ASGI stack gets without their prefix, because a pin has STRIP."""

from collections.abc import Iterable


def stripped_prefix(path: str, prefixes: Iterable[str], *, is_exact: bool = False) -> str | None:
    """
    Return the prefix that a path below ``path`` loses on its way; None if each is passed whole.

    ``is_exact`` is true for this path alone.
    """
    # It begins every path, with a prefix or without.
    if path == "/":
        return None
    return next(
        (
            prefix
            for prefix in prefixes
            if path.startswith(prefix) or (prefix.startswith(path) and not is_exact)
        ),
        None,
    )
