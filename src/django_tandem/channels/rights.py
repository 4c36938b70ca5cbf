"""The error of a command that the ACL of Redis denies, which names the right to grant."""

import contextlib
import re
from collections.abc import Iterator

from redis.exceptions import NoPermissionError, ResponseError


class MissingRightError(NoPermissionError):
    """The user of Redis lacks a right that the layer needs."""


@contextlib.contextmanager
def naming_rights(prefix: str) -> Iterator[None]:
    """Raise MissingRightError for an error within the block that an ACL is the reason of."""
    try:
        yield
    except MissingRightError:
        raise
    except ResponseError as error:
        # An error within a script has another type.
        right = missing_right(str(error), prefix)
        if right is None:
            raise
        raise MissingRightError(
            f'The Redis user of the channel layer lacks the right "{right}". '
            f"Grant it by `ACL SETUSER NAME {right}`."
        ) from error


def missing_right(text: str, prefix: str) -> str | None:
    """Return what Redis denies by an error of this text, in the terms of ACL SETUSER, if any."""
    if "permissions" not in text:
        return None
    if command := re.search(r"run the '([^']+)' command", text):
        return f"+{command[1]}"
    return f"&{prefix}*" if "channel" in text else f"~{prefix}*"
